// A button that records with the microphone: press, speak, press again. Hidden where the browser cannot record (there is
// no microphone API without HTTPS, except on localhost).

import { clock } from "./words.js";

const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const TICK_MS = 500;

export class Recorder {
  // handlers: onSound(file), onProblem(message)
  constructor(button, time, handlers) {
    this.button = button;
    this.time = time;
    this.handlers = handlers;
    this.media = null;
    button.hidden = !(navigator.mediaDevices?.getUserMedia && globalThis.MediaRecorder);
    button.addEventListener("click", () => (this.media ? this.media.stop() : this.start()));
  }

  async start() {
    let stream;
    try {
      // The browser's own processing is meant for calls: it amplifies noise and cuts off the ends of words.
      const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch {
      this.handlers.onProblem("The microphone cannot be used. Allow it in the browser's settings, or upload a file.");
      return;
    }
    const type = TYPES.find((candidate) => MediaRecorder.isTypeSupported(candidate)) ?? "";
    const parts = [];
    this.media = new MediaRecorder(stream, type ? { mimeType: type } : {});
    this.media.addEventListener("dataavailable", (event) => parts.push(event.data));
    this.media.addEventListener("stop", () => {
      for (const track of stream.getTracks()) track.stop(); // turns off the browser's recording indicator
      const name = `recording.${this.media.mimeType.includes("mp4") ? "m4a" : "webm"}`;
      const file = new File(parts, name, { type: this.media.mimeType });
      this.media = null;
      this.draw();
      this.handlers.onSound(file);
    });
    this.media.start();
    this.startedAt = performance.now();
    this.draw();
  }

  draw() {
    const isRecording = Boolean(this.media);
    this.button.toggleAttribute("data-on", isRecording);
    this.button.querySelector("span").textContent = isRecording ? "Stop recording" : "Record now";
    clearInterval(this.ticker);
    this.time.textContent = isRecording ? clock(0) : "";
    if (!isRecording) return;
    this.ticker = setInterval(() => {
      this.time.textContent = clock((performance.now() - this.startedAt) / 1000);
    }, TICK_MS);
  }
}
