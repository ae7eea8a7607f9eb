// The video side of the editor: live preview, progress, finished sentences to play, outcome, the video.

import { Announcer } from "./announcer.js";
import { fractionDone, currentNumber, isActive } from "./job_state.js";
import { Preview } from "./preview.js";
import { count, stageWords, timeLeft } from "./words.js";

const READY_MESSAGES = {
  completed: "The video is ready.",
  fallback: "The video is ready. Some sentences are shown as a still picture.",
};

// By its teacher, by another one, or because a consent was withdrawn.
const CANCELLED = { message: "The video was cancelled.", hint: "Sentences that were finished are reused when you try again." };

export class JobPanel {
  // focusElsewhere(): called when what has the focus is about to disappear
  constructor(root, { onPlaying, focusElsewhere }) {
    const find = (name) => root.querySelector(`[data-${name}]`);
    this.root = root;
    this.find = find;
    this.onPlaying = onPlaying;
    this.focusElsewhere = focusElsewhere;
    this.announcer = new Announcer(find("announce"));
    this.preview = new Preview(find("preview"));
    this.video = find("video");
    this.playingClip = null;
    this.job = null;
    this.notices = new Set();
    this.movie = null; // the whole video that is on the page
    this.video.addEventListener("ended", () => this.playNext());
    find("back").addEventListener("click", () => {
      this.stopClip();
      this.keepFocus();
    });
    find("pause").addEventListener("click", () => this.pausePreview(!this.preview.isPaused));
    this.pausePreview(matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  // --- updates from the channel ---

  // changed: the indexes of the clips that look different now; null: perhaps all
  show(job, changed = null) {
    const previous = this.job;
    this.job = job;
    const active = isActive(job);
    this.root.dataset.state = job.state;
    this.showProgress(job, active);
    this.showOutcome(job);
    this.showChoice(job);
    this.showNotices(job, changed);
    this.announce(previous, job);
    if (job.video && this.movie !== job.video.url) this.showMovie(job.video);
    this.arrange();
    this.keepFocus();
  }

  // Buttons disappear with the state that they belong to; the focus must not fall to the top of the page.
  keepFocus() {
    const focused = document.activeElement;
    if (this.root.contains(focused) && !focused.checkVisibility()) this.focusElsewhere();
  }

  pausePreview(isPaused) {
    this.preview.isPaused = isPaused;
    this.find("pause").textContent = isPaused ? "Play the preview" : "Pause the preview";
  }

  frame(blob) {
    this.preview.show(blob);
    if (!this.sawFrame) {
      this.sawFrame = true;
      this.arrange();
    }
  }

  connection(state) {
    const words = {
      live: "",
      polling: "No live preview; the progress is updated every few seconds.",
      crowded: "You have too many windows open that follow videos. Here the progress is updated every few seconds; close some of the others to see the preview.",
      offline: "Connection lost. The video is still being made; this page reconnects automatically.",
      refused: "You are logged out. The video is still being made; reload the page to see it.",
    }[state];
    this.find("connection").textContent = words;
    this.find("connection").hidden = !words;
    if (state === "offline" || state === "refused") this.announcer.say(words);
    else if (this.lastConnection === "offline") this.announcer.say("Connected again.");
    this.lastConnection = state;
  }

  started() {
    this.sawFrame = false;
    this.stopClip();
    this.video.pause();
    delete this.preview.canvas.dataset.frames;
  }

  // --- drawing ---

  showProgress(job, active) {
    this.find("running").hidden = !active;
    if (!active) return;
    this.find("stage-words").textContent = stageWords(job);
    this.find("seconds-left").textContent = timeLeft(job.seconds_left);
    const meter = this.find("meter");
    meter.max = 1;
    // Never backwards: a clip that crashed is rendered again.
    const fraction = fractionDone(job);
    meter.value = this.meterJob === job.id ? Math.max(meter.value, fraction) : fraction;
    this.meterJob = job.id;
    const where = job.state === "running" ? `Sentence ${currentNumber(job)} of ${job.clips_total}` : "";
    const ready = `${job.clips_done} of ${count(job.clips_total, "sentence")} ready`;
    this.find("count").textContent = [where, ready].filter(Boolean).join(" · ");
  }

  showOutcome(job) {
    // Only a video shows still pictures: a job that failed has none.
    const fallbacks = job.state === "fallback" ? job.clips.filter((clip) => clip.is_fallback).length : 0;
    const ended = !isActive(job);
    this.showHeldBack(job);
    const box = this.find("outcome");
    box.hidden = !ended || (!job.error && job.state !== "cancelled" && !fallbacks);
    if (box.hidden) return;
    box.classList.toggle("alert-bad", job.state === "failed");
    box.classList.toggle("alert-warn", job.state === "fallback");
    box.classList.toggle("alert-info", job.state === "cancelled");
    const fallbackMessage = `${fallbacks} of ${count(job.clips_total, "sentence")} shown as a still picture with the words on it.`;
    const said = job.state === "cancelled" ? CANCELLED : (job.error ?? { message: fallbackMessage });
    this.find("outcome-message").textContent = said.message;
    const hint = this.find("outcome-hint");
    hint.textContent = said.hint ?? "";
    hint.hidden = !hint.textContent;
    this.find("again-fast").hidden = job.profile === "fast";
  }

  // A video with still pictures does not replace a complete one until the teacher says so.
  showHeldBack(job) {
    const box = this.find("held-back");
    if (job.state === "completed") box.dataset.keeps = "yes";
    box.hidden = job.state !== "fallback" || !box.dataset.keeps;
  }

  showNotices(job, changed) {
    if (!changed) this.notices = new Set();
    for (const clip of changed ? changed.map((index) => job.clips[index]) : job.clips) {
      for (const notice of clip?.notices ?? []) this.notices.add(notice);
    }
    const notices = [...this.notices].join(" ");
    if (this.find("notices").textContent !== notices) this.find("notices").textContent = notices;
    this.find("notices").hidden = !notices;
  }

  showChoice(job) {
    const parts = [];
    if (job.profile_reason) parts.push(`Automatic profile: ${job.profile}. ${job.profile_reason}`);
    if (job.face_reason) parts.push(job.face_reason);
    this.find("chosen").textContent = parts.join(" ");
    this.find("chosen").hidden = !parts.length;
  }

  announce(previous, job) {
    if (previous?.id !== job.id) {
      if (isActive(job)) this.announcer.say(`The video is being made: ${count(job.clips_total, "sentence")}.`);
    } else if (previous.state !== job.state && !isActive(job)) {
      this.announcer.say(READY_MESSAGES[job.state] ?? job.error?.message ?? "Cancelled.");
    } else if (job.clips_done > previous.clips_done) {
      this.announcer.progress(`${job.clips_done} of ${count(job.clips_total, "sentence")} ready.`);
    }
  }

  showMovie(video) {
    this.movie = video.url;
    this.movieData = video;
    this.playingClip = null;
    this.onPlaying(null);
    this.load(video.url, video.captions_url, video.poster_url);
  }

  load(url, captionsUrl, posterUrl) {
    this.video.replaceChildren();
    if (posterUrl) this.video.poster = posterUrl;
    else this.video.removeAttribute("poster");
    if (captionsUrl) {
      const track = document.createElement("track");
      Object.assign(track, { kind: "captions", src: captionsUrl, srclang: this.root.dataset.language, label: "Captions", default: true });
      this.video.append(track);
    }
    this.video.src = url;
  }

  // The stage shows one thing at a time: a finished sentence that was chosen, the live preview, the video, or nothing.
  arrange() {
    const active = isActive(this.job);
    const showsClip = this.playingClip !== null;
    const showsPreview = active && !showsClip && this.sawFrame;
    const showsMovie = !showsClip && !showsPreview && Boolean(this.movie);
    this.find("preview").hidden = !showsPreview;
    this.find("live").hidden = this.find("pause").hidden = !showsPreview;
    this.video.hidden = !(showsClip || showsMovie);
    this.find("back").hidden = !showsClip;
    this.find("back").textContent = active ? "Back to the preview" : "Back to the video";
    const empty = this.find("stage-empty");
    empty.hidden = showsClip || showsPreview || showsMovie;
    empty.querySelector("span").textContent = active
      ? "The first pictures will appear in a moment."
      : "The video will appear here.";
    this.find("synthetic").hidden = !(showsClip || showsPreview || showsMovie);
  }

  // --- finished sentences ---

  async playClip(clip) {
    if (!clip?.url) return;
    this.playingClip = clip.index;
    this.load(clip.url, null, null);
    this.arrange();
    this.onPlaying(clip.index);
    try {
      await this.video.play();
    } catch {
      // The browser requires a press of the play button; the controls are visible.
    }
  }

  playNext() {
    if (this.playingClip === null) return;
    const next = this.job?.clips[this.playingClip + 1];
    if (next?.url) this.playClip(next);
    else this.stopClip();
  }

  stopClip() {
    if (this.playingClip === null) return;
    this.playingClip = null;
    this.video.pause();
    if (this.movie) this.load(this.movieData.url, this.movieData.captions_url, this.movieData.poster_url);
    else this.video.removeAttribute("src");
    this.onPlaying(null);
    this.arrange();
  }
}
