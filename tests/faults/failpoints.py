"""Places where a process of a site can be told to fail: the variable ``LECTERN_FAILPOINTS`` names them, with commas."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from uuid import UUID

from django.apps import AppConfig

FAILPOINTS_VARIABLE = "LECTERN_FAILPOINTS"


class Failpoints(AppConfig):
    """Not part of the product: only the settings of these tests install it."""

    name = "tests.faults"
    label = "failpoints"

    def ready(self) -> None:
        _look_for_garbage_often()
        for name in filter(None, os.environ.get(FAILPOINTS_VARIABLE, "").split(",")):
            FAILPOINTS[name]()


def _look_for_garbage_often() -> None:
    """What a killed process leaves lying about is gone after a minute, and a file that it was just writing after an
    hour; tests have neither."""
    from talking_head.management.commands import sweep
    from talking_head.worker import garbage

    sweep.GARBAGE_SECONDS, garbage.ABANDONED_AFTER_SECONDS, garbage.TEMPORARY_AFTER_SECONDS = 0.5, 0.5, 2.0


def _no_recovery() -> None:
    """No sweeper takes clips back from lost workers: what the platform would be without its leases."""
    from talking_head.jobs import attempt_outcomes

    attempt_outcomes.reap_expired_leases = lambda: 0


def _first_task_fails() -> None:
    """The first task of every worker process ends with an error of no kind that our code knows."""
    from talking_head.worker.worker import Worker

    work = Worker.work

    def fail_once(self: Worker, job_id: UUID | None = None) -> None:
        Worker.work = work  # type: ignore[method-assign]
        raise RuntimeError("as every task does some day")

    Worker.work = fail_once  # type: ignore[method-assign]


def _dies_before_the_commit() -> None:
    """The publisher is gone when its files are in place and its transaction is still open."""
    from talking_head.worker import publishing

    move_into_place = publishing._move_into_place

    def move_and_die(staging: Path, results: Path) -> None:
        move_into_place(staging, results)
        os.kill(os.getpid(), signal.SIGKILL)

    publishing._move_into_place = move_and_die


FAILPOINTS = {
    "no_recovery": _no_recovery,
    "first_task_fails": _first_task_fails,
    "dies_before_the_commit": _dies_before_the_commit,
}
