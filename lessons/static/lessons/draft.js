// The form of the editor as a draft: saved automatically a moment after the last change, with undo and redo, and a
// guard against leaving with unsaved changes.

import { HttpError, postForm } from "../site/http.js";
import { keepForm } from "../site/kept_form.js";

const QUIET_MS = 1200; // after the last key
const RETRY_MS = 5000;
const HISTORY_LENGTH = 100;
const FIELDS = ["title", "script", "portrait", "voice", "speed", "narration", "profile"];

export class Draft {
  // handlers: onState("saved" | "changed" | "saving" | "error" | "conflict" | "logged-out", message, name of the
  // field that is wrong), onRestore(), onHistory(canUndo, canRedo)
  constructor(form, handlers) {
    this.form = form;
    this.handlers = handlers;
    this.past = [this.read()];
    this.future = [];
    this.saved = this.fingerprint();
    this.blocked = false; // by a conflict: saving would overwrite a newer text
    document.addEventListener("input", (event) => event.target.form === form && this.changed());
    addEventListener("beforeunload", (event) => this.isDirty() && event.preventDefault());
    // Also on coming back: its user may have logged in again in another window.
    document.addEventListener("visibilitychange", () => this.isDirty() && this.save().catch(() => {}));
  }

  // Keeps what is not saved for the page after the next login, and lets its user leave without being asked.
  keepForLogin() {
    keepForm(this.form, { isLost: true });
    this.saved = this.fingerprint();
  }

  read() {
    const data = new FormData(this.form);
    return Object.fromEntries(FIELDS.map((name) => [name, data.get(name)]));
  }

  fingerprint() {
    return JSON.stringify(this.read());
  }

  isDirty() {
    return this.fingerprint() !== this.saved;
  }

  changed() {
    this.handlers.onState(this.isDirty() ? "changed" : "saved");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), QUIET_MS);
  }

  settle() {
    this.remember();
    if (this.isDirty()) this.save().catch(() => {});
  }

  remember() {
    const now = this.read();
    if (JSON.stringify(now) === JSON.stringify(this.past.at(-1))) return;
    this.past.push(now);
    if (this.past.length > HISTORY_LENGTH) this.past.shift();
    this.future = [];
    this.reportHistory();
  }

  undo() {
    this.remember();
    if (this.past.length < 2) return;
    this.future.push(this.past.pop());
    this.restore(this.past.at(-1));
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.future.pop());
    this.restore(this.past.at(-1));
  }

  restore(values) {
    for (const [name, value] of Object.entries(values)) {
      const field = this.form.elements.namedItem(name);
      if (field) field.value = value ?? "";
    }
    this.reportHistory();
    this.handlers.onRestore();
    this.handlers.onState(this.isDirty() ? "changed" : "saved");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save().catch(() => {}), QUIET_MS);
  }

  reportHistory() {
    this.handlers.onHistory(this.past.length > 1, this.future.length > 0);
  }

  // Saves; with an action ("generate") also starts it. One request at a time, because each needs the version that the
  // previous one returned. Resolves to the response, or throws HttpError.
  async save(action = "save", values = {}) {
    clearTimeout(this.timer);
    const request = (this.queue ?? Promise.resolve()).then(() => this.send(action, values));
    this.queue = request.catch(() => {});
    return request;
  }

  async send(action, values) {
    if (action === "save" && (this.blocked || !this.isDirty())) return null;
    const sent = this.fingerprint();
    const data = new FormData(this.form);
    for (const [name, value] of Object.entries({ ...values, action })) data.set(name, value);
    this.handlers.onState("saving");
    try {
      const answer = await postForm(this.form.getAttribute("action"), data);
      this.accept(answer.version, sent);
      return answer;
    } catch (error) {
      this.refused(error, sent);
      throw error;
    }
  }

  accept(version, sent) {
    this.form.elements.namedItem("version").value = version;
    this.saved = sent;
    this.handlers.onState(this.isDirty() ? "changed" : "saved");
  }

  refused(error, sent) {
    if (error instanceof HttpError && error.status === 409) {
      this.blocked = true;
      this.handlers.onState("conflict", `${error.message} ${error.hint}`);
    } else if (error instanceof HttpError && error.body?.error) {
      // The text was saved; only the action was refused.
      this.accept(error.body.version, sent);
    } else if (error instanceof HttpError && error.status === 401) {
      this.handlers.onState("logged-out", "You have been logged out, so this is not saved. What you typed is kept.");
    } else if (error instanceof HttpError && error.status < 500) {
      const problem = firstProblem(error.body);
      this.handlers.onState("error", problem?.message ?? error.message, problem?.field);
    } else {
      const reason = (error instanceof HttpError && error.body?.message) || "No connection.";
      this.handlers.onState("error", `Not saved. ${reason} Retrying …`);
      this.timer = setTimeout(() => this.save().catch(() => {}), RETRY_MS);
    }
  }
}

// The first field that the server refused, as {field, message}.
export function firstProblem(body) {
  const [field, problems] = Object.entries(body?.errors ?? {})[0] ?? [];
  return field && { field, message: problems[0].message };
}
