"""What a client does with the messages about a job: the same as ``lessons/static/lessons/job_state.js``."""

from __future__ import annotations

from itertools import chain
from typing import Any

Json = dict[str, Any]


def with_changes(snapshot: Json, message: Json) -> Json | None:
    """The job after a ``changes`` message; None when only a snapshot helps."""
    clips = _with_outcomes(snapshot["clips"], message["clips"])
    if clips is None or len(clips) != message["job"]["clips_total"]:
        return None
    return {**snapshot, **message["job"], "clips": clips}


def after_edit(before: Json, message: Json) -> Json | None:
    """The new job of an edited text, told as the difference from the job before it."""
    assert before["id"] == message["base"]
    shift, clips = message["shift"], before["clips"]
    moved = [
        {**clip, "start": clip["start"] + shift, "end": clip["end"] + shift}
        for clip in clips[len(clips) - message["last"] :]
    ]
    sentences = chain(clips[: message["first"]], message["between"], moved)
    names = ("text", "start", "end", "chapter")
    texts = [{"index": index, **{name: item[name] for name in names}} for index, item in enumerate(sentences)]
    changed = _with_outcomes(texts, message["clips"])
    return None if changed is None else {**message["job"], "clips": changed, "narration": None}


def _with_outcomes(clips: list[Json], groups: list[Json]) -> list[Json] | None:
    changed = list(clips)
    for group in groups:
        outcome = {name: group[name] for name in ("state", "is_fallback", "cached", "notices", "error")}
        indexes = [index for first, last in group["indexes"] for index in range(first, last + 1)]
        seconds = group["video_seconds"] or [None] * len(indexes)
        for index, video_seconds in zip(indexes, seconds, strict=True):
            if index >= len(changed):
                return None
            url = group["url"] and group["url"].replace("{index}", str(index))
            changed[index] = {**changed[index], **outcome, "video_seconds": video_seconds, "url": url}
    return changed
