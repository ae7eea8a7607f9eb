"""Registration of a worker's machine: its speed, measured once, and its heartbeat."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from importlib import metadata

from django.conf import settings
from django.db import DatabaseError
from django.db.models.functions import Now

from talking_head.models import RenderMachine
from talking_head.renderer.supervisor import End, RendererProcess, Watcher

PROBE_SECONDS = 120.0  # the first import of torch from a cold disk is slow
HEARTBEAT_SECONDS = 60.0
_heartbeat_at = 0.0


def register_machine(renderer: RendererProcess, watcher: Watcher) -> None:
    """Store what this machine can do. It is measured once; later starts only update the heartbeat."""
    with contextlib.suppress(DatabaseError):  # then the machine is unknown for now, which does not keep it from working
        _register(renderer, watcher)


def _register(renderer: RendererProcess, watcher: Watcher) -> None:
    basis = _basis()
    if RenderMachine.objects.filter(name=_name(), basis=basis).update(seen_at=Now()):
        return
    outcome = renderer.run("probe", {}, PROBE_SECONDS, watcher)
    if outcome.end is End.DONE:
        RenderMachine.objects.update_or_create(
            name=_name(), defaults={**outcome.values, "basis": basis, "seen_at": Now()}
        )


def heartbeat() -> None:
    """Store that this machine still renders; cheap enough for every run of a worker."""
    global _heartbeat_at
    if time.monotonic() - _heartbeat_at >= HEARTBEAT_SECONDS:
        _heartbeat_at = time.monotonic()
        with contextlib.suppress(DatabaseError):
            RenderMachine.objects.filter(name=_name()).update(seen_at=Now())


def _name() -> str:
    return socket.gethostname()[:100]


def _basis() -> str:
    """Return what the measurement depends on: the processor's share of a slot, torch, the checkpoints."""
    try:
        torch_version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        torch_version = "none"
    try:
        changed_at = settings.CHECKPOINTS_DIR.stat().st_mtime_ns
    except OSError:
        changed_at = 0
    return f"{os.cpu_count()} cores, {settings.TALKING_HEAD_SLOTS} slots, torch {torch_version}, weights {changed_at}"
