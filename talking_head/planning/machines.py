"""The rendering machines and their capabilities. A worker's renderer measures them once, others read its row."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from talking_head.models import RenderMachine
from talking_head.selection_rules import Machine

KNOWN_FOR = timedelta(days=3)  # without a heartbeat


def known() -> tuple[Machine, ...]:
    """Return the machines with a recent heartbeat; none where no worker ever ran."""
    rows = RenderMachine.objects.filter(seen_at__gte=Now() - KNOWN_FOR).order_by("name")
    return tuple(
        Machine(row.cores, row.memory_bytes, row.gpu_name, row.sadtalker_seconds_per_frame, row.sadtalker_problem)
        for row in rows
    )
