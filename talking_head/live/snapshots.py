"""What watchers see of a job, and how they hear that it changed.

The worker calls :func:`notify_job_changed`, :func:`notify_clip_changed`, :func:`notify_stage` and :func:`preview` from
plain synchronous code. Each builds its message once, from committed rows, and broadcasts it; the viewers' sockets only
pass it on. A broadcast may get lost (the channel layer is lossy by design) and never fails the caller: the rows are the
truth, and a watcher that sees a gap in ``seq`` asks for a new snapshot.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse

from talking_head.models import Attempt, Clip, ClipState, Job, JobState, Narration, NarrationState
from talking_head.planning import queue_forecast, render_rate

Json = dict[str, Any]


# --- what is shown -----------------------------------------------------------------------------------------------


def job_snapshot(job: Job) -> Json:
    """Everything a page needs to draw the job, as in the "Live progress" section of docs/architecture.md.

    Raises:
        Job.DoesNotExist: it was deleted meanwhile.
    """
    job, clips = read_rows(job.pk)
    return {
        "id": str(job.pk),
        "seq": job.seq,
        "title": job.title,
        "profile": job.profile,
        "asked_profile": job.asked_profile or job.profile,
        "profile_reason": job.profile_reason,
        "face": job.face,
        "face_reason": job.face_reason,
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        **job_view(job, clips),
        "clips": [clip_view(clip) for clip in clips],
        "narration": _narration_view(job),
        "video": _video_view(job),
    }


def job_view(job: Job, clips: list[Clip]) -> Json:
    """The fields that snapshots and ``job`` events share."""
    return {
        "state": job.state,
        "stage": _current_stage(job),
        **clip_counts(job, clips),
        "queue_position": render_rate.queue_position(job),
        "error": _error_view(job.error_code, job.error_message, job.error_hint),
    }


def clip_counts(job: Job, clips: list[Clip]) -> Json:
    return {
        "clips_done": sum(clip.state == ClipState.DONE for clip in clips),
        "clips_total": len(clips),
        "seconds_left": _seconds_left(job, clips),
    }


def _seconds_left(job: Job, clips: list[Clip]) -> float | None:
    """From the whole queue while it waits, from the job itself once it is its turn."""
    found = queue_forecast.of_job(job) if job.state == JobState.QUEUED else None
    return round(found.finish_seconds, 1) if found else render_rate.seconds_left(job, clips)


def _current_stage(job: Job) -> str | None:
    """The step that runs right now; None when nothing runs."""
    if job.state == JobState.PUBLISHING:
        return "publish"
    if job.state != JobState.RUNNING:
        return None
    running = Attempt.objects.filter(clip__job=job, clip__state=ClipState.LEASED, finished_at=None)
    return running.order_by("-started_at").values_list("stage", flat=True).first() or None


def _error_view(code: str, message: str, hint: str) -> dict[str, str] | None:
    """``suggestion`` is the name that the hint had first; clients of that time still read it."""
    return {"code": code, "message": message, "hint": hint, "suggestion": hint} if code else None


def clip_view(clip: Clip) -> Json:
    is_done = clip.state == ClipState.DONE and bool(clip.clip_key)
    return {
        "index": clip.index,
        "text": clip.text,
        "start": clip.start,
        "end": clip.end,
        "chapter": clip.chapter,
        "state": clip.state,
        "is_fallback": clip.is_fallback,
        "cached": clip.cached,
        "notices": list(clip.result.get("notices", ())),
        "video_seconds": clip.video_seconds,
        "url": reverse("job_clip", args=[clip.job_id, clip.index]) if is_done else None,
        "error": _error_view(clip.error_code, clip.error_message, clip.error_hint),
    }


def _narration_view(job: Job) -> Json | None:
    """The recording that speaks, and what was heard in it so far; None where a voice speaks."""
    if not job.narration_digest:
        return None
    narrations = Narration.objects.filter(digest=job.narration_digest)
    narration = narrations.filter(state=NarrationState.READY).first() or narrations.first()
    return narration_view(narration) if narration else None


def narration_view(narration: Narration) -> Json:
    """What a page shows of a recording: how it sounds, how far it was listened to, and the transcript."""
    transcript = narration.transcript
    return {
        "state": narration.state,
        "duration_seconds": narration.duration_seconds,
        "heard_seconds": narration.transcribed_seconds,
        "text": narration.text,
        "language": transcript.get("language", ""),
        "language_probability": transcript.get("language_probability", 0.0),
        "segments": [
            {name: segment[name] for name in ("text", "start_seconds", "end_seconds", "probability")}
            for segment in transcript.get("segments", ())
        ],
        "report": narration.report,
        "error": _error_view(narration.error_code, narration.error_message, narration.error_hint),
    }


def _video_view(job: Job) -> Json | None:
    if not job.is_watchable:
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


# --- who hears of it ---------------------------------------------------------------------------------------------


def read_rows(job_id: UUID) -> tuple[Job, list[Clip]]:
    """The job first and its clips after it: what changes in between comes again in an event with a higher seq, while
    the other order could miss it. No transaction, because on SQLite even one that only reads would lock out writers."""
    job = Job.objects.get(pk=job_id)
    return job, list(job.clips.all())
