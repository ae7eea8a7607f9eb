"""The renderer of this worker process: started once, kept warm between tasks, closed at the end."""

from __future__ import annotations

import atexit
import logging
import os
import sys

from django.conf import settings

from talking_head.engines import registry
from talking_head.errors import TalkingHeadError
from talking_head.files import local, uploads
from talking_head.renderer.connection import RendererCommand
from talking_head.renderer.supervisor import RendererLimits, RendererProcess, Watcher
from talking_head.timing import timing
from talking_head.worker import drain, registration

logger = logging.getLogger(__name__)

WARM_UP_SECONDS = 120.0
_warm: dict[int, RendererProcess] = {}  # by process id: a fork must not use its parent's renderer


def renderer_command() -> RendererCommand:
    """Return the renderer's command; ``settings.TALKING_HEAD_RENDERER`` replaces its arguments (in tests)."""
    threads = max(1, (os.cpu_count() or 1) // settings.TALKING_HEAD_SLOTS)
    return RendererCommand(
        arguments=getattr(settings, "TALKING_HEAD_RENDERER", [sys.executable, "-m", "talking_head.renderer.child"]),
        folder=settings.BASE_DIR,
        scratch_root=local.cache_root() / "tmp",
        settings={
            "cache_root": str(local.cache_root()),
            "checkpoints_dir": str(settings.CHECKPOINTS_DIR),
            "voice_samples_dir": str(local.media_root() / uploads.UploadKind.VOICE_SAMPLE),
            "threads": threads,
            "enhance": settings.TALKING_HEAD_ENHANCE,
        },
        environment={name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")},
    )


def new_renderer() -> RendererProcess:
    times = timing()
    limits = RendererLimits(times.poll_seconds, times.stall_seconds, times.start_seconds, times.terminate_seconds)
    return RendererProcess(renderer_command(), limits)


def warm_renderer() -> RendererProcess:
    """Return the renderer of this process, which is kept between tasks and closed when the process ends."""
    if os.getpid() not in _warm:
        renderer = _warm[os.getpid()] = new_renderer()
        atexit.register(renderer.close)  # worker processes skip this, and close it themselves
    return _warm[os.getpid()]


def warm_up() -> None:
    """Start this process's renderer and make it load the configured engines, so that the first lesson after a start
    does not wait for that. An error here is only logged: it recurs, and is reported, when a video is requested."""
    try:
        engines = {
            "speech": registry.resolve("speech", settings.TALKING_HEAD_SPEECH),
            "face": registry.resolve("face", settings.TALKING_HEAD_FACE),
        }
        watcher = Watcher(keep_going=_keep_going)
        registration.register_machine(warm_renderer(), watcher)
        problem = warm_renderer().run("warm_up", engines, WARM_UP_SECONDS, watcher).error
    except TalkingHeadError as error:
        problem = error
    if problem is not None:
        logger.warning("The engines could not be loaded ahead of time: %s", problem)


def _keep_going() -> bool:
    drain.note_activity()  # loading large models takes longer than a worker may be inactive
    return not drain.has_begun()


def close_warm_renderer() -> None:
    renderer = _warm.pop(os.getpid(), None)
    if renderer is not None:
        renderer.close()
