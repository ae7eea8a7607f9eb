// The upload page: shows the chosen picture at once, lets the server check it, and shows the report.

import { postForm } from "../site/http.js";

const form = document.querySelector("[data-upload]");
const input = form.elements.picture;
const nameInput = form.querySelector("[data-name]");
const dropzone = form.querySelector("[data-dropzone]");
const preview = Object.assign(document.createElement("img"), {
  className: "dropzone-preview",
  alt: "Preview of the chosen picture",
  hidden: true,
}); // in the page once it has a picture
const report = form.querySelector("[data-report]");
const submit = form.querySelector("[data-submit]");
const maxBytes = Number(form.dataset.maxBytes);

let latestCheck = 0; // responses to an earlier picture are dropped
let suggestedName = "";
let localUrl = "";

function alertBox(problem) {
  const kind = problem.severity === "stop" ? "bad" : "warn";
  const box = document.createElement("div");
  box.className = `alert alert-${kind}`;
  const words = document.createElement("div");
  const message = document.createElement("p");
  const strong = document.createElement("strong");
  strong.textContent = problem.message;
  message.append(strong);
  const hint = document.createElement("p");
  hint.textContent = problem.hint;
  words.append(message, hint);
  box.append(words);
  return box;
}

function note(text, className) {
  const line = document.createElement("p");
  line.className = className;
  line.textContent = text;
  return line;
}

function showPreview(url) {
  preview.onload = () => {
    preview.hidden = false;
    form.querySelector("[data-dropzone-words]").hidden = true;
    form.querySelector("[data-change]").hidden = false;
  };
  // Most browsers cannot show HEIC: the server sends a preview with its report.
  preview.onerror = () => hidePreview();
  preview.src = url;
  if (!preview.isConnected) dropzone.prepend(preview);
}

function hidePreview() {
  preview.hidden = true;
  form.querySelector("[data-dropzone-words]").hidden = false;
  form.querySelector("[data-change]").hidden = true;
}

function showProblems(problems) {
  const stops = problems.some((problem) => problem.severity === "stop");
  const boxes = problems.map(alertBox);
  if (stops) boxes.push(note("This picture cannot be used. Choose another picture.", "small muted"));
  else if (problems.length) boxes.push(note("You can use this picture.", "small muted"));
  else {
    const good = document.createElement("div");
    good.className = "alert alert-good";
    good.textContent = "Good picture: no problems found.";
    boxes.push(good);
  }
  report.replaceChildren(...boxes);
  input.setAttribute("aria-invalid", String(stops));
  submit.disabled = stops;
}

function tooHeavy() {
  const megabytes = Math.floor(maxBytes / 1_000_000);
  return {
    severity: "stop",
    message: `The picture is larger than ${megabytes} MB.`,
    hint: "Save it as a JPEG or reduce its size, then try again.",
  };
}

function suggestName(name) {
  if (nameInput.value && nameInput.value !== suggestedName) return;
  suggestedName = name;
  nameInput.value = name;
}

async function check(file) {
  latestCheck += 1;
  const number = latestCheck;
  submit.disabled = false;
  URL.revokeObjectURL(localUrl);
  localUrl = URL.createObjectURL(file);
  showPreview(localUrl);
  if (file.size > maxBytes) {
    showProblems([tooHeavy()]);
    return;
  }
  report.replaceChildren(note("Checking the picture …", "checking muted"));
  const data = new FormData();
  data.append("picture", file);
  try {
    const answer = await postForm(form.dataset.checkUrl, data);
    if (number !== latestCheck) return;
    if (answer.preview_url) showPreview(answer.preview_url);
    if (answer.name) suggestName(answer.name);
    showProblems(answer.problems);
  } catch (error) {
    if (number !== latestCheck) return;
    // The picture is checked again when it is sent, so the form stays usable.
    report.replaceChildren(note(`The picture could not be checked yet: ${error.message}`, "small muted"));
  }
}

function choose(files) {
  const file = files[0];
  if (!file) return;
  const transfer = new DataTransfer();
  transfer.items.add(file);
  input.files = transfer.files;
  check(file);
}

input.addEventListener("change", () => {
  if (input.files.length) check(input.files[0]);
});

for (const kind of ["dragenter", "dragover"]) {
  dropzone.addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    dropzone.dataset.over = "";
  });
}
for (const kind of ["dragleave", "drop"]) {
  dropzone.addEventListener(kind, () => delete dropzone.dataset.over);
}
dropzone.addEventListener("drop", (event) => {
  event.preventDefault();
  choose(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) choose(event.clipboardData.files);
});

form.addEventListener("submit", (event) => {
  if (submit.getAttribute("aria-busy") === "true") {
    event.preventDefault(); // a second click while the first is being processed
    return;
  }
  submit.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => submit.removeAttribute("aria-busy")); // the user came back with the browser's back button
