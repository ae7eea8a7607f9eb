"""The workers of one machine: forked from this process, replaced when they die or are stuck, drained when it is told to
stop.

- Workers share the memory of what is loaded before they are forked.
- Every worker dies with this process, however that ends.
- TERM, to this process or to the whole group, makes the workers give back what they hold, and not die.
- Nothing is polled: this process sleeps until a worker ends or a signal arrives, and looks every few seconds whether
  work is waiting that no worker takes.
"""

from __future__ import annotations

import gc
import logging
import signal
import time

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from talking_head.jobs import claims, publish_claims, transcription, wakeups
from talking_head.jobs.wakeup_pipe import WakeupListener
from talking_head.timing import timing
from talking_head.worker import drain
from talking_head.worker.consumer import Consumer
from talking_head.worker.forking import ForkedProcess, seconds_to_next_start, send
from talking_head.worker.renderer_handle import close_warm_renderer, warm_up

logger = logging.getLogger(__name__)

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
SIGNALS = {*STOP_SIGNALS, signal.SIGCHLD}
RESTART_SECONDS = 2.0  # before a worker is replaced that ended as soon as it was started


class WorkerPool:
    """As many workers as ``TALKING_HEAD_SLOTS``."""

    def __init__(self) -> None:
        slots = range(settings.TALKING_HEAD_SLOTS)
        self._workers = [ForkedProcess("worker", _work, RESTART_SECONDS, RESTART_SECONDS) for _ in slots]
        self._stuck_since: float | None = None

    def run(self) -> None:
        """Run the workers until a signal stops this process; return when all of them have given back their work."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        gc.collect()
        gc.freeze()  # a collection in a worker would copy every page that it looks at
        drain.note_activity()
        logger.info("ready to render; worker slots: %d", len(self._workers))
        while not drain.has_begun() or any(worker.pid for worker in self._workers):
            if not drain.has_begun():
                for worker in self._workers:
                    worker.start_if_due()
            received = signal.sigtimedwait(SIGNALS, self._seconds_to_sleep())
            if received is not None and received.si_signo in STOP_SIGNALS:
                self._begin_to_drain()
            self._bury()
            if not drain.has_begun():
                self._look_for_stuck_workers()
        logger.info("the workers have stopped")

    def _seconds_to_sleep(self) -> float:
        """Return the seconds until a worker is to be started, or until it is time to look for stuck ones."""
        look_seconds = timing().stuck_seconds / 2
        start_seconds = None if drain.has_begun() else seconds_to_next_start(self._workers)
        return look_seconds if start_seconds is None else min(look_seconds, start_seconds)

    def _begin_to_drain(self) -> None:
        drain.begin()
        for worker in self._workers:
            if worker.pid:
                send(worker.pid, signal.SIGTERM)

    def _bury(self) -> None:
        """Note which workers have ended, so that they are replaced."""
        for worker in self._workers:
            ended = worker.bury()
            if ended and not drain.has_begun():
                logger.error("worker %d ended with status %d; replacing it", *ended)

    def _look_for_stuck_workers(self) -> None:
        for pid in drain.workers_at_work(longer_than_seconds=float(settings.Q_CLUSTER["timeout"])):
            if any(worker.pid == pid for worker in self._workers):
                logger.error("worker %d has not ended its task in time; killing it", pid)
                send(pid, signal.SIGKILL)
        if not _is_backlog_unattended():
            self._stuck_since = None
            return
        self._stuck_since = self._stuck_since or time.monotonic()
        if time.monotonic() - self._stuck_since < timing().stuck_seconds:
            return
        logger.error("Work is waiting and no worker takes it: replacing the workers.")
        self._stuck_since = None
        is_any_active = drain.seconds_since_activity() < timing().stuck_seconds
        spared = drain.workers_at_work() if is_any_active else set()
        for worker in self._workers:
            if worker.pid and worker.pid not in spared:
                send(worker.pid, signal.SIGKILL)


def _is_backlog_unattended() -> bool:
    if drain.seconds_since_activity() < timing().stuck_seconds and not _has_unresponsive_worker():
        return False
    try:
        return (
            claims.has_claimable_clips()
            or publish_claims.has_publishable_jobs()
            or transcription.has_claimable_chunks()
        )
    except DatabaseError:
        close_old_connections()
        return False  # no worker can work without it


def _has_unresponsive_worker() -> bool:
    """Return whether wakeups wait although a worker of this pool is idle, even while other workers are busy. (Where
    idle workers of other machines answer, this shows only when those stop; until then nothing waits for long.)"""
    if drain.seconds_since_answer() < timing().stuck_seconds:
        return False
    return len(drain.workers_at_work()) < settings.TALKING_HEAD_SLOTS and wakeups.pending_wakeups() > 0


def _work() -> None:
    """Be a worker: load the engines, then take wakeups; at TERM give back what is held."""
    listener = WakeupListener()

    def stop(number: int, frame: object) -> None:
        drain.begin_here()
        listener.interrupt()

    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        with drain.at_work():
            warm_up()
        Consumer(listener).run()
    finally:
        close_warm_renderer()
        listener.close()
