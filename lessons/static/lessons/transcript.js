// The transcript follows the spoken words; a click on a word seeks to it.

import { unitsOf } from "./words.js";

const HANDS_OFF_MS = 4000; // after the user scrolled

// The last entry that has begun at that time, or null.
function begun(entries, seconds) {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].start <= seconds) low = middle + 1;
    else high = middle;
  }
  return low ? entries[low - 1] : null;
}

export class Transcript {
  // onSeek(seconds)
  constructor(box, { onSeek }) {
    this.box = box;
    this.onSeek = onSeek;
    this.follows = true;
    this.handsOffUntil = 0;
    this.lines = [...box.querySelectorAll(".line")].map((element) => ({
      element,
      index: Number(element.dataset.index),
      start: Number(element.dataset.start),
      end: Number(element.dataset.end),
    }));
    this.words = [];
    box.addEventListener("click", (event) => this.onClick(event));
    for (const name of ["wheel", "touchmove", "keydown"]) {
      box.addEventListener(name, () => (this.handsOffUntil = performance.now() + HANDS_OFF_MS), { passive: true });
    }
  }

  // Adds the times of the words to the page's sentences.
  addWords(transcript) {
    for (const utterance of transcript.utterances) {
      const line = this.lines.find((candidate) => candidate.index === utterance.index);
      if (!line) continue;
      line.start = utterance.start_seconds;
      line.end = utterance.end_seconds;
      this.splitLine(line, utterance);
    }
    this.words.sort((first, second) => first.start - second.start);
  }

  splitLine(line, utterance) {
    const toUnits = unitsOf(utterance.text);
    const parts = [];
    let position = 0;
    for (const word of utterance.words) {
      const [start, end] = [toUnits(word.start), toUnits(word.end)];
      if (start < position) continue;
      parts.push(utterance.text.slice(position, start));
      const element = document.createElement("span");
      element.className = "word";
      element.textContent = utterance.text.slice(start, end);
      element.dataset.start = word.start_seconds;
      parts.push(element);
      this.words.push({ element, start: word.start_seconds, end: word.end_seconds });
      position = end;
    }
    parts.push(utterance.text.slice(position));
    line.element.querySelector(".line-text").replaceChildren(...parts);
  }

  onClick(event) {
    const word = event.target.closest(".word");
    const line = event.target.closest(".line");
    if (word) this.onSeek(Number(word.dataset.start));
    else if (line) this.onSeek(Number(line.dataset.start));
  }

  show(seconds) {
    this.mark("line", begun(this.lines, seconds));
    const word = begun(this.words, seconds);
    this.mark("word", word && seconds < word.end + 0.15 ? word : null);
  }

  mark(kind, entry) {
    const key = `current_${kind}`;
    if (this[key] === entry) return;
    this[key]?.element.classList.remove("is-current");
    entry?.element.classList.add("is-current");
    this[key] = entry;
    if (kind === "line") this.reveal(entry);
  }

  // Scrolls the box only, never the page, and not while the user reads elsewhere in it.
  reveal(line) {
    if (!line || !this.follows || performance.now() < this.handsOffUntil) return;
    const top = line.element.offsetTop - this.box.clientHeight / 3;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.box.scrollTo({ top, behavior: calm ? "auto" : "smooth" });
  }
}
