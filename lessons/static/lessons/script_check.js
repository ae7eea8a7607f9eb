// Asks the server for a text's sentences and estimated length, a moment after the last key.

import { HttpError, postJson } from "../site/http.js";
import { unitsOf } from "./words.js";

const QUIET_MS = 350;

export class ScriptCheck {
  // handlers: onSentences(utterances, estimatedSeconds, notices), onProblem(message)
  constructor(url, textarea, handlers) {
    this.url = url;
    this.textarea = textarea;
    this.handlers = handlers;
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), QUIET_MS);
  }

  async now() {
    clearTimeout(this.timer);
    this.running?.abort();
    const text = this.textarea.value;
    if (!text.trim()) {
      this.handlers.onSentences([], 0, []);
      return;
    }
    this.running = new AbortController();
    try {
      const answer = await postJson(this.url, { text }, { signal: this.running.signal });
      const toUnits = unitsOf(text);
      const utterances = answer.utterances.map((utterance) => ({
        ...utterance,
        start: toUnits(utterance.start),
        end: toUnits(utterance.end),
      }));
      if (text === this.textarea.value) {
        this.handlers.onSentences(utterances, answer.estimated_seconds, answer.notices);
      }
    } catch (error) {
      if (error instanceof HttpError && error.status === 400) {
        this.handlers.onProblem(`${error.message} ${error.hint}`.trim());
      }
      // Other errors (no network, aborted by the next key): the counts stay unchanged.
    }
  }
}
