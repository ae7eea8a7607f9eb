"""The metrics and the log of a job, as files beside its outputs: ``performance_metrics_<job>.json`` and ``log.txt``.

Written after every job, in whichever state it ended. Everything comes from the rows, so it does not matter which
process writes, or whether two do.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from talking_head.errors import RendererError, TalkingHeadError
from talking_head.files import job_files, local
from talking_head.models import Attempt, Clip, Job
from talking_head.pipeline.performance import clip_metrics, performance_metrics
from talking_head.pipeline.requests import ClipResult

logger = logging.getLogger(__name__)

NO_GPU = {"available": False, "name": None, "memory_peak_bytes": None}


def write(job: Job) -> bool:
    """Write both files. Return False and log the reason if that is not possible; it never fails the job."""
    clips = list(job.clips.all())
    attempts = list(Attempt.objects.filter(clip__job=job).select_related("clip").order_by("started_at"))
    try:
        document = json.dumps(metrics_of(job, clips, attempts), indent=2, ensure_ascii=False)
        job_files.write(job.pk, local.metrics_file(job.pk).name, f"{document}\n".encode())
        job_files.write(job.pk, local.LOG, log_of(job, attempts).encode())
    except TalkingHeadError:
        logger.warning("The metrics of job %s could not be written.", job.pk, exc_info=True)
        return False
    return True


def metrics_of(job: Job, clips: list[Clip], attempts: list[Attempt]) -> dict[str, Any]:
    """Return the metrics document; see :func:`~talking_head.pipeline.performance.performance_metrics` for its keys."""
    document = performance_metrics(
        job=str(job.pk),
        outcome=job.state,
        error={"code": job.error_code, "message": job.error_message} if job.error_code else None,
        profile=job.profile,
        timeout_seconds=job.timeout_seconds,
        total_seconds=_total_seconds(job),
        clips=[_clip_figures(clip) for clip in clips],
        engines=_engines(job, clips),
        publish_seconds=float(job.stages.get("publish", 0.0)),
        resources=_resources(attempts),
    )
    document["chosen"] = {
        "asked_profile": job.asked_profile or job.profile,
        "profile_reason": job.profile_reason,
        "asked_face": job.asked_face or job.face,
        "face_reason": job.face_reason,
    }
    # The clips count their own lookups; the check of the whole request, before there were clips, is added.
    checked_seconds = document["stages"]["validation"] + float(job.stages.get("validation", 0.0))
    document["stages"]["validation"] = round(checked_seconds, 4)
    return document


def _total_seconds(job: Job) -> float:
    """Return the time from the first claim to the end: waiting in the queue says nothing about the renderer."""
    if job.started_at is None or job.finished_at is None:
        return 0.0
    return (job.finished_at - job.started_at).total_seconds()


def _clip_figures(clip: Clip) -> dict[str, Any]:
    error = RendererError(clip.error_message, code=clip.error_code) if clip.error_code else None
    result = ClipResult.from_json(clip.result) if clip.result else ClipResult("", "", 0.0, 0, 0, 0, False, False)
    figures = clip_metrics(clip.index, result, clip.render_seconds or 0.0, is_fallback=clip.is_fallback, error=error)
    return {**figures, "state": clip.state, "form": clip.form}


def _engines(job: Job, clips: list[Clip]) -> dict[str, str]:
    """Return the engines of the first clip that is not a fallback; names without versions when nothing was rendered."""
    for clip in sorted(clips, key=lambda clip: clip.is_fallback):
        if clip.result.get("engines"):
            return dict(clip.result["engines"])
    return {"speech": job.speech, "face": job.face}


def _resources(attempts: Iterable[Attempt]) -> dict[str, Any]:
    """Return what the attempts used. ``cpu_percent`` is of the time that the renderer worked, 100 being one core; the
    peaks are those of its process."""
    measured = [attempt for attempt in attempts if attempt.cpu_seconds is not None and attempt.wall_seconds]
    wall_seconds = sum(attempt.wall_seconds or 0.0 for attempt in measured)
    cpu_seconds = sum(attempt.cpu_seconds or 0.0 for attempt in measured)
    gpus = [attempt.gpu for attempt in measured if attempt.gpu.get("available")]
    return {
        "cpu_percent": round(100 * cpu_seconds / wall_seconds, 1) if wall_seconds else None,
        "rss_peak_bytes": max((attempt.rss_peak_bytes or 0 for attempt in measured), default=None),
        "gpu": max(gpus, key=lambda gpu: gpu.get("memory_peak_bytes") or 0, default=NO_GPU),
    }


def log_of(job: Job, attempts: list[Attempt]) -> str:
    """Return the job's log: every attempt, its outcome, and what the renderer logged before a failure."""
    lines = [f"{job.created_at:%Y-%m-%d %H:%M:%S} job {job.pk} queued: {job.profile}, {job.speech}, {job.face}"]
    for attempt in attempts:
        lines.append(
            f"{attempt.started_at:%Y-%m-%d %H:%M:%S} sentence {attempt.clip.index + 1} attempt {attempt.fence} on "
            f"{attempt.worker} (renderer {attempt.renderer_pid or '-'}){f', {attempt.form}' if attempt.form else ''}: "
            f"{attempt.outcome or 'running'}"
            f"{f' in {attempt.wall_seconds:.2f} s' if attempt.wall_seconds else ''}"
        )
        if attempt.error_code:
            lines.append(f"    {attempt.error_code} in stage {attempt.stage or '-'}: {attempt.error_message}")
        lines += [f"    | {line}" for line in attempt.log_tail.splitlines()]
    if job.finished_at:
        lines.append(f"{job.finished_at:%Y-%m-%d %H:%M:%S} job {job.state}: {job.error_code or 'ok'}")
    return "\n".join(lines) + "\n"
