"""What changed in a job, for viewers that know an earlier state of it: small however long the script is.

Every change of a clip stores the job's ``seq`` at that moment in the clip's row. So what a viewer that has seen ``seq``
lacks are the clips with that one or a higher one: of two changes with the same one it may have missed the second. Clips
that changed in the same way are reported together, as ranges of indexes: that a thousand sentences came from the cache
takes a few kilobytes instead of half a megabyte.

A new job of an edited script is told as the difference from the job before it: the sentences at the beginning and at
the end that both have in common are counted, and only those between them are sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from talking_head.live.snapshots import Json, clip_outcome, clip_url, has_video, job_head
from talking_head.models import Clip, Job

ANY_INDEX = 0
TEXT_FIELDS = ("text", "start", "end", "chapter")
Sentence = tuple[str, int, int, str]  # the values of TEXT_FIELDS


def job_changes(job_id: UUID, since: int) -> Json:
    """Return what a viewer who knows the job's state at ``since`` has to change: the ``changes`` message of the "Live
    progress" section of docs/architecture.md.

    Raises:
        Job.DoesNotExist: there is no such job (any more).
    """
    job = Job.objects.defer("script").get(pk=job_id)  # before its clips, as in a snapshot
    clips = job.clips.filter(seq__gte=since).order_by("index")
    return {"type": "changes", "since": since, "seq": job.seq, "job": job_head(job), "clips": _outcomes(job, clips)}


def job_since_edit(job: Job, base_id: UUID) -> Json:
    """Return a new job as its difference from an earlier one, ``base_id``, whose snapshot the viewer has: as in the
    "Live progress" section of docs/architecture.md. It has no recording.

    Raises:
        Job.DoesNotExist: the job was deleted meanwhile.
    """
    job = Job.objects.defer("script").get(pk=job.pk)
    clips = list(job.clips.order_by("index"))
    old = list(Clip.objects.filter(job=base_id).order_by("index").values_list(*TEXT_FIELDS))
    new = [(clip.text, clip.start, clip.end, clip.chapter) for clip in clips]
    first, last, shift = common_ends(old, new)
    between = [{"index": clip.index, **_texts(clip)} for clip in clips[first : len(clips) - last]]
    return {
        "type": "edit",
        "base": str(base_id),
        "seq": job.seq,
        "job": job_head(job),
        "first": first,
        "between": between,
        "last": last,
        "shift": shift,
        "clips": _outcomes(job, clips),
    }


def common_ends(old: Sequence[Sentence], new: Sequence[Sentence]) -> tuple[int, int, int]:
    """Return how many sentences at the beginning are the same in both scripts, how many of the rest at the end are but
    for their position, and by how many characters those have moved."""
    shorter = min(len(old), len(new))
    first = next((number for number in range(shorter) if old[number] != new[number]), shorter)
    if first == shorter:
        return first, 0, 0
    shift = new[-1][1] - old[-1][1]

    def moved(number: int) -> bool:
        text, start, end, chapter = old[-1 - number]
        return new[-1 - number] == (text, start + shift, end + shift, chapter)

    rest = shorter - first
    return first, next((number for number in range(rest) if not moved(number)), rest), shift


def _texts(clip: Clip) -> Json:
    return {name: getattr(clip, name) for name in TEXT_FIELDS}


def _outcomes(job: Job, clips: Iterable[Clip]) -> list[Json]:
    """Return what became of ``clips``, in order of their indexes: one entry for all that have the same outcome.

    ``indexes`` are ranges, both ends included; ``video_seconds`` has a value for each clip in them, or is null.
    """
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(json.dumps([clip_outcome(clip), has_video(clip)]), []).append(clip)
    url = clip_url(job.pk, ANY_INDEX).replace(f"/{ANY_INDEX}.mp4", "/{index}.mp4")
    return [
        {
            "indexes": _ranges(clip.index for clip in group),
            **clip_outcome(group[0]),
            "video_seconds": _lengths(group),
            "url": url if has_video(group[0]) and not job.is_hidden else None,
        }
        for group in groups.values()
    ]


def _lengths(clips: Sequence[Clip]) -> list[float | None] | None:
    lengths = [clip.video_seconds for clip in clips]
    return lengths if any(length is not None for length in lengths) else None


def _ranges(indexes: Iterable[int]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for index in indexes:
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ranges
