// Follows one job: over the socket, which is reopened with growing, jittered pauses; meanwhile, and where sockets are
// blocked, by polling the snapshot every few seconds. The next snapshot makes up for missed events.

import { getJson } from "../site/http.js";
import { apply, isActive, relation } from "./job_state.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;
const POLL_MS = 2000;
const TOO_MANY = 4429; // pages of this person follow a job, each with a socket
const NOT_ALLOWED = new Set([4401, 4403, 4404, 401, 403, 404]); // the socket's close codes and HTTP's

export class JobChannel {
  // handlers: onJob(job), onFrame(blob), onConnection("live" | "polling" | "crowded" | "offline" | "refused")
  constructor({ id, snapshotUrl, job, handlers }) {
    this.id = id;
    this.snapshotUrl = snapshotUrl;
    this.job = job;
    this.handlers = handlers;
    this.failures = 0;
    this.closed = false;
    this.connect();
  }

  close() {
    this.closed = true;
    clearTimeout(this.reconnectTimer);
    clearTimeout(this.pollTimer);
    this.socket?.close();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}/ws/jobs/${this.id}/`);
    this.socket.binaryType = "blob";
    this.socket.addEventListener("message", (message) => this.receive(message.data));
    this.socket.addEventListener("close", (event) => this.lost(event.code));
  }

  receive(data) {
    if (this.closed) return;
    if (data instanceof Blob) {
      this.handlers.onFrame(data);
      return;
    }
    this.failures = 0;
    this.isCrowded = false;
    clearTimeout(this.pollTimer);
    this.handlers.onConnection("live");
    const event = JSON.parse(data);
    if (event.type === "snapshot") {
      this.askedForSnapshot = false;
      this.show(event.job);
    } else if (this.job) {
      this.follow(event);
    }
  }

  follow(event) {
    const order = relation(this.job, event);
    if (order === "next") this.show(apply(this.job, event));
    // The URL of the video is in snapshots only.
    const ended = order === "next" && event.type === "job" && !isActive(this.job);
    const canAsk = !this.askedForSnapshot && this.socket.readyState === WebSocket.OPEN;
    if ((order === "gap" || ended) && canAsk) {
      this.askedForSnapshot = true;
      this.socket.send(JSON.stringify({ type: "snapshot" }));
    }
  }

  show(job) {
    if (this.job && job.seq < this.job.seq) return;
    this.job = job;
    this.handlers.onJob(job);
    if (!isActive(job) && !this.askedForSnapshot && (job.video || !["completed", "fallback"].includes(job.state))) {
      this.close();
    }
  }

  refuse() {
    this.close();
    this.handlers.onConnection("refused");
  }

  lost(code) {
    if (this.closed) return;
    if (NOT_ALLOWED.has(code)) {
      this.refuse();
      return;
    }
    this.askedForSnapshot = false;
    this.failures += 1;
    this.isCrowded ||= code === TOO_MANY;
    const pause = this.isCrowded ? LONGEST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures);
    // Jitter: after a restart of the server not all pages reconnect at the same moment.
    this.reconnectTimer = setTimeout(() => this.connect(), pause * (0.5 + Math.random()));
    clearTimeout(this.pollTimer);
    this.pollTimer = setTimeout(() => this.poll(), POLL_MS);
  }

  async poll() {
    if (this.closed) return;
    try {
      this.show(await getJson(this.snapshotUrl));
      if (!this.closed) this.handlers.onConnection(this.isCrowded ? "crowded" : "polling");
    } catch (error) {
      if (NOT_ALLOWED.has(error.status)) {
        this.refuse();
        return;
      }
      this.handlers.onConnection("offline");
    }
    if (!this.closed && this.socket.readyState !== WebSocket.OPEN) {
      this.pollTimer = setTimeout(() => this.poll(), POLL_MS * (0.75 + Math.random() / 2));
    }
  }
}
