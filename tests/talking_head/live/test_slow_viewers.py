"""Viewers whose connection is slow: what waits for them stays small."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User

from talking_head.live import consumers, events
from talking_head.live.consumers import JobSocket
from talking_head.live.unix_layer import UnixSocketChannelLayer
from talking_head.models import Job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live")]

SECONDS = 10.0
Json = dict[str, Any]


class SlowViewer:
    """A client whose connection takes one message at a time, when the test says so."""

    def __init__(self, job: Job, user: User) -> None:
        self.sent: list[Json] = []
        self._may_send = asyncio.Semaphore(2)  # the acceptance and the first snapshot
        self._arrived = asyncio.Condition()
        self._from_client: asyncio.Queue[Json] = asyncio.Queue()
        self._from_client.put_nowait({"type": "websocket.connect"})
        scope = {"user": user, "url_route": {"kwargs": {"job_id": job.pk}}}
        self.socket = JobSocket(scope, self._from_client.get, self._send)
        self.task = asyncio.create_task(self.socket.run())

    async def _send(self, message: Json) -> None:
        await self._may_send.acquire()
        async with self._arrived:
            self.sent.append(message)
            self._arrived.notify_all()

    async def has_got(self, count: int) -> None:
        async with asyncio.timeout(SECONDS), self._arrived:
            await self._arrived.wait_for(lambda: len(self.sent) >= count)

    def reads(self, count: int) -> None:
        for _ in range(count):
            self._may_send.release()

    async def leaves(self) -> None:
        self._from_client.put_nowait({"type": "websocket.disconnect", "code": 1001})
        self.reads(10)
        await asyncio.wait_for(self.task, SECONDS)


@pytest.mark.usefixtures("quick_clock")
class TestSlowClients:
    async def test_only_the_newest_preview_waits_for_them(
        self, job: Job, teacher: User, live: UnixSocketChannelLayer
    ) -> None:
        viewer = SlowViewer(job, teacher)
        await viewer.has_got(2)
        for number in range(200):
            events.send_preview(job.pk, f"picture {number}".encode())
            await asyncio.sleep(0)
        viewer.reads(2)
        await viewer.has_got(4)
        pictures = [message["bytes"] for message in viewer.sent[2:]]
        assert pictures[-1] == b"picture 199"
        await viewer.leaves()

    async def test_events_that_do_not_fit_become_one_snapshot(
        self, job: Job, teacher: User, live: UnixSocketChannelLayer
    ) -> None:
        viewer = SlowViewer(job, teacher)
        await viewer.has_got(2)
        for number in range(20 * consumers.MAX_PENDING_EVENTS):
            live_event = {"type": "job.event", "event": {"type": "stage", "index": number}}
            live.group_send_now(events.group_name(job.pk), live_event)
            await asyncio.sleep(0)
        assert len(viewer.socket._events) <= consumers.MAX_PENDING_EVENTS
        viewer.reads(3)
        await viewer.has_got(5)
        assert any('"snapshot"' in message["text"] for message in viewer.sent[2:])
        await viewer.leaves()
