// The lesson editor: connects the draft, the check of the text, the job that renders it and the views of them.

import { Draft, firstProblem } from "./draft.js";
import { drawFolds, initFolds, unfold } from "./folds.js";
import { askAboutWait, Forecast } from "./forecast.js";
import { getJson, HttpError, loginAddress, postForm } from "../site/http.js";
import { JobChannel } from "./job_channel.js";
import { JobPanel } from "./job_panel.js";
import { isActive, jobOfEdit } from "./job_state.js";
import { Narration } from "./narration.js";
import { ScriptCheck } from "./script_check.js";
import { match, row, rowsByClip, ScriptMarks, SentenceList } from "./sentences.js";
import { showFoundPortraits } from "./portrait_search.js";
import { drawPortrait } from "./stage_portrait.js";
import { toast } from "../site/toast.js";
import { clock, count } from "./words.js";

const data = JSON.parse(document.getElementById("page-data").textContent);
const find = (name) => document.querySelector(`[data-${name}]`);
const form = find("lesson-form");
const textarea = find("script");
const generateButton = find("generate");

const state = {
  job: data.snapshot,
  utterances: null, // of the current text, once the server has answered
  rows: [], // the sentences on the page, each with its clip
  positions: new Map(), // index of a clip -> its place in rows
  estimatedSeconds: 0,
  playing: null,
  jobVersion: data.job_version, // of the lesson that the job renders
  shownVersion: data.video_version, // of the lesson that the video on the page shows
  channel: null,
  forecast: null, // of a video of the current text
};

// --- the text ---------------------------------------------------------------------------------------------------

const marks = new ScriptMarks(find("script-marks"), textarea);
const sentences = new SentenceList(find("sentences"), data.clip_states, (clip) => panel.playClip(clip));
const check = new ScriptCheck(data.check_url, textarea, {
  onSentences(utterances, estimatedSeconds, notices) {
    state.utterances = utterances;
    state.estimatedSeconds = estimatedSeconds;
    showProblem("");
    showNotices(notices);
    drawText();
  },
  onProblem(message) {
    state.utterances = [];
    showProblem(message);
    showNotices([]);
    drawText();
  },
});

function showNotices(notices) {
  find("script-notices").textContent = notices.join(" ");
  find("script-notices").hidden = !notices.length;
}

function showProblem(message) {
  if (find("script-error").textContent !== message) find("script-error").textContent = message;
  if (message) textarea.setAttribute("aria-invalid", "true");
  else textarea.removeAttribute("aria-invalid");
}

