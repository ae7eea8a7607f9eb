// The student's lesson page: connects player, transcript, chapters and progress.

import { getJson, loginAddress, postForm } from "../site/http.js";
import { Player } from "./player.js";
import { toast } from "../site/toast.js";
import { Transcript } from "./transcript.js";
import { WatchProgress } from "./watch_progress.js";
import { clock, spokenTime } from "./words.js";

const find = (name) => document.querySelector(`[data-${name}]`);
const root = find("player");
const player = new Player(root);
const { video } = player;
const transcript = new Transcript(find("transcript"), { onSeek: playFrom, cover: root });
const chapters = [...document.querySelectorAll(".chapter")].map((element) => ({
  element,
  start: Number(element.dataset.start),
}));

// Plays from there, where it can be seen.
function playFrom(seconds) {
  hideNotes();
  player.reveal();
  player.goTo(seconds);
  player.play();
}

// Spoken by screen readers, once: the same words again are said again only after others.
function say(words) {
  const region = find("said");
  if (region.textContent !== words) region.textContent = words;
}

// --- following the words ----------------------------------------------------------------------------------------

function follow() {
  transcript.show(video.currentTime);
  const current = chapters.findLast((chapter) => chapter.start <= video.currentTime + 0.05);
  for (const chapter of chapters) {
    if (chapter === current) chapter.element.setAttribute("aria-current", "true");
    else chapter.element.removeAttribute("aria-current");
  }
}

// "timeupdate" fires four times a second, too rarely for single words.
function followEveryFrame() {
  follow();
  if (!video.paused) requestAnimationFrame(followEveryFrame);
}

video.addEventListener("play", followEveryFrame);
video.addEventListener("seeked", follow);
find("follow").addEventListener("change", (event) => (transcript.follows = event.target.checked));

// The times of the words are of use once the video plays or the reader turns to the transcript, so they come then.
async function loadWords() {
  if (transcript.isLoading) return;
  transcript.isLoading = true;
  try {
    transcript.addWords(await getJson(transcript.box.dataset.src));
    follow();
  } catch {
    transcript.isLoading = false; // the page's own sentences stay, each with its time; the next occasion tries again
  }
}
video.addEventListener("play", loadWords);
for (const name of ["pointerenter", "focusin"]) transcript.box.addEventListener(name, loadWords);

// --- chapters ---------------------------------------------------------------------------------------------------

for (const chapter of chapters) {
  chapter.element.addEventListener("click", () => playFrom(chapter.start));
}
function whenLengthIsKnown(action) {
  if (video.readyState >= HTMLMediaElement.HAVE_METADATA) action();
  else video.addEventListener("loadedmetadata", action, { once: true });
}
whenLengthIsKnown(() => player.drawChapters(chapters.map((chapter) => chapter.start)));

// --- resuming ---------------------------------------------------------------------------------------------------

// The button that was pressed goes with its note; the focus moves to the one that now pauses.
function hideNotes() {
  for (const note of [find("resume-box"), find("next-box")]) {
    if (!note || note.hidden) continue;
    if (note.contains(document.activeElement)) player.focusPlay();
    note.hidden = true;
  }
}

const resumeSeconds = Number(root.dataset.resume);
if (resumeSeconds > 0) {
  whenLengthIsKnown(() => player.goTo(resumeSeconds));
  find("resume-button").querySelector("span").textContent = `Resume at ${clock(resumeSeconds)}`;
  find("resume-box").hidden = false;
}
find("resume-button").addEventListener("click", () => player.play());
for (const name of ["start-over", "replay"]) {
  find(name)?.addEventListener("click", () => {
    player.goTo(0);
    player.play();
  });
}
video.addEventListener("play", () => {
  hideNotes();
  say(`Playing from ${spokenTime(video.currentTime)}.`);
});
video.addEventListener("ended", () => {
  const box = find("next-box");
  if (box) box.hidden = false;
  say(box ? `The video has ended. ${box.querySelector("a").textContent.trim()}` : "The video has ended.");
});

// --- progress ---------------------------------------------------------------------------------------------------

function drawCompleted(isCompleted) {
  const form = find("complete");
  if ((form.elements.completed.value === "0") === isCompleted) return;
  form.elements.completed.value = isCompleted ? "0" : "1";
  const button = form.querySelector("button");
  button.setAttribute("aria-pressed", String(isCompleted));
  button.classList.toggle("is-complete", isCompleted);
  find("complete-words").textContent = isCompleted ? "Done" : "Mark as done";
}

if (root.dataset.progressUrl) {
  new WatchProgress(root.dataset.progressUrl, video, {
    onCompleted(isCompleted) {
      if (isCompleted && find("complete").elements.completed.value === "1") say("Done. You have watched this lesson.");
      drawCompleted(isCompleted);
    },
    onTrouble: (error) => drawTrouble(error && troubleOf(error)),
  });
  find("complete").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await postForm(event.target.action, new FormData(event.target));
      drawCompleted(answer.completed);
    } catch (error) {
      if (error.status === 401) drawTrouble(LOGGED_OUT);
      else toast(error.status ? error.message : "There is no connection to the server. Try again in a moment.");
    }
  });
}

// --- trouble ----------------------------------------------------------------------------------------------------

const LOGGED_OUT = { words: "You have been logged out, so your progress is not saved.", link: "Log in again" };
const NO_CONNECTION = { words: "The connection is lost. Your progress will be saved when it is back." };
const NO_VIDEO = { words: "The video could not be loaded.", link: "Try again" };

function troubleOf(error) {
  if (error.status === 401) return LOGGED_OUT;
  return error.status ? { words: error.message } : NO_CONNECTION;
}

// Shown below the video until it is over; the box is a live region, so it is changed only when the words change.
function drawTrouble(trouble) {
  const [box, words, link] = ["trouble", "trouble-words", "trouble-link"].map(find);
  const text = trouble?.words ?? "";
  if (words.textContent === text) return;
  words.textContent = text;
  link.textContent = trouble?.link ?? "";
  link.href = trouble === LOGGED_OUT ? loginAddress() : location.pathname;
  link.hidden = !trouble?.link;
  box.classList.toggle("is-empty", !text);
}
video.addEventListener("error", () => drawTrouble(NO_VIDEO), true); // captures: it is the <source> that fails

const letterKeys = find("shortcuts");
letterKeys.checked = player.letterKeys;
letterKeys.addEventListener("change", () => player.setLetterKeys(letterKeys.checked));
