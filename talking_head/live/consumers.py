"""The WebSocket behind a progress bar: ``/ws/jobs/<uuid>/``.

A plain ASGI application instead of a Channels consumer class, because those switch to a thread before every message and
hold the next event back until the last one is written. Here four small tasks serve a viewer: one reads from the client,
one from the channel layer, one writes, one polls the database. Nothing piles up for a client that reads slowly: events
that do not fit are replaced by one update, and only the newest preview is buffered.

An update is a snapshot or, for a client that knows an earlier state (``?since=<seq>``), what has changed since then.
The client is *complete* up to a ``seq``: beyond a gap events are still sent, but the next update begins before it.

Close codes: 1000 the job has ended and its last snapshot was sent, 4401 not logged in (any more), 4403 not allowed (any
more), 4404 no such job; 4400, 4413 and 4415 the client sent something that it may not send, too long a message or a
binary one; 4429 too many messages, or too many sockets of one person. (Codes from 1001 to 2999 are for protocols:
daphne refuses to send them.) A socket that is refused before it is accepted looks like HTTP 403 to the client, for
every reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from talking_head.live import open_sockets
from talking_head.live.events import group_name
from talking_head.live.shared_reads import SharedReader, read_state, read_update
from talking_head.live.socket_auth import NOT_FOUND, close_code_for
from talking_head.models import TERMINAL_JOB_STATES, Job

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JOB_IS_OVER = 1000  # RFC 6455, section 7.4.1; an application may otherwise send only 3000 to 4999
# Named after the HTTP status that they match, as those of socket_auth are.
BAD_MESSAGE, MESSAGE_TOO_BIG, UNSUPPORTED_DATA, TOO_MANY = 4400, 4413, 4415, 4429

MAX_PENDING_EVENTS = 50
CLIENT_MESSAGE_MAX_CHARACTERS = 200
CLIENT_MESSAGES_PER_MINUTE = 60

updates = SharedReader(read_update)
states = SharedReader(read_state)


class Closed(Exception):  # noqa: N818 - not an error: a task of the socket raises it to end the others
    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code  # None: the client has already disconnected


async def job_socket(scope: Message, receive: Receive, send: Send) -> None:
    """Serve one viewer as an ASGI application."""
    await JobSocket(scope, receive, send).run()


async def no_such_socket(_scope: Message, _receive: Receive, send: Send) -> None:
    """Refuse a socket at any other URL."""
    await send({"type": "websocket.close", "code": NOT_FOUND})


class JobSocket:
    """The socket of one viewer of one job."""

    poll_every_seconds = 3.0  # of the rows, in case an event was lost
    check_rights_every_seconds = 30.0
    between_updates_seconds = 1.0
    between_previews_seconds = 0.15

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.job_id: UUID = scope["url_route"]["kwargs"]["job_id"]
        self._scope = scope
        self._receive = receive
        self._send = send
        since = _since(scope)
        self._seq = since or 0  # the client is complete up to here
        self._sends_changes = since is not None
        self._events: deque[Message] = deque()
        self._preview = b""
        self._wants_update = self._wants_snapshot = False  # the latter: the whole state, not only the changes
        self._work = asyncio.Event()  # there is something to write
        self._update_due_at = self._preview_due_at = 0.0  # not sent before this time

    async def run(self) -> None:
        """Serve the viewer until the client or the server ends the connection."""
        if (await self._receive())["type"] != "websocket.connect":
            return
        code = await self._refusal()
        if code:
            await self._send({"type": "websocket.close", "code": code})
            return
        await self._send({"type": "websocket.accept"})
        with open_sockets.place_for(getattr(self._scope.get("user"), "pk", None) or 0) as is_free:
            if is_free:
                await self._serve()
            else:  # closed after it was accepted, because only then does the page see the code
                await self._send({"type": "websocket.close", "code": TOO_MANY})

    async def _serve(self) -> None:
        coroutines = (self._read_client(), self._read_layer(), self._write(), self._poll_database())
        tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        await self._close(results)

    async def _close(self, results: list[Any]) -> None:
        codes = [result.code for result in results if isinstance(result, Closed)]
        if not codes:
            raise next(result for result in results if isinstance(result, Exception))
        if None not in codes:
            await self._send({"type": "websocket.close", "code": codes[0]})

    async def _refusal(self) -> int:
        return await database_sync_to_async(close_code_for)(self._scope, self.job_id)

    # --- incoming ---

    async def _read_client(self) -> None:
        arrivals: deque[float] = deque(maxlen=CLIENT_MESSAGES_PER_MINUTE)
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise Closed(None)
            now = time.monotonic()
            if len(arrivals) == CLIENT_MESSAGES_PER_MINUTE and now - arrivals[0] < 60:
                raise Closed(TOO_MANY)
            arrivals.append(now)
            self._follow_client(_client_request(message))

    def _follow_client(self, request: Message) -> None:
        if request["type"] == "changes":
            self._sends_changes = True
            self._seq = min(self._seq, request["since"])
        else:
            self._wants_snapshot = True
        self._request_update()

    async def _read_layer(self) -> None:
        """Buffer the messages of the channel layer. Without a working layer the viewer still sees every change, only
        later: by polling."""
        layer = get_channel_layer()
        group = group_name(self.job_id)
        channel = ""
        try:
            if layer is not None:
                channel = await layer.new_channel()
                await layer.group_add(group, channel)
            self._request_update()
            while layer is not None:
                self._buffer(await layer.receive(channel))
        except Exception:
            logger.warning("Live progress is read from the database only.", exc_info=True, extra={"job": self.job_id})
            self._request_update()
        finally:
            if layer is not None and channel:
                await layer.group_discard(group, channel)
        await asyncio.Event().wait()

    async def _poll_database(self) -> None:
        rights_checked_at = time.monotonic()
        while True:
            await asyncio.sleep(self.poll_every_seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreads the load
            if time.monotonic() - rights_checked_at >= self.check_rights_every_seconds:
                rights_checked_at = time.monotonic()
                code = await self._refusal()
                if code:
                    raise Closed(code)
            try:
                latest = await states.recent(self.job_id, max_age_seconds=self.poll_every_seconds / 2)
            except Job.DoesNotExist:
                raise Closed(NOT_FOUND) from None
            if latest.seq > self._seq or latest.is_over:
                self._request_update()

    def _buffer(self, message: Message) -> None:
        if message["type"] == "job.preview":
            self._preview = message["jpeg"]
        elif len(self._events) < MAX_PENDING_EVENTS:
            self._events.append(message["event"])
        else:
            self._events.clear()
            self._wants_update = True
        self._work.set()

    def _request_update(self) -> None:
        self._wants_update = True
        self._work.set()

    # --- outgoing ---

    async def _write(self) -> None:
        """Write one message at a time, the most informative first."""
        while True:
            now = time.monotonic()
            if self._wants_update and now >= self._update_due_at:
                await self._write_update()
            elif self._events:
                await self._write_event(self._events.popleft())
            elif self._preview and now >= self._preview_due_at:
                await self._write_preview()
            else:
                await self._wait_for_work(now)

    async def _wait_for_work(self, now: float) -> None:
        """Wait until a message arrives, or until a pending one may be sent."""
        self._work.clear()
        due_at = [self._update_due_at] if self._wants_update else []
        due_at += [self._preview_due_at] if self._preview else []
        if not due_at:
            await self._work.wait()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(due_at) - now):
                await self._work.wait()

    async def _write_update(self) -> None:
        since = self._seq if self._sends_changes and not self._wants_snapshot else None
        self._wants_update = self._wants_snapshot = False
        try:
            update = await updates.fresh((self.job_id, since))
        except Job.DoesNotExist:
            raise Closed(NOT_FOUND) from None
        self._seq = update.seq
        self._update_due_at = time.monotonic() + self.between_updates_seconds
        await self._send({"type": "websocket.send", "text": update.text})
        if update.is_over:
            raise Closed(JOB_IS_OVER)

    async def _write_event(self, event: Message) -> None:
        seq = event.get("seq", self._seq)  # a stage changes no row and has none
        if seq < self._seq:
            return  # a newer update has been sent
        if event["type"] == "clips":  # many have changed, and the event does not say which
            self._request_update()
            return
        if seq > self._seq + 1:
            self._request_update()
        else:
            self._seq = seq
        await self._send({"type": "websocket.send", "text": event_text(event, seq)})
        if event.get("state") in TERMINAL_JOB_STATES:
            self._update_due_at = 0.0
            self._request_update()

    async def _write_preview(self) -> None:
        jpeg, self._preview = self._preview, b""
        self._preview_due_at = time.monotonic() + self.between_previews_seconds
        await self._send({"type": "websocket.send", "bytes": jpeg})


_last_event: tuple[Message, int, str] = ({}, 0, "")


def event_text(event: Message, seq: int) -> str:
    """Return the event as JSON. A thousand viewers get the same object one after the other: it is encoded once."""
    global _last_event
    if _last_event[0] is not event or _last_event[1] != seq:
        _last_event = (event, seq, json.dumps({**event, "seq": seq}, ensure_ascii=False))
    return _last_event[2]


def _since(scope: Message) -> int | None:
    """Return the ``seq`` of the state that a connecting client already knows; None when it names none."""
    values = parse_qs(scope.get("query_string", b"").decode(errors="replace")).get("since", [])
    return int(values[0]) if values and values[0].isascii() and values[0].isdigit() else None


def _client_request(message: Message) -> Message:
    """Return a request for a snapshot, or for what changed since some ``seq``: all that a client may send.

    Raises:
        Closed: it is anything else.
    """
    text = message.get("text")
    if text is None:
        raise Closed(UNSUPPORTED_DATA)
    if len(text) > CLIENT_MESSAGE_MAX_CHARACTERS:
        raise Closed(MESSAGE_TOO_BIG)
    try:
        request = json.loads(text)
    except ValueError:
        raise Closed(BAD_MESSAGE) from None
    since = request.get("since") if isinstance(request, dict) else None
    is_for_changes = type(since) is int and since >= 0 and request == {"type": "changes", "since": since}
    if request != {"type": "snapshot"} and not is_for_changes:
        raise Closed(BAD_MESSAGE)
    return dict(request)
