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
  // onSeek(seconds); cover: the element that may stick to the top of the window and hide what scrolls under it
  constructor(box, { onSeek, cover }) {
    this.box = box;
    this.cover = cover;
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
    this.isLoading = false; // or has loaded the times of the words
    box.addEventListener("click", (event) => this.onClick(event));
    for (const name of ["wheel", "touchmove", "keydown"]) {
      const target = name === "keydown" ? box : window;
      target.addEventListener(name, () => (this.handsOffUntil = performance.now() + HANDS_OFF_MS), { passive: true });
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

  // The part of the box that the window shows and the player does not cover.
  visiblePart() {
    const box = this.box.getBoundingClientRect();
    const cover = this.cover.getBoundingClientRect();
    const isUnderneath = cover.right > box.left && cover.left < box.right && cover.top <= box.top;
    const top = Math.max(box.top, 0, isUnderneath ? cover.bottom : 0);
    return { top, bottom: Math.min(box.bottom, innerHeight) };
  }

  // A line and the title of the chapter that it begins.
  extent({ element }) {
    const before = element.previousElementSibling;
    const { top } = (before?.matches("h3") ? before : element).getBoundingClientRect();
    return { top, height: element.getBoundingClientRect().bottom - top };
  }

  // Brings the line into the visible part of the box, not while the user scrolls. The page moves only by what the box
  // cannot: its first lines cannot be scrolled out from under the player. A box that is out of sight stays there.
  reveal(line) {
    if (!line || !this.follows || performance.now() < this.handsOffUntil) return;
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    const { box } = this;
    const part = this.visiblePart();
    const rect = this.extent(line);
    const isInSight = part.bottom - part.top >= rect.height;
    const goal = isInSight ? part.top + (part.bottom - part.top - rect.height) / 3 : box.getBoundingClientRect().top;
    const wanted = box.scrollTop + rect.top - goal;
    const top = Math.max(0, Math.min(wanted, box.scrollHeight - box.clientHeight));
    box.scrollTo({ top, behavior });
    if (!isInSight) return;
    const lineTop = goal + wanted - top;
    const hidden = Math.min(0, lineTop - part.top) || Math.max(0, lineTop + rect.height - part.bottom);
    if (Math.abs(hidden) > 1) scrollBy({ top: hidden, behavior });
  }
}