function drawText() {
  const rows = (state.rows = match(state.utterances, state.job));
  state.positions = rowsByClip(rows);
  marks.show(state.utterances ? rows : []);
  sentences.show(rows, state.playing);
  find("sentences-panel").hidden = !rows.length;
  const words = textarea.value.match(/[\p{L}\p{N}]+(?:['’.,-][\p{L}\p{N}]+)*/gu)?.length ?? 0;
  const counts = [count(words, "word")];
  if (state.utterances?.length) {
    counts.push(count(state.utterances.length, "sentence"), `about ${clock(state.estimatedSeconds)}`);
  }
  find("script-figures").textContent = counts.join(" · ");
  drawSummary(rows);
}

// Draws again what an event has changed; a job of a thousand sentences has thousands of events.
function drawClips(changed) {
  for (const index of changed) {
    const position = state.positions.get(index);
    if (position === undefined) continue;
    const now = (state.rows[position] = row(state.rows[position], state.job.clips[index], state.job));
    marks.showOne(position, now);
    sentences.showOne(position, now, state.playing);
  }
}

function drawSummary(rows) {
  const isNew = rows.filter((row) => row.state === "new").length;
  const isRendering = isRenderingThisText();
  find("sentence-summary").textContent = isNew && state.job ? `${count(isNew, "sentence")} new or changed` : "";
  const label = !state.job ? "Generate video" : isNew ? "Update the video" : "Generate again";
  find("generate-label").textContent = isRendering ? "Generating …" : label;
  generateButton.setAttribute("aria-busy", String(isRendering));
}

// Once the text has been edited further, the button offers to render the newer text instead.
function isRenderingThisText() {
  return isActive(state.job) && state.jobVersion === lessonVersion();
}

// --- saving -----------------------------------------------------------------------------------------------------

const draft = new Draft(form, {
  onState(name, message = "", field = "") {
    const words = { saved: "Saved", changed: "Not saved yet", saving: "Saving …" };
    find("save-state").textContent = words[name] ?? "Not saved";
    if (field) showFieldProblem(field, message);
    else if (message) showFormError(message, { offersLogin: name === "logged-out" });
    else if (name === "saved") showFormError("");
    if (name !== "saved") return;
    drawOutdated();
    drawText();
  },
  onRestore() {
    drawSpeed();
    drawStage();
    drawFolds(form);
    narration.restore();
    marks.show([]);
    check.soon();
  },
  onHistory(canUndo, canRedo) {
    // Not "disabled": the focus would fall from the button at the end of the history.
    find("undo").setAttribute("aria-disabled", String(!canUndo));
    find("redo").setAttribute("aria-disabled", String(!canRedo));
  },
});

const narration = new Narration(
  find("narration"),
  form,
  data.narration,
  { upload: data.narration_upload_url, detail: data.narration_url, sound: data.narration_sound_url, anyId: data.any_job },
  {
    isTextEmpty: () => !textarea.value.trim(),
    takeText(text) {
      draft.remember(); // so that undo brings the old text back
      textarea.value = text;
      textarea.dispatchEvent(new Event("input", { bubbles: true }));
      toast("The transcript is now the lesson text. Correct any words that are wrong.");
    },
  },
);

function showFormError(message, { offersLogin = false } = {}) {
  const box = find("form-error");
  const words = box.querySelector("[data-form-error-words]");
  box.hidden = !message;
  if (words.textContent !== message) words.textContent = message;
  find("form-error-login").hidden = !offersLogin;
}
find("form-error-login").addEventListener("click", (event) => {
  event.target.href = loginAddress();
  draft.keepForLogin();
});
form.addEventListener("restored", (event) => {
  event.preventDefault();
  toast("You had been logged out. What you had typed is here again.");
});

function drawSpeed() {
  find("speed-output").textContent = `${Number(form.elements.speed.value).toFixed(2)}×`;
}

const drawStage = () => drawPortrait(form, find("stage-empty"));

// --- the video --------------------------------------------------------------------------------------------------

const panel = new JobPanel(find("result"), {
  focusElsewhere: () => generateButton.focus({ preventScroll: true }),
  onPlaying(index) {
    state.playing = index;
    drawText();
  },
});

// changed: the indexes of the clips that look different now; null: perhaps all
function showJob(job, changed = null) {
  if (isActive(state.job) && !isActive(job)) {
    // The queue has changed. "The video is ready" must not come together with a forecast of the next one.
    find("forecast").setAttribute("aria-live", "off");
    forecast.soon();
  }
  state.job = job;
  drawForecast();
  panel.show(job, changed);
  if (changed) drawClips(changed);
  else drawText();
  if (job.video) {
    state.shownVersion = state.jobVersion;
    // Students get it only if the rendered text is still the current one.
    if (state.jobVersion === lessonVersion()) find("publish").hidden = find("watch").hidden = false;
  }
  drawOutdated();
}

function lessonVersion() {
  return Number(form.elements.version.value);
}

function drawOutdated() {
  find("outdated").hidden = isActive(state.job) || !state.shownVersion || state.shownVersion === lessonVersion();
}

function follow(job) {
  state.channel?.close();
  showJob(job);
  if (!isActive(job)) return;
  state.channel = new JobChannel({
    id: job.id,
    snapshotUrl: snapshotUrl(job.id),
    job,
    handlers: {
      onJob: showJob,
      onFrame: (blob) => panel.frame(blob),
      onConnection: (name) => panel.connection(name),
    },
  });
}

// --- when it would be ready --------------------------------------------------------------------------------------

const forecast = new Forecast(data.forecast_url, form, (forecast) => {
  state.forecast = forecast;
  drawForecast();
});

function drawForecast() {
  const shown = isActive(state.job) && isRenderingThisText() ? null : state.forecast;
  const words = shown ? shown.refusal || shown.words : "";
  find("forecast").hidden = !words;
  find("forecast").classList.toggle("forecast-long", Boolean(shown?.refusal || shown?.is_long));
  if (find("forecast-words").textContent !== words) find("forecast-words").textContent = words;
  const reasons = [];
  if (shown?.profile_reason) reasons.push(`Automatic profile: ${shown.profile}. ${shown.profile_reason}`);
  if (shown?.face_reason) reasons.push(shown.face_reason);
  find("forecast-choice").textContent = reasons.join(" ");
  find("forecast-choice").hidden = !reasons.length;
}

async function generate(action) {
  if (generateButton.getAttribute("aria-disabled") === "true") return;
  if (action !== "generate-fast" && state.forecast?.is_long && !state.forecast.refusal && !isRenderingThisText()) {
    action = await askAboutWait(document.getElementById("wait-dialog"), state.forecast, state.forecast.profile === "fast");
    if (!action) return;
  }
  generateButton.setAttribute("aria-disabled", "true"); // and not "disabled", which drops the focus
  showFormError("");
  try {
    const answer = await draft.save(action, { known_job: state.job?.id ?? "" });
    const job = await wholeJob(answer.job);
    panel.started();
    state.jobVersion = answer.version;
    follow(job);
    // Beside the text it is already visible; below it, on a phone, scroll to picture and progress.
    const isBeside = matchMedia("(min-width: 64rem)").matches;
    find("result").scrollIntoView({ block: isBeside ? "nearest" : "start" });
  } catch (error) {
    refused(error);
  } finally {
    generateButton.removeAttribute("aria-disabled");
  }
}

// The job of an edited text comes as the difference from the one that the page shows.
async function wholeJob(answer) {
  if (answer.type !== "edit") return answer;
  return jobOfEdit(state.job, answer) ?? getJson(snapshotUrl(answer.job.id));
}

const snapshotUrl = (id) => data.snapshot_url.replace(data.any_job, id);

// Shows a message at its field, or in the bar where the field has no place for one, until the field is changed.
// Returns the field, unless it is hidden.
function showFieldProblem(name, message) {
  if (name === "script") { // until the next check of the text
    showProblem(message);
    return textarea;
  }
  const field = form.elements.namedItem(name);
  const element = field instanceof RadioNodeList ? ([...field].find((one) => one.checked) ?? field[0]) : field;
  const place = document.getElementById(`${name}-error`);
  if (place) place.textContent = message;
  else showFormError(message);
  if (!(element instanceof HTMLElement) || element.type === "hidden") return null;
  unfold(element);
  element.setAttribute("aria-invalid", "true");
  if (!place) element.setAttribute("aria-describedby", "form-error");
  const settle = () => {
    element.removeAttribute("aria-invalid");
    if (place) place.textContent = "";
    else element.removeAttribute("aria-describedby");
  };
  element.addEventListener("input", settle, { once: true });
  return element;
}

function refused(error) {
  if (!(error instanceof HttpError)) {
    toast("The server cannot be reached. Your text is still here; try again in a moment.");
    return;
  }
  const problem = firstProblem(error.body);
  if (problem) showFieldProblem(problem.field, problem.message)?.focus();
  else if (error.status !== 401) showFormError(error.message); // the draft offers to log in
  if (!find("form-error").hidden) find("form-error").scrollIntoView({ block: "nearest" });
}

// --- events -----------------------------------------------------------------------------------------------------

form.addEventListener("input", () => find("forecast").removeAttribute("aria-live"));
textarea.addEventListener("input", () => {
  forecast.soon();
  marks.show([]); // the layer gives the height at once; the lines come back with the next check
  check.soon();
});
form.elements.speed.addEventListener("input", drawSpeed);
form.addEventListener("change", () => {
  forecast.soon();
  drawFolds(form);
});
find("portraits").addEventListener("change", drawStage);
form.querySelector("[data-portrait-words]")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault(); // which would press the form's first button
  findPortraits();
});
async function findPortraits() {
  try {
    await showFoundPortraits(form, find("portraits"));
    drawStage();
  } catch (error) {
    toast(error.message);
  }
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const action = event.submitter?.value ?? "save";
  if (action.startsWith("generate")) generate(action);
  else if (action === "find-portraits") findPortraits();
  else draft.save().catch(() => {});
});
find("cancel").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await postForm(data.cancel_url, new FormData(event.target));
  } catch (error) {
    toast(error.message);
  } finally {
    button.removeAttribute("aria-disabled");
  }
});
find("undo").addEventListener("click", () => draft.undo());
find("redo").addEventListener("click", () => draft.redo());
// After the back button the browser may restore old form values; the page must show the saved ones.
addEventListener("pageshow", (event) => event.persisted && location.reload());

// The style sheet keeps what gets the focus out from under the bar, which grows with its messages.
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--bar-height", `${find("action-bar").offsetHeight}px`);
}).observe(find("action-bar"));
initFolds(form);
drawSpeed();
if (data.video) panel.showMovie(data.video);
if (state.job) follow(state.job);
drawText();
check.now();
forecast.now();
