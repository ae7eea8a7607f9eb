// Saves where a student stopped: every few seconds while the video plays, and when they pause or leave.

import { postJson } from "../site/http.js";

const EVERY_SECONDS = 5;

export class WatchProgress {
  // onCompleted(isCompleted)
  constructor(url, video, { onCompleted }) {
    this.url = url;
    this.video = video;
    this.onCompleted = onCompleted;
    this.sent = null;
    this.begun = false; // nothing is saved before the video was played: opening the page is not watching
    video.addEventListener("play", () => (this.begun = true));
    video.addEventListener("timeupdate", () => this.now() - (this.sent ?? 0) >= EVERY_SECONDS && this.save());
    video.addEventListener("pause", () => !video.ended && this.save());
    video.addEventListener("seeked", () => video.paused && this.save());
    video.addEventListener("ended", () => this.save(true));
    addEventListener("pagehide", () => this.save());
    document.addEventListener("visibilitychange", () => document.hidden && this.save());
  }

  now() {
    return this.video.currentTime;
  }

  async save(completed = null) {
    if (!this.begun || (completed === null && this.sent === this.now())) return;
    this.sent = this.now();
    try {
      // keepalive: the request survives the page being closed.
      const answer = await postJson(this.url, { position: this.sent, completed }, { keepalive: true });
      if (completed !== null) this.onCompleted(answer.completed);
    } catch {
      this.sent = null; // the next save retries
    }
  }
}
