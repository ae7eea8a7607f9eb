"""The claim that a worker gets for a clip, and what it reports when the attempt ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from talking_head.errors import RendererError, TalkingHeadError
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs.leases import Lease
from talking_head.models import AttemptOutcome, Clip, ClipState, Job
from talking_head.pipeline.requests import ClipRequest
from talking_head.profiles import faster_than
from talking_head.timing import timing

MINIMUM_CLIP_SHARE = 0.25  # of the job's timeout: even the shortest clip may take this long
CLIP_SHARE_FACTOR = 4.0  # a clip may take this many times its share of the text
JOB_TIMEOUT = "job_timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Lease):
    """One worker's right to render one clip."""

    clip_id: int
    job_id: UUID
    index: int
    attempt_id: int
    request: ClipRequest
    seconds_allowed: float
    is_short: bool  # of a short job: see talking_head.worker.slots
    job_timeout: RendererError | None  # the error if these seconds pass; None: they are the clip's own limit


@dataclass(frozen=True, slots=True)
class Usage:
    """The resources that the renderer process used for one clip."""

    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    rss_peak_bytes: int | None = None
    gpu: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AttemptFailure:
    """The reason why an attempt produced no clip."""

    error: TalkingHeadError
    outcome: AttemptOutcome = AttemptOutcome.FAILED
    log_tail: str = ""
    is_outside: bool = False  # the cause lies outside the sentence: the process was killed, the worker is gone


def build_claim(clip: Clip, attempt_id: int) -> Claim:
    """Return the claim for ``clip``, which was just claimed."""
    seconds_allowed, job_timeout = _allowance(clip)
    return Claim(
        clip_id=clip.pk,
        job_id=clip.job_id,
        index=clip.index,
        fence=clip.fence,
        attempt_id=attempt_id,
        request=clip_request_for(clip),
        seconds_allowed=seconds_allowed,
        is_short=clip.is_short,
        job_timeout=job_timeout,
    )


def _allowance(clip: Clip) -> tuple[float, RendererError | None]:
    """Return the seconds that this clip may take, and an error if they are the rest of the job's time."""
    job = clip.job
    if clip.is_fallback:
        return timing().fallback_seconds, None
    share = CLIP_SHARE_FACTOR * len(clip.text) / max(1, len(job.script))
    own_seconds = job.timeout_seconds * min(1.0, max(MINIMUM_CLIP_SHARE, share))
    left_seconds = max(1.0, job.timeout_seconds - job.worked_seconds)
    return (left_seconds, job_timeout_error(job)) if left_seconds <= own_seconds else (own_seconds, None)


def clip_request_for(clip: Clip) -> ClipRequest:
    """Return the renderer's request for a clip."""
    job = clip.job
    width_px, height_px = size_of_neighbours(job.clips.all()) if clip.is_fallback else (0, 0)
    narration_path = str(uploads.local_path(UploadKind.NARRATION, job.narration_digest)) if job.narration_digest else ""
    return ClipRequest(
        text=clip.text,
        spoken=clip.spoken,
        pause_seconds=clip.pause_seconds,
        language=job.language,
        voice=job.voice,
        speed=job.speed,
        portrait_path=str(uploads.local_path(UploadKind.PORTRAIT, job.portrait_digest)) if job.portrait_digest else "",
        portrait_digest=job.portrait_digest,
        narration_path=narration_path,
        narration_digest=job.narration_digest,
        narration_start_seconds=clip.narration_start_seconds or 0.0,
        narration_end_seconds=clip.narration_end_seconds or 0.0,
        profile=job.profile,
        speech=job.speech,
        face=job.face,
        half_resolution=clip.is_half_resolution,
        fallback=clip.is_fallback,
        width_px=width_px,
        height_px=height_px,
    )


def size_of_neighbours(clips: Iterable[Clip]) -> tuple[int, int]:
    """Return the width and height of a job's first finished clip that is no fallback; zeros while there is none."""
    for clip in clips:
        if clip.state == ClipState.DONE and not clip.is_fallback and clip.result.get("width_px"):
            return clip.result["width_px"], clip.result["height_px"]
    return 0, 0


def clips_of_another_size(clips: Sequence[Clip]) -> list[int]:
    """Return the indexes of finished fallbacks that cannot be joined to their neighbours: they were rendered before
    any neighbour was, and the face engine draws in another size than the still one."""
    size_px = size_of_neighbours(clips)
    fallbacks = [clip for clip in clips if clip.is_fallback and clip.state == ClipState.DONE and all(size_px)]
    drawn = {clip.index: (clip.result.get("width_px"), clip.result.get("height_px")) for clip in fallbacks}
    return [index for index, drawn_px in drawn.items() if all(drawn_px) and drawn_px != size_px]


def job_timeout_error(job: Job) -> RendererError:
    faster = faster_than(job.profile)
    return RendererError(
        f"The video was not finished within {job.timeout_seconds:.0f} seconds.",
        code=JOB_TIMEOUT,
        hint=f"Try again with the profile “{faster.name}”." if faster else "Try again with a shorter text.",
        permanent=True,
    )
