"""Back-pressure for slow clients, which daphne does not apply.

ASGI leaves it to the server when ``await send(...)`` returns. Daphne returns at once and lets Twisted buffer all that
the client has not fetched, so one phone on a train that requests a long lesson costs the whole file in memory, and a
sleeping browser tab collects every preview picture of the night. Twisted itself can signal that its buffer is full
(``IPushProducer``, at 64 KiB); this middleware waits for that signal. With another server nothing changes.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from daphne.http_protocol import WebRequest
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def wait_for_slow_clients(application: Application) -> Application:
    """Wrap an ASGI application; must be the outermost middleware, because it inspects the server's ``send``."""

    async def waiting(scope: Message, receive: Receive, send: Send) -> None:
        connection = send.args[0] if isinstance(send, functools.partial) and send.args else None
        if not isinstance(connection, WebRequest | WebSocketProtocol):
            return await application(scope, receive, send)
        gate = _RequestGate(connection) if isinstance(connection, WebRequest) else _SocketGate(connection)

        async def send_when_open(message: Message) -> None:
            gate.before(message)
            await send(message)
            await gate.is_open.wait()

        try:
            await application(scope, receive, send_when_open)
        finally:
            gate.leave()

    return waiting


@implementer(IPushProducer)
class _Gate:
    """A gate that is closed while the buffer of the client's connection is full."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.is_registered = False

    def before(self, message: Message) -> None:
        """Handle a message before it is sent."""
        raise NotImplementedError

    def leave(self) -> None:
        """Unregister from the connection once the application sends no more."""
        raise NotImplementedError

    # Called by Twisted.

    def pauseProducing(self) -> None:  # noqa: N802
        """Close the gate: the buffer is full."""
        self.is_open.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """Open the gate: the buffer has room again."""
        self.is_open.set()

    def stopProducing(self) -> None:  # noqa: N802
        """Open the gate: the client is gone and data is discarded, so sending need not wait."""
        self.is_open.set()


class _RequestGate(_Gate):
    """The gate of responses in several parts; a short one needs no gate."""

    def __init__(self, request: WebRequest) -> None:
        super().__init__()
        self._request = request

    def before(self, message: Message) -> None:
        is_part = message["type"] == "http.response.body" and message.get("more_body", False)
        if is_part and not self.is_registered and self._request.channel is not None:
            self.is_registered = True
            self._request.registerProducer(self, True)
        elif not is_part:
            self.leave()  # Twisted requires that a producer is unregistered before the request finishes

    def leave(self) -> None:
        if self.is_registered and self._request.channel is not None:
            self._request.unregisterProducer()
        self.is_registered = False
        self.is_open.set()


class _SocketGate(_Gate):
    def __init__(self, protocol: WebSocketProtocol) -> None:
        super().__init__()
        self._protocol = protocol

    def before(self, message: Message) -> None:
        if message["type"] == "websocket.send" and not self.is_registered:
            self.is_registered = True
            self._protocol.unregisterProducer()  # left by the HTTP request that was upgraded
            self._protocol.registerProducer(self, True)
        elif message["type"] == "websocket.close":
            self.leave()

    def leave(self) -> None:
        if self.is_registered:
            self._protocol.unregisterProducer()
        self.is_registered = False
        self.is_open.set()
