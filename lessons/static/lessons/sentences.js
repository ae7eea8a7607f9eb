// The list of sentences beside the text, and the marks behind the text: each sentence and the state of its clip.

import { clipState } from "./job_state.js";

// Sentences of the current text, each with the clip of the job that shows it, matched by text: an inserted sentence must
// not shift the states of all that follow.
export function match(utterances, job) {
  const clips = job?.clips ?? [];
  if (!utterances) return clips.map((clip) => row(clip, clip, job));
  const byText = new Map();
  for (const clip of clips) {
    if (!byText.has(clip.text)) byText.set(clip.text, []);
    byText.get(clip.text).push(clip);
  }
  return utterances.map((utterance) => row(utterance, byText.get(utterance.text)?.shift() ?? null, job));
}

export function row(sentence, clip, job) {
  return {
    text: sentence.text,
    start: sentence.start,
    end: sentence.end,
    chapter: sentence.chapter,
    clip,
    state: clip ? clipState(clip, job.state) : "new",
  };
}

// Rows of match() by the index of their clip, to find the one that an event is about.
export function rowsByClip(rows) {
  const positions = new Map();
  rows.forEach(({ clip }, position) => clip && positions.set(clip.index, position));
  return positions;
}

export class SentenceList {
  // states: label and badge of every state (lessons/clip_states.py)
  constructor(list, states, onPlay) {
    this.list = list;
    this.states = states;
    this.list.replaceChildren();
    this.items = [];
    this.onPlay = onPlay;
  }

  // Items are kept and changed in place, so that keyboard focus and scroll position survive an update.
  show(rows, playingIndex) {
    while (this.items.length > rows.length) this.items.pop().item.remove();
    rows.forEach((sentence, position) => {
      if (!this.items[position]) this.items.push(this.build(position));
      this.update(this.items[position], sentence, sentence.clip && sentence.clip.index === playingIndex);
    });
  }

  // Draws one sentence again.
  showOne(position, sentence, playingIndex) {
    this.update(this.items[position], sentence, sentence.clip && sentence.clip.index === playingIndex);
  }

  build(position) {
    const item = document.createElement("li");
    item.className = "sentence";
    const number = Object.assign(document.createElement("span"), { className: "sentence-number numeric" });
    number.textContent = position + 1;
    const text = Object.assign(document.createElement("span"), { className: "sentence-text", dir: "auto" });
    const chip = document.createElement("button");
    chip.type = "button";
    const note = Object.assign(document.createElement("span"), { className: "sentence-note small", hidden: true });
    item.append(number, text, chip, note);
    this.list.append(item);
    const entry = { item, text, chip, note, sentence: null };
    chip.addEventListener("click", () => this.onPlay(entry.sentence.clip));
    return entry;
  }

  update(entry, sentence, isPlaying) {
    entry.sentence = sentence;
    const words = sentence.text.trim() || "(silence)";
    if (entry.text.textContent !== words) entry.text.textContent = words;
    const playable = Boolean(sentence.clip?.url);
    entry.item.dataset.state = sentence.state;
    entry.item.toggleAttribute("data-playing", Boolean(isPlaying));
    const { label, badge } = this.states[sentence.state];
    entry.chip.className = `badge ${badge ? `badge-${badge}` : ""} chip`;
    // The list itself takes the focus from a button that can no longer be pressed.
    if (!playable && document.activeElement === entry.chip) this.list.parentElement.focus({ preventScroll: true });
    entry.chip.disabled = !playable;
    const shown = isPlaying ? "Playing" : label;
    if (entry.chip.textContent !== shown) entry.chip.textContent = shown;
    const spoken = playable ? `${isPlaying ? "Playing" : "Play"}: ${words} (${label})` : `${words}: ${label}`;
    entry.chip.setAttribute("aria-label", spoken);
    const problem = sentence.clip?.error?.message ?? "";
    entry.note.hidden = !problem;
    if (entry.note.textContent !== problem) entry.note.textContent = problem;
  }
}

// A copy of the text behind the transparent textarea, with a coloured line under each sentence. It also gives the
// textarea its height, so nothing has to scroll inside it.
export class ScriptMarks {
  constructor(layer, textarea) {
    this.layer = layer;
    this.textarea = textarea;
    this.marks = [];
  }

  show(rows) {
    const text = this.textarea.value;
    const parts = [];
    this.marks = []; // by row
    let position = 0;
    for (const { start, end, state } of rows) {
      if (start < position || end > text.length) break; // the text has changed; the next check brings new offsets
      parts.push(text.slice(position, start));
      const mark = document.createElement("span");
      mark.className = "mark";
      mark.dataset.state = state;
      mark.textContent = text.slice(start, end);
      parts.push(mark);
      position = end;
      this.marks.push(mark);
    }
    // An empty last line needs content to have a height.
    parts.push(`${text.slice(position)}\n`);
    this.layer.replaceChildren(...parts);
  }

  // Colours one sentence again.
  showOne(position, { state }) {
    const mark = this.marks[position];
    if (mark) mark.dataset.state = state;
  }
}
