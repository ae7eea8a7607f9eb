"""What the machines that render can do. A worker's renderer finds out once, the others read its row."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from datetime import timedelta
from importlib import metadata

from django.conf import settings
from django.db import DatabaseError
from django.db.models.functions import Now

from talking_head.models import RenderMachine
from talking_head.renderer.supervisor import End, RendererProcess, Watcher
from talking_head.selection_rules import Machine

PROBE_SECONDS = 120.0  # the first import of torch on a cold disk takes its time
KNOWN_FOR = timedelta(days=3)  # without a sign of life
SIGN_OF_LIFE_SECONDS = 60.0

_signed_at = 0.0


def known() -> tuple[Machine, ...]:
    """Those that rendered or were started lately; none where no worker ever ran."""
    rows = RenderMachine.objects.filter(seen_at__gte=Now() - KNOWN_FOR).order_by("name")
    return tuple(
        Machine(row.cores, row.memory_bytes, row.gpu_name, row.sadtalker_seconds_per_frame, row.sadtalker_problem)
        for row in rows
    )


def introduce(renderer: RendererProcess, watcher: Watcher) -> None:
    """Writes down what this machine can do. Measured once: later starts only say that it is still there."""
    with contextlib.suppress(DatabaseError):  # then it is not known for now: no reason not to work
        _introduce(renderer, watcher)


def _introduce(renderer: RendererProcess, watcher: Watcher) -> None:
    basis = _basis()
    if RenderMachine.objects.filter(name=_name(), basis=basis).update(seen_at=Now()):
        return
    outcome = renderer.run("probe", {}, PROBE_SECONDS, watcher)
    if outcome.end is End.DONE:
        RenderMachine.objects.update_or_create(
            name=_name(), defaults={**outcome.values, "basis": basis, "seen_at": Now()}
        )


def sign_of_life() -> None:
    """Says that this machine still renders; cheap enough for every turn of a worker."""
    global _signed_at
    if time.monotonic() - _signed_at >= SIGN_OF_LIFE_SECONDS:
        _signed_at = time.monotonic()
        with contextlib.suppress(DatabaseError):
            RenderMachine.objects.filter(name=_name()).update(seen_at=Now())


def _name() -> str:
    return socket.gethostname()[:100]


def _basis() -> str:
    """Whatever changes the figures: the processor's share of a slot, torch, the checkpoints."""
    try:
        torch_version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        torch_version = "none"
    try:
        changed_at = settings.CHECKPOINTS_DIR.stat().st_mtime_ns
    except OSError:
        changed_at = 0
    return f"{os.cpu_count()} cores, {settings.TALKING_HEAD_SLOTS} slots, torch {torch_version}, weights {changed_at}"
