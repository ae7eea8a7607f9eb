// Saves where a student stopped and which parts of the video were played: every few seconds while it plays, and when
// they pause or leave. The server keeps the union of the parts of all visits and decides when a lesson is done.

import { postJson } from "../site/http.js";

const EVERY_SECONDS = 5;
const MOST_RANGES = 200; // the server takes no more at once; the browser joins ranges that touch

export class WatchProgress {
  // onCompleted(isCompleted): the server's answer; onTrouble(error): saving failed, or works again (null)
  constructor(url, video, { onCompleted, onTrouble }) {
    Object.assign(this, { url, video, onCompleted, onTrouble });
    this.sent = null;
    this.failed = false;
    this.begun = false; // nothing is saved before the video was played: opening the page is not watching
    video.addEventListener("play", () => (this.begun = true));
    video.addEventListener("timeupdate", () => Math.abs(this.now() - (this.sent ?? 0)) >= EVERY_SECONDS && this.save());
    video.addEventListener("pause", () => !video.ended && this.save());
    video.addEventListener("seeked", () => video.paused && this.save());
    video.addEventListener("ended", () => this.save({ evenIfUnmoved: true }));
    addEventListener("pagehide", () => this.save());
    document.addEventListener("visibilitychange", () => document.hidden && this.save());
  }

  now() {
    return this.video.currentTime;
  }

  watched() {
    const { played } = this.video;
    return Array.from({ length: played.length }, (_, index) => [played.start(index), played.end(index)]).slice(-MOST_RANGES);
  }

  async save({ evenIfUnmoved = false } = {}) {
    if (!this.begun || (!evenIfUnmoved && !this.failed && this.sent === this.now())) return;
    this.sent = this.now();
    try {
      const data = { position: this.sent, watched: this.watched() };
      // keepalive: the request survives the page being closed.
      const answer = await postJson(this.url, data, { keepalive: true });
      this.failed = false;
      this.onCompleted(answer.completed);
      this.onTrouble(null);
    } catch (error) {
      this.failed = true; // the save after the next few seconds, or on leaving, retries
      this.onTrouble(error);
    }
  }
}
