"""Snapshots for many viewers: a thousand sockets for one job cost one read of its rows, not a thousand."""

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

MAX_SNAPSHOTS = 500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at one moment, encoded for sending."""

    seq: int
    is_over: bool
    text: str  # the whole message as JSON
    read_at: float = field(default_factory=time.monotonic)


def read_snapshot(job_id: UUID) -> Snapshot:
    """Read the job's rows and return its snapshot.

    Raises:
        Job.DoesNotExist: there is no such job (any more).
    """
    job = job_snapshot(Job(pk=job_id))
    text = json.dumps({"type": "snapshot", "seq": job["seq"], "job": job}, ensure_ascii=False)
    return Snapshot(job["seq"], job["state"] in TERMINAL_JOB_STATES, text)


class _Reading:
    """A read of the rows that other viewers may join until it has begun."""

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        self.has_begun = False
        self._read = read
        self.loop = asyncio.get_running_loop()
        self.task = self.loop.create_task(database_sync_to_async(self._begin)())
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # marks it as retrieved

    def _begin(self) -> Snapshot:
        self.has_begun = True
        return self._read()


class SnapshotReader:
    """The snapshots of all sockets of a process; ``read`` queries the database."""

    def __init__(self, read: Callable[[UUID], Snapshot] = read_snapshot) -> None:
        self._read = read
        self._readings: dict[UUID, _Reading] = {}
        self._latest: dict[UUID, Snapshot] = {}

    async def fresh(self, job_id: UUID) -> Snapshot:
        """Return a snapshot of the rows at some moment after this call.

        Raises:
            Job.DoesNotExist: there is no such job (any more).
        """
        reading = self._readings.get(job_id)
        if reading is None or reading.has_begun or reading.loop is not asyncio.get_running_loop():
            reading = self._readings[job_id] = _Reading(lambda: self._read(job_id))
        try:
            snapshot = await asyncio.shield(reading.task)  # other viewers wait for it too
        finally:
            if reading.task.done() and self._readings.get(job_id) is reading:
                del self._readings[job_id]
        if len(self._latest) >= MAX_SNAPSHOTS:
            self._latest.clear()
        self._latest[job_id] = snapshot
        return snapshot

    async def recent(self, job_id: UUID, *, max_age_seconds: float = 60.0) -> Snapshot:
        """Return the latest snapshot if it is new enough, else a fresh one."""
        latest = self._latest.get(job_id)
        if latest and time.monotonic() - latest.read_at <= max_age_seconds:
            return latest
        return await self.fresh(job_id)
