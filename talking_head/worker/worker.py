"""A worker's loop: publish finished jobs, claim a clip of any job, have it rendered, record the outcome. When there is
none, transcribe a chunk of a recording: background work, which videos need not wait for."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import DatabaseError

from talking_head.errors import RendererError, TalkingHeadError
from talking_head.files import bucket, clip_cache
from talking_head.jobs import attempt_outcomes, claims, publish_claims, queue, rebuilding, transcription, wakeups
from talking_head.jobs.claim import AttemptFailure, Claim, Usage
from talking_head.live import events
from talking_head.models import AttemptOutcome
from talking_head.monitoring import tracing
from talking_head.pipeline.requests import ClipResult
from talking_head.renderer.supervisor import End, RendererProcess, RenderOutcome, Watcher
from talking_head.timing import timing
from talking_head.worker import drain, finding, publishing, registration, slots, transcribing
from talking_head.worker import rebuilding as rebuilds
from talking_head.worker.lease_keeper import LeaseKeeper

logger = logging.getLogger(__name__)

MAX_REQUESTS = 500  # then the renderer is replaced, which bounds every leak
MAX_WAIT_SECONDS = 15.0  # for a clip in backoff; the sweeper wakes a worker for longer ones
IDLE_POLL_SECONDS = 0.2
ORDERLY_ENDS = (End.DONE, End.STOPPED, End.TERMINATED)
OUTCOMES = {
    End.FAILED: AttemptOutcome.FAILED,
    End.CRASHED: AttemptOutcome.CRASHED,
    End.STALLED: AttemptOutcome.CRASHED,
    End.TIMEOUT: AttemptOutcome.TIMEOUT,
}


@dataclass(slots=True)
class Worker:
    """One slot: a name for the records, a renderer, and a stop condition."""

    renderer: RendererProcess
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    should_stop: Callable[[], bool] = drain.has_begun
    _has_woken_next: bool = field(default=False, init=False)
    _background_due_at: float = field(default=0.0, init=False)  # by the monotonic clock
    _upkeep_due_at: float = field(default=0.0, init=False)
    _rebuilds_due_at: float = field(default=0.0, init=False)
    _searched_jobs: set[UUID] = field(default_factory=set, init=False)  # those whose cached clips were looked for

    def work(self, job_id: UUID | None = None) -> None:
        """Do the work of one job, or of any; return when none is left, when ``should_stop`` says so, or after
        ``work_seconds``, having woken a successor."""
        started = time.monotonic()
        self._has_woken_next = False
        self._background_due_at = started + timing().background_seconds
        self._rebuilds_due_at = started  # a rebuild may be what it was woken for
        registration.heartbeat()
        has_rebuilt = False
        while not self.should_stop():
            drain.note_activity()
            if time.monotonic() - started > timing().work_seconds:
                wakeups.wake_worker()
                return
            if not bucket.is_usable():  # a rendered clip could not be stored; the sweeper wakes a worker later
                return
            self._do_upkeep()
            publication = publish_claims.claim_job(job_id)
            if publication is not None:
                publishing.publish(publication, self.renderer, self.should_stop)
                continue
            # In turn with the clips, so that neither waits for all of the other's work.
            is_due = job_id is None and time.monotonic() >= self._rebuilds_due_at
            has_rebuilt = not has_rebuilt and is_due and self._rebuild_a_step()
            if has_rebuilt:
                continue
            if time.monotonic() >= self._background_due_at:
                self._transcribe_chunk(job_id)
            if not self._work_on_clip(job_id):
                return

    def _do_upkeep(self) -> None:
        """Take clips back from lost workers, and end jobs whose time is up: as often as a lease is checked, and not
        with every clip, of which there may be hundreds a second."""
        now = time.monotonic()
        if now >= self._upkeep_due_at:
            self._upkeep_due_at = now + timing().poll_seconds
            attempt_outcomes.reap_expired_leases()
            attempt_outcomes.expire_deadlines()

    def _work_on_clip(self, job_id: UUID | None) -> bool:
        """Render the next clip, transcribe a chunk, or wait for a clip; return False when none will come soon."""
        with slots.permit() as permit:
            only_short = job_id is None and not permit.allows_long_jobs
            claim = claims.claim_clip(self.name, job_id=job_id, only_short=only_short)
            if claim is None:
                permit.release()
                return (
                    self._transcribe_chunk(job_id)
                    or (job_id is None and self._rebuild_a_step())
                    or self._wait_for_backoff(job_id, only_short)
                )
            if claim.is_short:
                permit.release()
            # A wakeup wakes one worker, which wakes the next while there is work: as many as there are slots.
            if not self._has_woken_next and claims.has_claimable_clips():
                self._has_woken_next = wakeups.wake_worker()
            self._render(claim)
        return True

    def _transcribe_chunk(self, job_id: UUID | None) -> bool:
        """Transcribe the next chunk of a recording; return False when there is none. It is short, and the last in line:
        but while there are always videos to make, one is taken now and then, so that no recording waits for ever."""
        self._background_due_at = time.monotonic() + timing().background_seconds
        chunk = transcription.claim_chunk(job_id)
        if chunk is None:
            return False
        transcribing.transcribe(chunk, self.renderer, self.should_stop)
        return True

    def _rebuild_a_step(self) -> bool:
        """Do one step for a published video whose files are missing; return False when there is none."""
        claim = rebuilding.claim_rebuild()
        if claim is None:  # do not ask again with every clip
            self._rebuilds_due_at = time.monotonic() + timing().poll_seconds
            return False
        rebuilds.rebuild(claim, self.renderer, self.should_stop)
        return True

    def _wait_for_backoff(self, job_id: UUID | None, only_short: bool) -> bool:
        """Wait a moment for a clip or a publication in backoff; return False when none will become claimable soon."""
        waits = (
            queue.seconds_until_claimable(job_id=job_id, only_short=only_short),
            publish_claims.seconds_until_publishable(job_id),
        )
        seconds = min((wait for wait in waits if wait is not None), default=MAX_WAIT_SECONDS)
        if seconds >= MAX_WAIT_SECONDS:
            return False
        time.sleep(min(max(seconds, 0.01), IDLE_POLL_SECONDS))
        return True

    def _render(self, claim: Claim) -> None:
        with tracing.span("render clip", claim.job_id, clip=claim.index, attempt=claim.fence, worker=self.name):
            self._render_claimed(claim)

    def _render_claimed(self, claim: Claim) -> None:
        if self.renderer.requests_served >= MAX_REQUESTS:
            self.renderer.close()
        keeper = LeaseKeeper(
            subject=f"clip {claim.clip_id}",
            renew=lambda: claims.renew_lease(claim),
            should_stop=self.should_stop,
            is_wanted=lambda: claims.still_wanted(claim),
            grace_seconds=timing().drain_seconds,
        )
        progress = _ProgressForwarder(claim)
        watcher = Watcher(keeper.keep_going, progress.report, lambda pid: claims.note_renderer(claim, pid))
        outcome = self._run_renderer(claim, watcher)
        if outcome.end is not End.DONE:
            progress.note_stage()
        code = outcome.error.code if outcome.error else None
        level = logging.INFO if outcome.end in ORDERLY_ENDS else logging.WARNING
        logger.log(level, "the clip is %s", outcome.end.value, extra={"code": code})
        if not self._record(claim, outcome):
            logger.info("the clip no longer belonged to this claim")
            _purge_withdrawn_voice(claim, outcome)

    def _run_renderer(self, claim: Claim, watcher: Watcher) -> RenderOutcome:
        """Render the claimed clip and store it; with a bucket, it is done when every machine can fetch it."""
        outcome = RenderOutcome(End.STOPPED)
        try:
            self._finish_cached(claim, watcher.keep_going)
            clip_cache.fetch_inputs(claim.clip_id, watcher.keep_going)
            outcome = self.renderer.run("render", claim.request.to_json(), claim.seconds_allowed, watcher)
            if outcome.end is End.DONE:
                clip_cache.store([ClipResult.from_json(outcome.values)], watcher.keep_going)
        except bucket.TransferCancelled:
            _purge_withdrawn_voice(claim, outcome)
            return RenderOutcome(End.STOPPED)
        except TalkingHeadError as error:
            return RenderOutcome(End.FAILED, error=error)
        return outcome

    def _finish_cached(self, claim: Claim, keep_going: Callable[[], bool]) -> None:
        """Finish what the cache has of the claimed clip's job. Once: what is rendered later is found when claimed."""
        if claim.job_id not in self._searched_jobs:
            self._searched_jobs.add(claim.job_id)
            finding.finish_cached(claim.job_id, self.name, self.renderer, keep_going)

    def _record(self, claim: Claim, outcome: RenderOutcome) -> bool:
        usage = Usage(**outcome.usage)
        if outcome.end is End.DONE:
            if attempt_outcomes.finish_clip(claim, ClipResult.from_json(outcome.values), usage):
                return True
            # If the claim still holds, its job has just ended: the clip need not look lost until the lease expires.
            attempt_outcomes.release_clip(claim, AttemptOutcome.CANCELLED, usage)
            return False
        if outcome.end in (End.STOPPED, End.TERMINATED):
            is_unharmed = self.should_stop() or outcome.end is End.TERMINATED
            attempt_outcome = AttemptOutcome.RELEASED if is_unharmed else AttemptOutcome.CANCELLED
            return attempt_outcomes.release_clip(claim, attempt_outcome, usage)
        error: TalkingHeadError = outcome.error or RendererError("The renderer gave no reason.")
        if outcome.end is End.TIMEOUT and claim.job_timeout is not None:
            error = claim.job_timeout
        failure = AttemptFailure(error, OUTCOMES[outcome.end], outcome.log_tail, outcome.is_outside)
        return attempt_outcomes.fail_clip(claim, failure, usage)


