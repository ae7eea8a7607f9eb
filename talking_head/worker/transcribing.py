"""A worker's other work: to have a chunk of a recorded narration transcribed, and to record the outcome."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings

from talking_head.errors import RendererError, TalkingHeadError
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs import transcription
from talking_head.jobs.transcription import TranscriptionClaim
from talking_head.renderer.supervisor import End, RendererProcess, RenderOutcome, Watcher
from talking_head.worker.lease_keeper import LeaseKeeper

logger = logging.getLogger(__name__)

CHUNK_LIMIT_SECONDS = 600.0  # twenty seconds of sound take seconds; this allows for a very busy machine


def transcribe(claim: TranscriptionClaim, renderer: RendererProcess, should_stop: Callable[[], bool]) -> None:
    """Transcribe the claimed chunk and record the outcome."""
    keeper = LeaseKeeper(
        subject=f"recording {claim.narration_id}",
        renew=lambda: transcription.renew_lease(claim),
        should_stop=should_stop,
    )
    started = time.monotonic()
    outcome = _run_renderer(claim, renderer, keeper)
    logger.info("recording %s from %s s: %s", claim.narration_id, claim.start_seconds, outcome.end.value)
    if outcome.end is End.DONE:
        transcription.record_chunk(claim, outcome.values, seconds=time.monotonic() - started)
    elif outcome.end in (End.STOPPED, End.TERMINATED):
        transcription.release(claim)
    else:
        transcription.record_failure(claim, outcome.error or RendererError("The renderer gave no reason."))


def _run_renderer(claim: TranscriptionClaim, renderer: RendererProcess, keeper: LeaseKeeper) -> RenderOutcome:
    try:
        path = uploads.fetch(UploadKind.NARRATION, claim.digest)
    except TalkingHeadError as error:
        return RenderOutcome(End.FAILED, error=error)
    request = {
        "narration_path": str(path),
        "start_seconds": claim.start_seconds,
        "language": claim.language,
        "checkpoints_dir": str(settings.CHECKPOINTS_DIR),
    }
    return renderer.run("transcribe", request, CHUNK_LIMIT_SECONDS, Watcher(keeper.keep_going))
