"""Figures of one job, written beside its outputs whatever the outcome. (Filled in below.)"""

from __future__ import annotations

from talking_head.models import Job


def write(job: Job) -> None:
    pass