def _purge_withdrawn_voice(claim: Claim, outcome: RenderOutcome) -> None:
    if outcome.end is not End.DONE:
        return
    try:
        clip_cache.delete_withdrawn(claim.job_id, ClipResult.from_json(outcome.values))
    except TalkingHeadError:
        logger.warning("The clip of a withdrawn portrait or voice could not be deleted.", exc_info=True)


class _ProgressForwarder:
    """Forwards the renderer's progress: the stage to the records, frames and previews to the viewers."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._stage = self._noted_stage = ""
        self._note_due_at = 0.0

    def note_stage(self) -> None:
        """Record the stage, unless it is recorded."""
        if self._stage != self._noted_stage:
            self._noted_stage = self._stage
            with contextlib.suppress(DatabaseError):  # it is only shown on the page
                claims.note_stage(self._claim, self._stage)

    def report(self, stage: str, frame: int, frames: int, jpeg: bytes) -> None:
        claim = self._claim
        self._stage = stage
        if time.monotonic() >= self._note_due_at:  # most stages are over in less time than it takes to record them
            self._note_due_at = time.monotonic() + timing().poll_seconds
            self.note_stage()
        events.notify_stage(claim.job_id, claim.index, stage, frame, frames)
        if jpeg:
            events.send_preview(claim.job_id, jpeg)
