"""A diagnosis that runs beside the requests of a web process, and its last result, which every process can show."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connections
from django.utils import timezone

from talking_head.diagnostics.diagnosis import Depth, diagnose
from talking_head.diagnostics.wording import fact_rows

logger = logging.getLogger(__name__)
RESULT, RUNNING = "lectern-diagnosis", "lectern-diagnosis-since"
LONGEST_SECONDS = 300  # after which a diagnosis whose process died is no longer believed to run


@dataclass(frozen=True, slots=True)
class FinishedDiagnosis:
    report: dict[str, Any]
    rows: list[tuple[str, str]]
    is_measured: bool
    finished_at: datetime


def last_result() -> FinishedDiagnosis | None:
    result: FinishedDiagnosis | None = cache.get(RESULT)
    return result


def running_since() -> datetime | None:
    since: datetime | None = cache.get(RUNNING)
    return since


def start(*, measure: bool) -> None:
    """Start a diagnosis, unless one runs already."""
    if cache.add(RUNNING, timezone.now(), LONGEST_SECONDS):
        threading.Thread(target=_run_in_thread, args=(measure,), name="diagnosis", daemon=True).start()


def _run_in_thread(measure: bool) -> None:
    try:
        run(measure=measure)
    finally:
        connections.close_all()


def run(*, measure: bool) -> None:
    """Run a diagnosis and keep its result."""
    try:
        report = diagnose(Depth(measure=measure))
        rows = [(str(label), str(words)) for label, words in fact_rows(report)]
        cache.set(RESULT, FinishedDiagnosis(report.as_json(), rows, measure, timezone.now()), timeout=None)
    except Exception:  # a thread has no caller: without this the page would wait for a result that never comes
        logger.exception("The diagnosis failed.")
    finally:
        cache.delete(RUNNING)
