"""Makes the application wait for slow clients, which daphne does not.

ASGI leaves it to the server when ``await send(...)`` returns. Daphne returns at once and lets Twisted keep whatever
the client has not fetched, so one phone on a train that asks for a long lesson costs the whole file in memory, and a
browser tab that went to sleep collects every preview picture of the night. Twisted itself can say when enough is
waiting (``IPushProducer``, at 64 KiB); this passes it on. With another server nothing changes.
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
    """ASGI middleware; must be the outermost one, because it looks at who is behind ``send``."""

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
    """Closed while the client's connection has enough to do."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.is_registered = False

    def before(self, message: Message) -> None:
        """Called with every message, before it is sent."""
        raise NotImplementedError

    def leave(self) -> None:
        """Called when the application has nothing more to say."""
        raise NotImplementedError

    # Called by Twisted.

    def pauseProducing(self) -> None:  # noqa: N802
        self.is_open.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self.is_open.set()

    def stopProducing(self) -> None:  # noqa: N802
        """The client is gone: what is sent from now on goes nowhere, so nothing need wait."""
        self.is_open.set()


class _RequestGate(_Gate):
    """For answers in several parts; a short one needs no gate."""

    def __init__(self, request: WebRequest) -> None:
        super().__init__()
        self._request = request

    def before(self, message: Message) -> None:
        is_part = message["type"] == "http.response.body" and message.get("more_body", False)
        if is_part and not self.is_registered and self._request.channel is not None:
            self.is_registered = True
            self._request.registerProducer(self, True)
        elif not is_part:
            self.leave()  # Twisted wants producers gone before a request finishes

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
