"""Snapshots for many viewers: a thousand sockets that watch one job cost one reading of its rows, not a thousand."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from channels.db import database_sync_to_async

from talking_head.live.snapshots import job_snapshot
from talking_head.models import TERMINAL_JOB_STATES, Job

KEPT_SNAPSHOTS = 500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job as it was, ready to be sent."""

    seq: int
    is_over: bool
    text: str  # the whole message as JSON
    read_at: float = field(default_factory=time.monotonic)


def read_snapshot(job_id: UUID) -> Snapshot:
    """Raises:
    Job.DoesNotExist: there is no such job (any more).
    """
    job = job_snapshot(Job(pk=job_id))
    text = json.dumps({"type": "snapshot", "seq": job["seq"], "job": job}, ensure_ascii=False)
    return Snapshot(job["seq"], job["state"] in TERMINAL_JOB_STATES, text)


class _Reading:
    """A reading that others may join as long as it has not begun."""

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        self.has_begun = False
        self._read = read
        self.loop = asyncio.get_running_loop()
        self.task = self.loop.create_task(database_sync_to_async(self._begin)())
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # somebody looked at it

    def _begin(self) -> Snapshot:
        self.has_begun = True
        return self._read()


class SnapshotReader:
    """Shared by all sockets of a process; ``read`` touches the database."""

    def __init__(self, read: Callable[[UUID], Snapshot] = read_snapshot) -> None:
        self._read = read
        self._readings: dict[UUID, _Reading] = {}
        self._latest: dict[UUID, Snapshot] = {}

    async def fresh(self, job_id: UUID) -> Snapshot:
        """The rows as they are at some moment after this call.

        Raises:
            Job.DoesNotExist: there is no such job (any more).
        """
        reading = self._readings.get(job_id)
        if reading is None or reading.has_begun or reading.loop is not asyncio.get_running_loop():
            reading = self._readings[job_id] = _Reading(lambda: self._read(job_id))
        try:
            snapshot = await asyncio.shield(reading.task)  # others wait for it too
        finally:
            if reading.task.done() and self._readings.get(job_id) is reading:
                del self._readings[job_id]
        if len(self._latest) >= KEPT_SNAPSHOTS:
            self._latest.clear()
        self._latest[job_id] = snapshot
        return snapshot

    async def recent(self, job_id: UUID, *, max_age_seconds: float = 60.0) -> Snapshot:
        """One that was read before when it is new enough, else a fresh one."""
        known = self._latest.get(job_id)
        if known and time.monotonic() - known.read_at <= max_age_seconds:
            return known
        return await self.fresh(job_id)
