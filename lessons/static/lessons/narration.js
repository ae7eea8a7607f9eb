// The teacher's own recording instead of a voice: choose or record it, check its sound, wait for the transcript, and use
// it as the text. The chosen recording is a field of the form, so saving and undo include it.

import { getJson, HttpError, postForm } from "../site/http.js";
import { drawTranscript } from "./doubtful.js";
import { Recorder } from "./recorder.js";
import { clock } from "./words.js";

const POLL_MS = 1500;
const VERDICTS = { good: ["good", "This recording sounds good."], warn: ["warn", "This recording can be used."] };

export class Narration {
  // urls: upload, detail, sound (with anyId in the place of the recording's id). handlers: isTextEmpty(), takeText(text)
  constructor(root, form, narration, urls, handlers) {
    this.root = root;
    this.field = form.elements.narration;
    this.urls = urls;
    this.handlers = handlers;
    this.known = new Map(narration ? [[narration.id, narration]] : []);
    this.last = narration?.id ?? ""; // the one to restore when "my own recording" is chosen again
    this.input = this.find("file");
    this.input.removeAttribute("name"); // it is uploaded at once, not with every save
    this.find("voices").addEventListener("change", (event) => this.choose(event.target.value));
    this.input.addEventListener("change", () => this.input.files.length && this.upload(this.input.files[0]));
    this.find("remove").addEventListener("click", () => this.set(""));
    this.find("replace").addEventListener("click", () => this.askForFile());
    this.find("take").addEventListener("click", () => this.take());
    this.listenForDrops();
    this.recorder = new Recorder(this.find("record"), this.find("recording-time"), {
      onSound: (file) => this.upload(file),
      onProblem: (message) => this.say("bad", message),
    });
    // The user may have chosen before this script was loaded.
    this.choice = this.field.value ? "recording" : this.find("voices").querySelector(":checked").value;
    this.draw();
    if (this.input.files.length) this.upload(this.input.files[0]);
  }

  find(name) {
    return this.root.querySelector(`[data-narration-${name}]`);
  }

  current() {
    return this.known.get(this.field.value) ?? null;
  }

  // The field was changed by undo or redo.
  restore() {
    if (this.field.value) this.last = this.field.value;
    this.choice = this.field.value ? "recording" : "voice";
    this.draw();
  }

  choose(name) {
    this.choice = name;
    this.set(name === "recording" ? this.last : "", { keepChoice: true });
  }

  set(id, { keepChoice = false } = {}) {
    if (id) this.last = id;
    else if (!keepChoice) this.last = "";
    if (this.field.value !== id) {
      this.field.value = id;
      this.field.dispatchEvent(new Event("input", { bubbles: true })); // for the draft
    }
    this.draw();
  }

  // --- uploading a recording ---

  askForFile() {
    this.find("details").hidden = true;
    this.find("bring").hidden = false;
    this.input.focus();
  }

  listenForDrops() {
    const zone = this.find("zone");
    for (const kind of ["dragenter", "dragover"]) {
      zone.addEventListener(kind, (event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        zone.dataset.over = "";
      });
    }
    for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => delete zone.dataset.over);
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) this.upload(event.dataTransfer.files[0]);
    });
  }

  async upload(file) {
    this.say("info", "Checking the sound …");
    const data = new FormData();
    data.append("audio_file", file, file.name);
    this.root.setAttribute("aria-busy", "true");
    try {
      const narration = await postForm(this.urls.upload, data);
      this.known.set(narration.id, narration);
      this.choice = "recording";
      this.set(narration.id);
      this.takeIfTextIsEmpty(narration); // the same recording may have been transcribed for another lesson
    } catch (error) {
      const isAnswer = error instanceof HttpError;
      const words = isAnswer ? `${error.message} ${error.hint}` : "The server cannot be reached. Try again in a moment.";
      this.say("bad", words.trim());
    } finally {
      this.root.removeAttribute("aria-busy");
      this.input.value = "";
    }
  }

  // --- transcript ---

  async poll() {
    clearTimeout(this.timer);
    const id = this.field.value;
    if (!id) return;
    try {
      const narration = await getJson(this.address("detail", id));
      const wasReady = this.known.get(id)?.state === "ready";
      this.known.set(id, narration);
      if (id !== this.field.value) return;
      if (!wasReady) this.takeIfTextIsEmpty(narration);
      this.draw();
    } catch (error) {
      if (error instanceof HttpError && error.status === 404) return; // another user's: only its owner may hear it
      this.timer = setTimeout(() => this.poll(), 4 * POLL_MS);
    }
  }

  takeIfTextIsEmpty(narration) {
    if (narration.state === "ready" && this.handlers.isTextEmpty()) this.take();
  }

  take() {
    const narration = this.current();
    if (narration?.text) this.handlers.takeText(narration.text);
  }

  address(kind, id) {
    return this.urls[kind].replace(this.urls.anyId, id);
  }

  // --- drawing ---

  draw() {
    const isRecording = this.choice === "recording";
    const narration = this.current();
    for (const radio of this.find("voices").querySelectorAll("input")) radio.checked = radio.value === this.choice;
    this.find("box").hidden = !isRecording;
    document.querySelector("[data-voice-line]").hidden = isRecording;
    this.find("bring").hidden = Boolean(this.field.value);
    this.find("details").hidden = !this.field.value;
    if (!isRecording || !narration) {
      if (!narration && this.field.value) this.poll(); // restored by undo
      this.say("", "");
      return;
    }
    this.drawSound(narration);
    this.drawWords(narration);
    clearTimeout(this.timer);
    if (["waiting", "listening"].includes(narration.state)) this.timer = setTimeout(() => this.poll(), POLL_MS);
  }

  drawSound(narration) {
    this.find("length").textContent = clock(narration.duration_seconds);
    const audio = this.find("sound");
    const url = this.address("sound", narration.id);
    if (audio.getAttribute("src") !== url) audio.src = url;
    const problems = narration.report.problems ?? [];
    const [kind, words] = VERDICTS[narration.report.verdict] ?? VERDICTS.good;
    if (!problems.length) this.say(kind, words);
    else this.say(kind, ...problems.map((problem) => [problem.message, problem.hint]));
  }

  drawWords(narration) {
    const isReady = narration.state === "ready";
    const failed = narration.state === "failed";
    this.find("listening").hidden = isReady || failed;
    this.find("meter").max = narration.duration_seconds;
    this.find("meter").value = narration.heard_seconds;
    this.find("heard").textContent = `${clock(narration.heard_seconds)} of ${clock(narration.duration_seconds)}`;
    this.find("transcript").hidden = !isReady;
    drawTranscript(this.find("text"), this.find("doubtful"), narration);
    if (failed) this.say("bad", `${narration.error.message} ${narration.error.hint}`.trim());
  }

  // Shows lines of text; a pair is a message and its hint.
  say(kind, ...lines) {
    const box = this.find("said");
    box.hidden = !kind;
    box.className = `alert alert-${kind || "info"}`;
    const paragraphs = lines.flat().filter(Boolean).map((words) => {
      const paragraph = document.createElement("p");
      paragraph.textContent = words;
      return paragraph;
    });
    box.firstElementChild.replaceChildren(...paragraphs);
  }
}
