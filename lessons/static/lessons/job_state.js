// The job's state on the page: a snapshot, and messages that change it. Pure functions, no page, no network.
//
// A job of a thousand sentences gets a thousand messages. So each says which clips it changed, and nothing that is done
// with one of them goes through all clips.

export const ACTIVE = new Set(["queued", "running", "publishing"]);

export function isActive(job) {
  return Boolean(job) && ACTIVE.has(job.state);
}

// How an event relates to the known state: "next"; "stale": older; "gap": events were missed, ask what has changed.
// The same seq again is applied: two rows may change at once and are then reported in two events.
export function relation(job, event) {
  if (event.type === "stage") return event.seq > job.seq ? "gap" : "next";
  if (event.seq < job.seq) return "stale";
  return event.seq > job.seq + 1 ? "gap" : "next";
}

export function apply(job, event) {
  if (event.type === "clip") {
    const { clip, type, ...counts } = event;
    const clips = job.clips.slice();
    if (clips[clip.index]) clips[clip.index] = clip;
    return { ...job, ...counts, clips };
  }
  if (event.type === "stage") {
    const { type, seq, index, ...rest } = event;
    return { ...job, ...rest, stage_index: index };
  }
  const { type, ...changes } = event;
  return { ...job, ...changes };
}

// The indexes of the clips that look different after an event or a "changes" message; null: perhaps all of them.
export function changedClips(before, after, message) {
  if (isActive(before) !== isActive(after)) return null; // see clipState
  if (message.type === "clip") return [message.clip.index];
  if (message.type !== "changes") return [];
  return message.clips.flatMap((group) => [...indexesOf(group)]);
}

// The job after a "changes" message; null when it has other sentences than the page knows: only a snapshot helps.
export function applyChanges(job, message) {
  const { clips_total: total } = message.job;
  const clips = withOutcomes(job.clips, message.clips);
  return clips && clips.length === total ? { ...job, ...message.job, clips } : null;
}

// The job of an edited text, told as the difference from the job before it; null when the page knows another one.
export function jobOfEdit(before, edit) {
  if (before?.id !== edit.base) return null;
  const moved = (clip) => ({ ...clip, start: clip.start + edit.shift, end: clip.end + edit.shift });
  const ends = [before.clips.slice(0, edit.first), before.clips.slice(before.clips.length - edit.last).map(moved)];
  const sentences = [...ends[0], ...edit.between, ...ends[1]];
  const texts = sentences.map(({ text, start, end, chapter }, index) => ({ index, text, start, end, chapter }));
  const clips = withOutcomes(texts, edit.clips);
  return clips && { ...edit.job, clips, narration: null };
}

function withOutcomes(clips, groups) {
  const changed = clips.slice();
  for (const { indexes, url, video_seconds: seconds, ...outcome } of groups) {
    let position = 0;
    for (const index of indexesOf({ indexes })) {
      if (!changed[index]) return null;
      const own = { video_seconds: seconds?.[position] ?? null, url: url?.replace("{index}", index) ?? null };
      changed[index] = { ...changed[index], ...outcome, ...own };
      position += 1;
    }
  }
  return changed;
}

function* indexesOf({ indexes }) {
  for (const [first, last] of indexes) {
    for (let index = first; index <= last; index += 1) yield index;
  }
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
  if (job.clips[job.stage_index]?.state === "leased") return job.stage_index + 1;
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
