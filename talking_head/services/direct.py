"""A video from a text in one call, for scripts and notebooks: no page, no queue, the same jobs."""

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
    """Renders ``text`` with the picture at ``source_image_path`` and returns the MP4's path.

    It is an ordinary job, worked off by this process; workers that run elsewhere may help. ``performance_mode`` is a
    profile's name or "auto". With a recording at ``audio_path`` its voice speaks, and an empty ``text`` becomes what it
    says. Where sentences could not be rendered as wanted, stand-ins are shown (the job says which and why).

    Raises:
        TalkingHeadError: of whatever kind; also when the job failed or was cancelled by somebody.
    """
    digest = store_portrait(_bytes_of(Path(source_image_path))).digest if source_image_path else ""
    narration = _stored_narration(Path(audio_path)) if audio_path else ""
    if not machines.known():  # no worker ever ran: what auto goes by is not known yet
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
    """Works on ``job`` in this process until it has ended, whatever its end, and returns it as it is then. Workers that
    run elsewhere may help."""
    worker = Worker(warm_renderer())
    try:
        while job.is_active:
            worker.work(job.pk)
            job.refresh_from_db()
            if job.is_active:  # somebody else renders the last clips, or a clip waits for its next try
                time.sleep(POLL_SECONDS)
                job.refresh_from_db()
    finally:
        close_warm_renderer()
    return job


def video_path(job: Job) -> Path:
    """The MP4 of a watchable job, on this machine.

    Raises:
        ResourceError: ``storage_unavailable``, where there is a bucket.
    """
    return job_files.fetch(job, "video.mp4")


def _stored_narration(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return store_narration(file, owner=None).digest
    except OSError as error:
        raise InvalidInput(
            f"The recording {path.name} cannot be read.", code="audio_unreadable", hint="Check the path."
        ) from error


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PortraitError(
            f"The picture {path.name} cannot be read.", code="image_unreadable", hint="Check the path."
        ) from error
