"""A worker's other work: having a piece of a recorded narration listened to, and writing down what became of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from talking_head.errors import RendererError, TalkingHeadError
from talking_head.files import uploads as private_files
from talking_head.files.uploads import Kind
from talking_head.jobs import transcription as narrations
from talking_head.jobs.transcription import ListenClaim
from talking_head.renderer.supervisor import End, Outcome, RendererProcess, Watcher
from talking_head.timing import timing
from talking_head.worker import drain

logger = logging.getLogger(__name__)

PIECE_LIMIT_SECONDS = 600.0  # a minute of sound takes seconds; this is for a machine that does ten other things


def listen(claim: ListenClaim, renderer: RendererProcess, should_stop: Callable[[], bool]) -> None:
    outcome = _heard(claim, renderer, _Watch(claim, should_stop))
    logger.info("recording %s from %s s: %s", claim.narration_id, claim.start_seconds, outcome.end.value)
    if outcome.end is End.DONE:
        narrations.note_piece(claim, outcome.values)
    elif outcome.end is End.STOPPED:
        narrations.release(claim)
    else:
        narrations.note_failure(claim, outcome.error or RendererError("The renderer gave no reason."))


def _heard(claim: ListenClaim, renderer: RendererProcess, watch: _Watch) -> Outcome:
    try:
        path = private_files.fetch(Kind.NARRATION, claim.digest)
    except TalkingHeadError as error:
        return Outcome(End.FAILED, error=error)
    request = {
        "narration_path": str(path),
        "start_seconds": claim.start_seconds,
        "language": claim.language,
        "checkpoints_dir": str(settings.CHECKPOINTS_DIR),
    }
    return renderer.run("listen", request, PIECE_LIMIT_SECONDS, Watcher(watch.keep_going))


@dataclass(slots=True)
class _Watch:
    """Keeps the lease while a piece is listened to, and says when to stop."""

    claim: ListenClaim
    should_stop: Callable[[], bool]
    renewed_at: float = field(default_factory=time.monotonic)

    def keep_going(self) -> bool:
        drain.note_activity()
        if self.should_stop():
            return False
        now = time.monotonic()
        if now - self.renewed_at < timing().renew_seconds:
            return True
        self.renewed_at = now
        try:
            return narrations.renew_lease(self.claim)
        except DatabaseError:
            logger.warning("The lease of a recording could not be renewed.", exc_info=True)
            close_old_connections()  # a broken one stays broken
            return True  # if the lease ran out meanwhile, what is heard is not written down
