"""The JSON that viewers receive of a job: whole snapshots, and the parts that events share with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.urls import reverse

from talking_head.errors import notice_for_teachers, words_for_teachers
from talking_head.files import published_files
from talking_head.models import Attempt, Clip, ClipState, Job, JobState, Narration, NarrationState
from talking_head.planning import queue_forecast, render_rate

Json = dict[str, Any]
DOUBTFUL_BELOW = 0.35  # clear speech is recognised with about 0.6 by one recogniser and above 0.8 by the other


# --- views -------------------------------------------------------------------------------------------------------


def job_snapshot(job: Job) -> Json:
    """Return everything a page needs to show the job, as in the "Live progress" section of docs/architecture.md.

    Raises:
        Job.DoesNotExist: the job was deleted meanwhile.
    """
    job, clips = read_rows(job.pk)
    return {
        **job_head(job, Counter(clip.state for clip in clips)),
        "clips": [{**clip_view(clip), **({"url": None} if job.is_hidden else {})} for clip in clips],
        "narration": _narration_view(job),
    }


def job_head(job: Job, states: Mapping[str, int] | None = None) -> Json:
    """Return the fields of a snapshot that do not grow with the script; ``states`` as for :func:`clip_counts`."""
    return {
        "id": str(job.pk),
        "seq": job.seq,
        "title": job.title,
        "profile": job.profile,
        "asked_profile": job.asked_profile or job.profile,
        "profile_reason": notice_for_teachers(job.profile_reason),
        "face": job.face,
        "face_reason": notice_for_teachers(job.face_reason),
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        **job_view(job, states),
        "video": _video_view(job),
    }


def job_view(job: Job, states: Mapping[str, int] | None = None) -> Json:
    """Return the fields that snapshots and ``job`` events share; ``states`` as for :func:`clip_counts`."""
    return {
        "state": job.state,
        "stage": _current_stage(job),
        **clip_counts(job, states),
        "queue_position": render_rate.queue_position(job),
        "error": _error_view(job.error_code, job.error_message, job.error_hint),
    }


def clip_counts(job: Job, states: Mapping[str, int] | None = None) -> Json:
    """Return how far the job is. The number of clips by state, if it is not known yet, is counted in the index of these
    states: no row of a clip is read."""
    if states is None:
        states = dict(job.clips.order_by().values_list("state").annotate(count=Count("pk")))
    return {
        "clips_done": states.get(ClipState.DONE, 0),
        "clips_total": sum(states.values()),
        "seconds_left": _seconds_left(job),
    }


def _seconds_left(job: Job) -> float | None:
    """Return the estimate, based on the whole queue while the job is queued, and on the job itself once it runs."""
    estimate = queue_forecast.of_job(job) if job.state == JobState.QUEUED else None
    return round(estimate.finish_seconds, 1) if estimate else render_rate.seconds_left(job)


def _current_stage(job: Job) -> str | None:
    """Return the stage that runs right now; None when nothing runs."""
    if job.state == JobState.PUBLISHING:
        return "publish"
    if job.state != JobState.RUNNING:
        return None
    running = Attempt.objects.filter(clip__job=job, clip__state=ClipState.LEASED, finished_at=None)
    return running.order_by("-started_at").values_list("stage", flat=True).first() or None


def _error_view(code: str, message: str, hint: str) -> dict[str, str] | None:
    """Return an error as JSON, in teachers' words: administrators have their pages. ``suggestion`` is the old name of
    the hint, which older clients still read."""
    message, hint = words_for_teachers(code, message, hint)
    return {"code": code, "message": message, "hint": hint, "suggestion": hint} if code else None


def clip_view(clip: Clip) -> Json:
    return {
        "index": clip.index,
        "text": clip.text,
        "start": clip.start,
        "end": clip.end,
        "chapter": clip.chapter,
        **clip_outcome(clip),
        "video_seconds": clip.video_seconds,
        "url": clip_url(clip.job_id, clip.index) if has_video(clip) else None,
    }


def clip_outcome(clip: Clip) -> Json:
    """Return the fields that change while a clip is rendered, and that many clips of a job have in common."""
    return {
        "state": clip.state,
        "is_fallback": clip.is_fallback,
        "cached": clip.cached,
        "notices": [words for notice in clip.result.get("notices", ()) if (words := notice_for_teachers(notice))],
        "error": _error_view(clip.error_code, clip.error_message, clip.error_hint),
    }


def has_video(clip: Clip) -> bool:
    return clip.state == ClipState.DONE and bool(clip.clip_key)


def clip_url(job_id: UUID, index: int) -> str:
    return reverse("job_clip", args=[job_id, index])


def _narration_view(job: Job) -> Json | None:
    """Return the job's recording and its transcript so far; None for a job with a synthetic voice."""
    if not job.narration_digest:
        return None
    narrations = Narration.objects.filter(digest=job.narration_digest)
    narration = narrations.filter(state=NarrationState.READY).first() or narrations.first()
    return narration_view(narration) if narration else None


def narration_view(narration: Narration) -> Json:
    """Return what a page shows of a recording: sound quality, progress of the transcription, and the transcript."""
    transcript = narration.transcript
    return {
        "state": narration.state,
        "duration_seconds": narration.duration_seconds,
        "heard_seconds": narration.transcribed_seconds,
        "text": narration.text,
        "language": transcript.get("language", ""),
        "language_probability": transcript.get("language_probability", 0.0),
        "segments": [_segment_view(segment) for segment in transcript.get("segments", ())],
        "report": narration.report,
        "error": _error_view(narration.error_code, narration.error_message, narration.error_hint),
    }


def _segment_view(segment: Json) -> Json:
    """Return a recognised sentence, with those of its words that the recogniser was unsure of, in order."""
    words = segment.get("words", ())
    return {
        **{name: segment[name] for name in ("text", "start_seconds", "end_seconds", "probability")},
        "doubtful": [word["text"] for word in words if word.get("probability", 1.0) < DOUBTFUL_BELOW],
    }


def _video_view(job: Job) -> Json | None:
    """Return the addresses of the video; None when there is none, or while its files are missing."""
    if not job.is_watchable or published_files.are_missing(job):
        return None

    def url(name: str) -> str:
        return reverse("job_file", args=[job.pk, name])

    return {
        "url": url("video.mp4"),
        "captions_url": url("captions.vtt"),
        "transcript_url": url("transcript.json"),
        "poster_url": url("poster.jpg"),
        "seconds": job.video_seconds,
        "width_px": job.width_px,
        "height_px": job.height_px,
    }


# --- rows --------------------------------------------------------------------------------------------------------


def read_rows(job_id: UUID) -> tuple[Job, list[Clip]]:
    """Return the job and its clips, read in this order: a change in between arrives again in an event with a higher
    seq, while the other order could miss it. No transaction: on SQLite even a read-only one would lock out writers."""
    job = Job.objects.get(pk=job_id)
    return job, list(job.clips.all())
