// Times, counts and stages as text.

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (!parts[0]) parts.shift();
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

// For screen readers: "1 minute 5 seconds" instead of "1:05".
export function spokenTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const minutes = Math.floor(whole / 60);
  const rest = whole % 60;
  const words = [];
  if (minutes) words.push(`${minutes} minute${minutes === 1 ? "" : "s"}`);
  if (rest || !minutes) words.push(`${rest} second${rest === 1 ? "" : "s"}`);
  return words.join(" ");
}

export function timeLeft(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 2) return "almost there";
  if (seconds < 90) return `about ${Math.ceil(seconds)} seconds left`;
  return `about ${Math.ceil(seconds / 60)} minutes left`;
}

export function count(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

const STAGES = {
  validation: "Checking",
  speech: "Speaking the words",
  motion: "Working out the movements",
  frames: "Drawing the face",
  enhance: "Sharpening the picture",
  encode: "Writing the video",
  publish: "Assembling the video",
};

export function stageWords(job) {
  if (job.state === "queued") {
    return job.queue_position > 1 ? `Waiting: number ${job.queue_position} in the queue` : "Waiting in the queue";
  }
  if (job.state === "publishing") return STAGES.publish;
  return STAGES[job.stage] ?? "Getting ready";
}

// The server counts characters (code points), JavaScript UTF-16 units: they differ after an emoji. Returns a function
// from code points to units.
export function unitsOf(text) {
  if (!/[\uD800-\uDBFF]/.test(text)) return (codePoints) => codePoints;
  const starts = [];
  let units = 0;
  for (const character of text) {
    starts.push(units);
    units += character.length;
  }
  starts.push(units);
  return (codePoints) => starts[Math.min(codePoints, starts.length - 1)];
}
