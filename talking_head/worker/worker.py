"""A worker's work: claim a clip of any job, have it rendered, write down what became of it, publish what is done."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing.util
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from talking_head.engines import registry
from talking_head.errors import RendererError, TalkingHeadError
from talking_head.files import bucket
from talking_head.files import clip_cache as shared_cache
from talking_head.files import local as storage
from talking_head.files import uploads as private_files
from talking_head.jobs import claims
from talking_head.jobs import queue as line
from talking_head.jobs import state_machine as lifecycle
from talking_head.jobs import transcription as narrations
from talking_head.jobs import wakeups as doorbell
from talking_head.jobs.claim import Claim, Failure, Usage
from talking_head.live import snapshots as progress
from talking_head.models import AttemptOutcome
from talking_head.monitoring import tracing
from talking_head.pipeline.requests import ClipResult
from talking_head.planning import machines
from talking_head.renderer.connection import Command
from talking_head.renderer.supervisor import End, Limits, Outcome, RendererProcess, Watcher
from talking_head.timing import timing
from talking_head.worker import drain, slots
from talking_head.worker import publishing as publish
from talking_head.worker import transcribing as listening

logger = logging.getLogger(__name__)

MAX_REQUESTS = 500  # then a renderer is replaced: nothing that leaks lives for ever
WARM_UP_SECONDS = 120.0
MAX_WAIT_SECONDS = 15.0  # for a clip in backoff; longer ones are left to the sweeper's ring
IDLE_POLL_SECONDS = 0.2
OUTCOMES = {
    End.FAILED: AttemptOutcome.FAILED,
    End.CRASHED: AttemptOutcome.CRASHED,
    End.STALLED: AttemptOutcome.CRASHED,
    End.TIMEOUT: AttemptOutcome.TIMEOUT,
}


def renderer_command() -> Command:
    """The renderer process of this installation; ``settings.TALKING_HEAD_RENDERER`` replaces the words (for tests)."""
    threads = max(1, (os.cpu_count() or 1) // settings.TALKING_HEAD_SLOTS)
    return Command(
        words=getattr(settings, "TALKING_HEAD_RENDERER", [sys.executable, "-m", "talking_head.renderer.child"]),
        folder=settings.BASE_DIR,
        scratch_root=storage.cache_root() / "tmp",
        settings={
            "cache_root": str(storage.cache_root()),
            "checkpoints_dir": str(settings.CHECKPOINTS_DIR),
            "voice_samples_dir": str(storage.media_root() / private_files.Kind.VOICE_SAMPLE),
            "threads": threads,
            "enhance": settings.TALKING_HEAD_ENHANCE,
        },
        environment={name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")},
    )


def new_renderer() -> RendererProcess:
    times = timing()
    limits = Limits(times.poll_seconds, times.stall_seconds, times.start_seconds, times.terminate_seconds)
    return RendererProcess(renderer_command(), limits)


_warm: dict[int, RendererProcess] = {}  # by process number: a fork must not use its parent's renderer


def warm_renderer() -> RendererProcess:
    """The renderer of this process, kept between tasks and closed at its end."""
    if os.getpid() not in _warm:
        renderer = _warm[os.getpid()] = new_renderer()
        # Runs at the end of ordinary processes and of multiprocessing's forks, which skip ``atexit``.
        multiprocessing.util.Finalize(None, renderer.close, exitpriority=10)
    return _warm[os.getpid()]


def warm_up() -> None:
    """Starts this process's renderer and has it load the configured engines: the first lesson after a start should not
    wait for that. Whatever goes wrong here goes wrong again, and is told, when somebody asks for a video."""
    try:
        engines = {
            "speech": registry.resolve("speech", settings.TALKING_HEAD_SPEECH),
            "face": registry.resolve("face", settings.TALKING_HEAD_FACE),
        }
        watcher = Watcher(keep_going=_is_still_wanted)
        machines.introduce(warm_renderer(), watcher)
        problem = warm_renderer().run("warm_up", engines, WARM_UP_SECONDS, watcher).error
    except TalkingHeadError as error:
        problem = error
    if problem is not None:
        logger.warning("The engines could not be loaded ahead of time: %s", problem)


def _is_still_wanted() -> bool:
    drain.note_activity()  # large models take longer to load than a worker may seem to do nothing
    return not drain.has_begun()


def close_warm_renderer() -> None:
    renderer = _warm.pop(os.getpid(), None)
    if renderer is not None:
        renderer.close()


@dataclass(slots=True)
class Worker:
    """One slot: a name for the records, a renderer, and a way to be told to stop."""

    renderer: RendererProcess
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    should_stop: Callable[[], bool] = drain.has_begun
    _has_rung: bool = field(default=False, init=False)

    def work(self, job_id: UUID | None = None) -> None:
        """Does what there is to do (for one job, or for any), and returns when there is nothing more, when told to
        stop, or after ``work_seconds``, having rung for a successor."""
        started = time.monotonic()
        self._has_rung = False
        machines.sign_of_life()
        while not self.should_stop():
            drain.note_activity()
            if time.monotonic() - started > timing().work_seconds:
                doorbell.ring()
                return
            if not bucket.is_usable():  # what was rendered now could not be kept; the sweeper rings again
                return
            claims.reap_expired_leases()
            claims.expire_deadlines()
            piece = narrations.claim_piece(job_id)
            if piece is not None:
                listening.listen(piece, self.renderer, self.should_stop)
                continue
            publishing = lifecycle.claim_publishing(job_id)
            if publishing is not None:
                publish.publish(publishing, self.renderer, self.should_stop)
                continue
            if not self._work_on_a_clip(job_id):
                return

    def _work_on_a_clip(self, job_id: UUID | None) -> bool:
        """False when there is none for this slot, and none will be soon."""
        with slots.permit() as permit:
            only_short = job_id is None and not permit.allows_long_jobs
            claim = claims.claim_clip(self.name, job_id=job_id, only_short=only_short)
            if claim is None:
                permit.give_back()
                return self._wait_for_backoff(job_id, only_short)
            if claim.is_short:
                permit.give_back()
            # One ring wakes one worker, which wakes the next while there is work: as many as there are slots.
            if not self._has_rung and claims.is_anything_claimable():
                self._has_rung = doorbell.ring()
            self._render(claim)
        return True

    def _wait_for_backoff(self, job_id: UUID | None, only_short: bool) -> bool:
        """False when no clip will become claimable soon."""
        seconds = line.seconds_until_waiting(job_id=job_id, only_short=only_short)
        if seconds is None or seconds > MAX_WAIT_SECONDS:
            return False
        time.sleep(min(max(seconds, 0.01), IDLE_POLL_SECONDS))
        return True

    def _render(self, claim: Claim) -> None:
        with tracing.span("render clip", claim.job_id, clip=claim.index, attempt=claim.fence, worker=self.name):
            self._render_claimed(claim)

    def _render_claimed(self, claim: Claim) -> None:
        if self.renderer.requests_served >= MAX_REQUESTS:
            self.renderer.close()
        watch = _ClipWatch(claim, self.should_stop)
        outcome = self._rendered(claim, watch.watcher())
        code = outcome.error.code if outcome.error else None
        level = logging.INFO if outcome.end in (End.DONE, End.STOPPED) else logging.WARNING
        logger.log(level, "the clip is %s", outcome.end.value, extra={"code": code})
        if not self._record(claim, outcome):
            logger.info("the clip was no longer ours")
            _leave_nothing_of_withdrawn_voices(claim, outcome)

    def _rendered(self, claim: Claim, watcher: Watcher) -> Outcome:
        """With a bucket a clip is done when every machine can have it."""
        outcome = Outcome(End.STOPPED)
        try:
            shared_cache.bring_inputs(claim.clip_id, watcher.keep_going)
            outcome = self.renderer.run("render", claim.request.to_json(), claim.seconds_allowed, watcher)
            if outcome.end is End.DONE:
                shared_cache.keep(ClipResult.from_json(outcome.values), watcher.keep_going)
        except bucket.Abandoned:
            _leave_nothing_of_withdrawn_voices(claim, outcome)
            return Outcome(End.STOPPED)
        except TalkingHeadError as error:
            return Outcome(End.FAILED, error=error)
        return outcome

    def _record(self, claim: Claim, outcome: Outcome) -> bool:
        usage = Usage(**outcome.usage)
        if outcome.end is End.DONE:
            if claims.finish_clip(claim, ClipResult.from_json(outcome.values), usage):
                return True
            # If it is ours all the same, its job ended in this moment: it need not look lost until the lease is over.
            claims.release_clip(claim, AttemptOutcome.CANCELLED, usage)
            return False
        if outcome.end is End.STOPPED:
            given_back = AttemptOutcome.RELEASED if self.should_stop() else AttemptOutcome.CANCELLED
            return claims.release_clip(claim, given_back, usage)
        error: TalkingHeadError = outcome.error or RendererError("The renderer gave no reason.")
        if outcome.end is End.TIMEOUT and claim.job_timeout is not None:
            error = claim.job_timeout
        return claims.fail_clip(claim, Failure(error, OUTCOMES[outcome.end], outcome.log_tail), usage)


def _leave_nothing_of_withdrawn_voices(claim: Claim, outcome: Outcome) -> None:
    if outcome.end is not End.DONE:
        return
    try:
        shared_cache.forget_withdrawn(claim.request.voice, ClipResult.from_json(outcome.values))
    except TalkingHeadError:
        logger.warning("What a withdrawn voice said could not be removed.", exc_info=True)


class _ClipWatch:
    """Keeps the lease while a clip is rendered, passes its progress on, and says when to stop."""

    def __init__(self, claim: Claim, should_stop: Callable[[], bool]) -> None:
        self._claim = claim
        self._should_stop = should_stop
        self._renewed_at = time.monotonic()
        self._told_to_stop_at: float | None = None
        self._stage = ""

    def watcher(self) -> Watcher:
        return Watcher(self._keep_going, self._on_progress, lambda pid: claims.note_renderer(self._claim, pid))

    def _keep_going(self) -> bool:
        now = time.monotonic()
        if self._should_stop():
            self._told_to_stop_at = self._told_to_stop_at or now
            if now - self._told_to_stop_at >= timing().drain_seconds:
                return False
        try:
            return self._still_ours(now)
        except DatabaseError:
            # Locked or away for a moment. Without a renewal the lease runs out, and then the clip is somebody else's.
            logger.warning("The lease of clip %s could not be looked at.", self._claim.clip_id, exc_info=True)
            close_old_connections()  # a broken one stays broken
            return now - self._renewed_at < timing().lease_seconds

    def _still_ours(self, now: float) -> bool:
        drain.note_activity()
        if not claims.still_wanted(self._claim):
            return False
        if now - self._renewed_at >= timing().renew_seconds:
            if not claims.renew_lease(self._claim):
                return False
            self._renewed_at = now
        return True

    def _on_progress(self, stage: str, frame: int, frames: int, jpeg: bytes) -> None:
        claim = self._claim
        if stage != self._stage:
            self._stage = stage
            with contextlib.suppress(DatabaseError):  # only for the page
                claims.note_stage(claim, stage)
        progress.stage_reported(claim.job_id, claim.index, stage, frame, frames)
        if jpeg:
            progress.preview(claim.job_id, jpeg)
