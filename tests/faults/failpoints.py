"""Places where a process of a site can be told to fail: the variable ``LECTERN_FAILPOINTS`` names them, with commas."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

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


def _results_cannot_be_saved() -> None:
    """django-q2's monitor fails at everything it wants to keep of a task."""
    from django.db import OperationalError
    from django.db.models.signals import pre_save
    from django_q.models import Task

    def refuse(sender: Any, **kwargs: Any) -> None:
        if issubclass(sender, Task):
            raise OperationalError("no result is kept here")

    pre_save.connect(refuse, weak=False)


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
    "results_cannot_be_saved": _results_cannot_be_saved,
    "dies_before_the_commit": _dies_before_the_commit,
}


def a_task_that_fails() -> None:
    """Of failed tasks django-q2 keeps a result."""
    raise RuntimeError("as every task does some day")
