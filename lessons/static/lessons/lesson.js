// The student's lesson page: connects player, transcript, chapters and progress.

import { getJson, postForm } from "../site/http.js";
import { Player } from "./player.js";
import { toast } from "../site/toast.js";
import { Transcript } from "./transcript.js";
import { WatchProgress } from "./watch_progress.js";
import { clock } from "./words.js";

const find = (name) => document.querySelector(`[data-${name}]`);
const root = find("player");
const player = new Player(root);
const { video } = player;
const transcript = new Transcript(find("transcript"), {
  onSeek(seconds) {
    hideNotes();
    player.goTo(seconds);
    player.play();
  },
});
const chapters = [...document.querySelectorAll(".chapter")].map((element) => ({
  element,
  start: Number(element.dataset.start),
}));

// --- following the words ----------------------------------------------------------------------------------------

function follow() {
  transcript.show(video.currentTime);
  const current = chapters.findLast((chapter) => chapter.start <= video.currentTime + 0.05);
  for (const chapter of chapters) chapter.element.toggleAttribute("aria-current", chapter === current);
}

// "timeupdate" fires four times a second, too rarely for single words.
function followEveryFrame() {
  follow();
  if (!video.paused) requestAnimationFrame(followEveryFrame);
}

video.addEventListener("play", followEveryFrame);
video.addEventListener("seeked", follow);
find("follow").addEventListener("change", (event) => (transcript.follows = event.target.checked));

getJson(find("transcript").dataset.src)
  .then((data) => {
    transcript.addWords(data);
    follow();
  })
  .catch(() => {}); // the page's own sentences stay, each with its time

// --- chapters ---------------------------------------------------------------------------------------------------

for (const chapter of chapters) {
  chapter.element.addEventListener("click", () => {
    hideNotes();
    player.goTo(chapter.start);
    player.play();
  });
}
function whenLengthIsKnown(action) {
  if (video.readyState >= HTMLMediaElement.HAVE_METADATA) action();
  else video.addEventListener("loadedmetadata", action, { once: true });
}
whenLengthIsKnown(() => player.drawChapters(chapters.map((chapter) => chapter.start)));

// --- resuming ---------------------------------------------------------------------------------------------------

function hideNotes() {
  find("resume-box").hidden = true;
  if (find("next-box")) find("next-box").hidden = true;
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
video.addEventListener("play", hideNotes);
video.addEventListener("ended", () => {
  if (find("next-box")) find("next-box").hidden = false;
});

// --- progress ---------------------------------------------------------------------------------------------------

function drawCompleted(isCompleted) {
  const form = find("complete");
  form.elements.completed.value = isCompleted ? "0" : "1";
  const button = form.querySelector("button");
  button.setAttribute("aria-pressed", String(isCompleted));
  button.classList.toggle("is-complete", isCompleted);
  find("complete-words").textContent = isCompleted ? "Done" : "Mark as done";
}

if (root.dataset.progressUrl) {
  new WatchProgress(root.dataset.progressUrl, video, { onCompleted: drawCompleted });
  find("complete").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await postForm(event.target.action, new FormData(event.target));
      drawCompleted(answer.completed);
    } catch (error) {
      toast(error.message);
    }
  });
}

const letterKeys = find("shortcuts");
letterKeys.checked = player.letterKeys;
letterKeys.addEventListener("change", () => player.setLetterKeys(letterKeys.checked));
