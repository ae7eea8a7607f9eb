"""Reads for many viewers: a thousand sockets of one job cost one read of its rows, not a thousand."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from channels.db import database_sync_to_async

from talking_head.live.changes import job_changes
from talking_head.live.snapshots import job_snapshot
from talking_head.models import TERMINAL_JOB_STATES, Job

MAX_RECENT = 500
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at one moment, encoded for sending."""

    seq: int
    is_over: bool
    text: str = ""  # the whole message as JSON
    read_at: float = field(default_factory=time.monotonic)


def read_state(job_id: UUID) -> Snapshot:
    """Read only how far the job is, and return it without a message.

    Raises:
        Job.DoesNotExist: there is no such job (any more).
    """
    seq, state = Job.objects.values_list("seq", "state").get(pk=job_id)
    return Snapshot(seq, state in TERMINAL_JOB_STATES)


def read_update(key: tuple[UUID, int | None]) -> Snapshot:
    """Read the job's rows and return its snapshot or, for a viewer that knows an earlier ``seq``, what has changed.

    Raises:
        Job.DoesNotExist: there is no such job (any more).
    """
    job_id, since = key
    if since is None:
        job = job_snapshot(Job(pk=job_id))
        message = {"type": "snapshot", "seq": job["seq"], "job": job}
    else:
        message = job_changes(job_id, since)
        job = message["job"]
    return Snapshot(job["seq"], job["state"] in TERMINAL_JOB_STATES, json.dumps(message, ensure_ascii=False))


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


class SharedReader(Generic[Key]):
    """The reads of all sockets of a process; ``read`` queries the database."""

    def __init__(self, read: Callable[[Key], Snapshot]) -> None:
        self._read = read
        self._readings: dict[Key, _Reading] = {}
        self._recent: dict[Key, Snapshot] = {}

    async def fresh(self, key: Key) -> Snapshot:
        """Return what the rows say at some moment after this call.

        Raises:
            Job.DoesNotExist: there is no such job (any more).
        """
        reading = self._readings.get(key)
        if reading is None or reading.has_begun or reading.loop is not asyncio.get_running_loop():
            reading = self._readings[key] = _Reading(lambda: self._read(key))
            reading.task.add_done_callback(lambda _task: self._forget(key, reading))
        return await asyncio.shield(reading.task)  # other viewers wait for it too

    async def settle(self) -> None:
        """Wait until nothing is being read any more, also for viewers that have left."""
        await asyncio.gather(*(reading.task for reading in self._readings.values()), return_exceptions=True)

    def _forget(self, key: Key, reading: _Reading) -> None:
        if self._readings.get(key) is reading:
            del self._readings[key]

    async def recent(self, key: Key, *, max_age_seconds: float) -> Snapshot:
        """Return the last answer of this method if it is new enough, else a fresh one."""
        latest = self._recent.get(key)
        if latest is None or time.monotonic() - latest.read_at > max_age_seconds:
            if len(self._recent) >= MAX_RECENT:
                self._recent.clear()
            latest = self._recent[key] = await self.fresh(key)
        return latest
