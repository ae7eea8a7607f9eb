"""A video of a text in one call, for scripts and notebooks: no page, no queue, the same jobs."""

from __future__ import annotations

import time
from pathlib import Path

from talking_head.errors import InvalidInput, PortraitError, RendererError
from talking_head.files import job_files
from talking_head.models import Job
from talking_head.planning import machines
from talking_head.renderer.supervisor import Watcher
from talking_head.services.jobs import submit_job
from talking_head.services.narrations import store_narration
from talking_head.services.portraits import store_portrait
from talking_head.worker import registration
from talking_head.worker.renderer_handle import close_warm_renderer, warm_renderer
from talking_head.worker.worker import Worker

POLL_SECONDS = 0.1


def generate_talking_video(
    text: str,
    source_image_path: str | Path | None = None,
    performance_mode: str | None = None,
    *,
    audio_path: str | Path | None = None,
) -> str:
    """Render ``text`` with the picture at ``source_image_path`` and return the MP4's path.

    The video is an ordinary job that this process renders; other workers may help. ``performance_mode`` is a profile's
    name or "auto". A recording at ``audio_path`` is used as the voice, and its transcript replaces an empty ``text``.
    Sentences that could not be rendered as requested are shown as fallbacks (the job says which and why).

    Raises:
        TalkingHeadError: of any kind; also when the job failed or was cancelled.
    """
    digest = store_portrait(_read_picture(Path(source_image_path))).digest if source_image_path else ""
    narration = _store_recording(Path(audio_path)) if audio_path else ""
    if not machines.known():  # no worker has run yet, so what auto is based on has not been measured
        registration.register_machine(warm_renderer(), Watcher())
    job = run_job(
        submit_job(
            owner=None, script=text, portrait_digest=digest, narration_digest=narration, profile=performance_mode
        )
    )
    if not job.is_watchable:
        raise RendererError(job.error_message, code=job.error_code, hint=job.error_hint)
    return str(video_path(job))


def run_job(job: Job) -> Job:
    """Work on ``job`` in this process until it has ended in any state, and return the refreshed job. Other workers may
    help."""
    worker = Worker(warm_renderer())
    try:
        while job.is_active:
            worker.work(job.pk)
            job.refresh_from_db()
            if job.is_active:  # another worker renders the last clips, or a clip waits for its next attempt
                time.sleep(POLL_SECONDS)
                job.refresh_from_db()
    finally:
        close_warm_renderer()
    return job


def video_path(job: Job) -> Path:
    """Return the path of a watchable job's MP4 on this machine.

    Raises:
        ResourceError: ``storage_unavailable``, where there is a bucket.
    """
    return job_files.fetch(job, "video.mp4")


def _store_recording(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return store_narration(file, owner=None).digest
    except OSError as error:
        raise InvalidInput(
            f"The recording {path.name} cannot be read.", code="audio_unreadable", hint="Check the path."
        ) from error


def _read_picture(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PortraitError(
            f"The picture {path.name} cannot be read.", code="image_unreadable", hint="Check the path."
        ) from error
