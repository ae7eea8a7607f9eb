// What screen readers are told of a job. Beginnings, ends and lost connections are said at once; progress at most every
// ten seconds, and then only the newest: a message for every sentence would be the only thing one hears.

const PAUSE_MS = 10_000;

export class Announcer {
  // now() and later(call, ms) are the clock, for tests.
  constructor(region, { now = () => performance.now(), later = (call, ms) => setTimeout(call, ms) } = {}) {
    this.region = region;
    this.now = now;
    this.later = later;
    this.saidAt = -Infinity;
    this.waiting = ""; // progress that is said when the pause is over
    this.isWaiting = false;
  }

  say(words) {
    this.waiting = "";
    this.tell(words);
  }

  progress(words) {
    const rest = this.saidAt + PAUSE_MS - this.now();
    if (rest <= 0) {
      this.tell(words);
      return;
    }
    this.waiting = words;
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.later(() => {
      this.isWaiting = false;
      if (this.waiting) this.progress(this.waiting);
    }, rest);
  }

  tell(words) {
    if (words === this.waiting) this.waiting = "";
    if (!words || this.region.textContent === words) return;
    this.saidAt = this.now();
    this.region.textContent = words;
  }
}
