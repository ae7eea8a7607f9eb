"""django-q2's cluster, made to stop cleanly, to leave no process behind, and to notice when it is stuck.

The unmodified cluster (release 1.11) has four faults: its guard dies at once when TERM goes to the whole process group,
and the parent then waits for ever; its workers do not notice a stop until their task ends; when its parent is killed,
the other processes go on consuming; and a worker that is killed while it waits for a task takes the queue's lock with
it, so that no other worker ever gets a task. Therefore:

- every process that is forked from the parent dies with its own parent;
- TERM reaches the parent and the workers, but not the guard in between, and makes the workers release what they hold,
  not die;
- the parent checks every second for work that no worker looks at and for idle workers that answer no wakeup, and after
  a while replaces the whole cluster.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django_q.cluster import Cluster
from django_q.signals import post_spawn

from talking_head.jobs import claims, publish_claims, transcription, wakeups
from talking_head.renderer.parent_death import die_with_parent
from talking_head.timing import timing
from talking_head.worker import drain
from talking_head.worker.renderer_handle import warm_up

logger = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
RESTART_SECONDS = 2.0


class DrainingCluster(Cluster):
    """A django-q2 cluster that drains; to be run in a process of its own, because it changes what its forks do."""

    def run(self) -> None:
        """Run the cluster until a signal stops it; restart it whenever it is stuck or gone."""
        bind_forks_to_parent()
        post_spawn.connect(_become_worker, dispatch_uid="lectern worker")
        while not drain.has_begun():
            connections.close_all()  # forks must not share one
            drain.note_activity()
            try:
                self.start()
            except RuntimeError:  # the guard ended at once: the queue's server is away
                logger.warning("The workers could not be started; they will be started again.", exc_info=True)
                time.sleep(RESTART_SECONDS)
                continue
            logger.info("ready to render; worker slots: %d", settings.TALKING_HEAD_SLOTS)
            self._watch()
        logger.info("the workers have stopped")

    def sig_handler(self, signum: int, frame: FrameType | None) -> None:
        drain.begin()
        super().sig_handler(signum, frame)

    def _watch(self) -> None:
        stuck_since: float | None = None
        while self.sentinel.is_alive() and not drain.has_begun():
            self.sentinel.join(CHECK_SECONDS)
            if not _is_backlog_unattended():
                stuck_since = None
                continue
            stuck_since = stuck_since or time.monotonic()
            if time.monotonic() - stuck_since >= timing().stuck_seconds:
                logger.error("Work is waiting and no worker takes it: replacing the cluster.")
                os.kill(self.sentinel.pid, signal.SIGKILL)  # and with it all that it forked
                self.sentinel.join()


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
    """Return whether wakeups wait although a worker of this cluster is idle, even while other workers are busy. (Where
    idle workers of other machines answer, this shows only when those stop; until then nothing waits for long.)"""
    if drain.seconds_since_answer() < timing().stuck_seconds:
        return False
    return drain.workers_at_work() < settings.TALKING_HEAD_SLOTS and wakeups.pending_wakeups() > 0


def bind_forks_to_parent() -> None:
    """Make every later fork of this process and of its forks (the guard, its pusher, its monitor, its workers) end with
    the process that forked it, even if that process ended in the very moment of the fork."""
    forking_pid = 0

    def remember_parent() -> None:
        nonlocal forking_pid
        forking_pid = os.getpid()

    def end_with_parent() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        die_with_parent(forking_pid)

    os.register_at_fork(before=remember_parent, after_in_child=end_with_parent)


def _become_worker(**kwargs: Any) -> None:
    """Set up a worker process: TERM means drain, whichever process sends it; load the engines before the first task."""
    signal.signal(signal.SIGTERM, lambda signum, frame: drain.begin())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    with drain.at_work():
        warm_up()
