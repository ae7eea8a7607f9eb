// Follows one job: over the socket, which is reopened with growing, jittered pauses; meanwhile, and where sockets are
// blocked, by polling every few seconds. What was missed is asked for: what has changed since the state that the page
// knows or, where that does not help, a snapshot.

import { getJson } from "../site/http.js";
import { apply, applyChanges, changedClips, isActive, relation } from "./job_state.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;
const POLL_MS = 2000;
const TOO_MANY = 4429; // pages of this person follow a job, each with a socket
const NOT_ALLOWED = new Set([4401, 4403, 4404, 401, 403, 404]); // the socket's close codes and HTTP's

export class JobChannel {
  // handlers: onJob(job, changed), onFrame(blob), onConnection("live" | "polling" | "crowded" | "offline" | "refused");
  // "changed" has the indexes of the clips that look different now, or is null: perhaps all
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
    const query = this.knowsClips() ? `?since=${this.job.seq}` : "";
    this.socket = new WebSocket(`${scheme}//${location.host}/ws/jobs/${this.id}/${query}`);
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
    const message = JSON.parse(data);
    if (message.type === "snapshot") {
      this.hasAsked = false;
      this.show(message.job, null);
    } else if (message.type === "changes") {
      this.hasAsked = false;
      if (!this.update(message)) this.ask({ type: "snapshot" });
    } else if (this.job) {
      this.follow(message);
    }
  }

  // A job that waits for its recording has no clips yet, and its recording is in snapshots only.
  knowsClips() {
    return Boolean(this.job?.clips.length);
  }

  follow(event) {
    const order = relation(this.job, event);
    if (order === "next") {
      const job = apply(this.job, event);
      this.show(job, changedClips(this.job, job, event));
    }
    // The URL of the video is in no event.
    const ended = order === "next" && event.type === "job" && !isActive(this.job);
    if (order === "gap" || ended) {
      this.ask(this.knowsClips() ? { type: "changes", since: this.job.seq } : { type: "snapshot" });
    }
  }

  ask(request) {
    if (this.hasAsked || this.socket.readyState !== WebSocket.OPEN) return;
    this.hasAsked = true;
    this.socket.send(JSON.stringify(request));
  }

  // Returns false when only a snapshot helps.
  update(changes) {
    const isNext = this.knowsClips() && changes.since <= this.job.seq;
    const job = isNext ? applyChanges(this.job, changes) : null;
    if (job) this.show(job, changedClips(this.job, job, changes));
    return Boolean(job);
  }

  show(job, changed) {
    if (this.job && job.seq < this.job.seq) return;
    this.job = job;
    this.handlers.onJob(job, changed);
    if (!isActive(job) && !this.hasAsked && (job.video || !["completed", "fallback"].includes(job.state))) {
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
    this.hasAsked = false;
    this.failures += 1;
    this.isCrowded ||= code === TOO_MANY;
    const pause = this.isCrowded ? LONGEST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures);
    // Jitter: after a restart of the server not all pages reconnect at the same moment.
    this.reconnectTimer = setTimeout(() => this.connect(), pause * (0.5 + Math.random()));
    clearTimeout(this.pollTimer);
    this.pollTimer = setTimeout(() => this.poll(), POLL_MS);
  }

  async read() {
    const isUpToDate = this.knowsClips() && this.update(await getJson(`${this.snapshotUrl}changes?since=${this.job.seq}`));
    if (!isUpToDate) this.show(await getJson(this.snapshotUrl), null);
  }

  async poll() {
    if (this.closed) return;
    try {
      await this.read();
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
