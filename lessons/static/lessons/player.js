// Custom controls around a plain <video>: the same on every browser, usable by keyboard and screen reader.

import { clock, spokenTime } from "./words.js";

const SKIP_SECONDS = 5;
const TYPING = "input, select, textarea, [contenteditable]";

function stored(name, fallback) {
  try {
    return localStorage.getItem(name) ?? fallback;
  } catch {
    return fallback;
  }
}

function store(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Not stored; the choice holds for this page.
  }
}

export class Player {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-${name}]`);
    this.video = this.find("video");
    this.video.controls = false;
    this.seek = this.find("seek");
    this.letterKeys = stored("player-letter-keys", "on") === "on";
    this.bindButtons();
    this.bindVideo();
    addEventListener("keydown", (event) => this.onKey(event));
    this.setRate(Number(stored("player-rate", "1")));
    this.hasPlayed = false;
    this.setCaptions(stored("player-captions", "on") === "on");
    this.drawTime();
    this.drawPlaying();
  }

  bindButtons() {
    this.find("play").addEventListener("click", () => this.toggle());
    this.video.addEventListener("click", () => this.toggle());
    this.find("mute").addEventListener("click", () => (this.video.muted = !this.video.muted));
    this.find("volume").addEventListener("input", (event) => {
      this.video.volume = Number(event.target.value);
      this.video.muted = false;
    });
    this.find("captions").addEventListener("click", () => this.setCaptions(!this.captionsOn));
    this.find("rate").addEventListener("change", (event) => this.setRate(Number(event.target.value)));
    this.find("fullscreen").addEventListener("click", () => this.toggleFullscreen());
    this.seek.addEventListener("input", () => this.goTo(Number(this.seek.value)));
    this.seek.addEventListener("keydown", (event) => this.onSeekKey(event));
    this.seek.addEventListener("focus", () => this.speakTime());
  }

  bindVideo() {
    const on = (names, handler) => names.split(" ").forEach((name) => this.video.addEventListener(name, handler));
    on("play pause ended", () => this.drawPlaying());
    this.video.addEventListener("play", () => this.onFirstPlay(), { once: true });
    on("timeupdate seeking loadedmetadata durationchange", () => this.drawTime());
    // Not while it plays: a screen reader would read out every change of the slider that has the focus.
    on("seeking pause ended loadedmetadata", () => this.speakTime());
    on("volumechange", () => this.drawVolume());
    document.addEventListener("fullscreenchange", () => this.drawFullscreen());
    new ResizeObserver(() => this.publishHeight()).observe(this.root);
  }

  get duration() {
    return Number.isFinite(this.video.duration) ? this.video.duration : 0;
  }

  toggle() {
    if (this.video.paused) this.play();
    else this.video.pause();
  }

  async play() {
    try {
      await this.video.play();
    } catch {
      this.drawPlaying(); // the browser requires a press first; the button still says "Play"
    }
  }

  goTo(seconds) {
    this.video.currentTime = Math.max(0, Math.min(seconds, this.duration || seconds));
  }

  // Scrolls the page to the picture if a part of it is out of sight.
  reveal() {
    const { top, bottom } = this.find("screen").getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) this.root.scrollIntoView({ block: "start" });
  }

  focusPlay() {
    this.find("play").focus({ preventScroll: true });
  }

  setRate(rate) {
    const select = this.find("rate");
    if (![...select.options].some((option) => Number(option.value) === rate)) return;
    this.video.defaultPlaybackRate = this.video.playbackRate = rate;
    select.value = String(rate);
    store("player-rate", String(rate));
  }

  stepRate(step) {
    const { options, selectedIndex } = this.find("rate");
    const option = options[selectedIndex + step];
    if (option) this.setRate(Number(option.value));
  }

  onFirstPlay() {
    this.hasPlayed = true;
    this.drawCaptions();
  }

  // The browser fetches the captions when they are to be shown: the page has their words already, as the transcript.
  drawCaptions() {
    for (const track of this.video.textTracks) track.mode = this.captionsOn && this.hasPlayed ? "showing" : "disabled";
  }

  setCaptions(on) {
    this.captionsOn = on;
    this.drawCaptions();
    this.find("captions").setAttribute("aria-pressed", String(on));
    store("player-captions", on ? "on" : "off");
  }

  setLetterKeys(on) {
    this.letterKeys = on;
    store("player-letter-keys", on ? "on" : "off");
  }

  toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.root.requestFullscreen) this.root.requestFullscreen().catch(() => {});
    else this.video.webkitEnterFullscreen?.(); // iPhones allow full screen only for the video itself
  }

  onSeekKey(event) {
    const skip = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -6, PageUp: 6 }[event.key];
    if (!skip || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.goTo(this.video.currentTime + skip * SKIP_SECONDS);
  }

  onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const typing = target.matches?.(TYPING);
    const pressable = target.matches?.("button, a, summary");
    const letters = !typing && this.letterKeys;
    if (letters && /^[0-9]$/.test(event.key)) {
      event.preventDefault();
      this.goTo((this.duration * Number(event.key)) / 10);
      return;
    }
    const action = {
      " ": !typing && !pressable && (() => this.toggle()),
      ArrowLeft: !typing && (() => this.goTo(this.video.currentTime - SKIP_SECONDS)),
      ArrowRight: !typing && (() => this.goTo(this.video.currentTime + SKIP_SECONDS)),
      c: letters && (() => this.setCaptions(!this.captionsOn)),
      m: letters && (() => (this.video.muted = !this.video.muted)),
      f: letters && (() => this.toggleFullscreen()),
      "<": letters && (() => this.stepRate(-1)),
      ">": letters && (() => this.stepRate(1)),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  // --- drawing ---

  setIcon(button, name) {
    const use = button.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`));
  }

  drawPlaying() {
    const button = this.find("play");
    this.setIcon(button, this.video.paused ? "play" : "pause");
    button.setAttribute("aria-label", this.video.paused ? "Play" : "Pause");
  }

  drawTime() {
    const now = this.video.currentTime;
    this.find("time").textContent = clock(now);
    if (!this.duration) return;
    this.find("duration").textContent = clock(this.duration);
    this.seek.max = this.duration;
    this.seek.value = now;
  }

  speakTime() {
    if (!this.duration) return;
    const words = `${spokenTime(this.video.currentTime)} of ${spokenTime(this.duration)}`;
    if (this.seek.getAttribute("aria-valuetext") !== words) this.seek.setAttribute("aria-valuetext", words);
  }

  // The style sheet keeps this much room free above what gets the focus while the player sticks to the top.
  publishHeight() {
    if (document.fullscreenElement) return;
    document.documentElement.style.setProperty("--player-height", `${this.root.offsetHeight}px`);
  }

  drawVolume() {
    const silent = this.video.muted || this.video.volume === 0;
    this.setIcon(this.find("mute"), silent ? "muted" : "sound");
    this.find("mute").setAttribute("aria-pressed", String(silent));
    this.find("volume").value = silent ? 0 : this.video.volume;
  }

  drawFullscreen() {
    const label = document.fullscreenElement ? "Leave full screen" : "Full screen";
    this.find("fullscreen").setAttribute("aria-label", label);
  }

  drawChapters(starts) {
    if (!this.duration) return;
    const marks = starts.filter(Boolean).map((seconds) => {
      const mark = document.createElement("i");
      mark.style.setProperty("inset-inline-start", `${(100 * seconds) / this.duration}%`);
      return mark;
    });
    this.find("seek-chapters").replaceChildren(...marks);
  }
}
