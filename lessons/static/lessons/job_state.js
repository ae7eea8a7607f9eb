// The job's state on the page: a snapshot, and events that change it. Pure functions, no page, no network.

export const ACTIVE = new Set(["queued", "running", "publishing"]);

export function isActive(job) {
  return Boolean(job) && ACTIVE.has(job.state);
}

// How an event relates to the known state: "next"; "stale": older; "gap": events were missed, ask for a snapshot.
// The same seq again is applied: two rows may change at once and are then reported in two events.
export function relation(job, event) {
  if (event.type === "stage") return event.seq > job.seq ? "gap" : "next";
  if (event.seq < job.seq) return "stale";
  return event.seq > job.seq + 1 ? "gap" : "next";
}

export function apply(job, event) {
  if (event.type === "clip") {
    const { clip, type, ...counts } = event;
    return { ...job, ...counts, clips: job.clips.map((old) => (old.index === clip.index ? clip : old)) };
  }
  if (event.type === "stage") {
    const { type, seq, index, ...rest } = event;
    return { ...job, ...rest, stage_index: index };
  }
  const { type, ...changes } = event;
  return { ...job, ...changes };
}

// The state that a chip shows, a key of clip_states.py. A clip of a job that has ended no longer waits or is rendered.
export function clipState(clip, jobState) {
  if (clip.state === "done" && clip.is_fallback) return "fallback";
  if (clip.state === "done" && clip.cached) return "cached";
  if (["waiting", "leased"].includes(clip.state) && !ACTIVE.has(jobState)) return "stopped";
  return clip.state === "leased" ? "rendering" : clip.state;
}

// The number of the sentence being rendered, else of the first unfinished one.
export function currentNumber(job) {
  const rendering = job.clips.findLast((clip) => clip.state === "leased");
  const index = rendering?.index ?? job.clips.find((clip) => clip.state === "waiting")?.index;
  return Math.min(job.clips_total, (index ?? job.clips_total - 1) + 1);
}

// 0..1, including the part of the current clip, so that the bar moves within a long sentence too.
export function fractionDone(job) {
  if (!job.clips_total) return 0;
  const within = job.state === "running" && job.frames ? (0.9 * job.frame) / job.frames : 0;
  return Math.min(1, (job.clips_done + within) / job.clips_total);
}
