"""One connection: how long its client may take, and what it is told when its headers are too long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import connectionDone as CONNECTION_DONE
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from edu_platform.web.refusal import Refusal, refuse

HEADER_SECONDS = 15.0  # from the first byte of a request to its last header
BODY_GRACE_SECONDS = 20.0  # then the body must arrive at this rate on average
BODY_BYTES_PER_SECOND = 1_000
CHECK_SECONDS = 2.0

TOO_LONG = Refusal(
    431, "Request Header Fields Too Large", "headers_too_large", "The headers of the request are too long."
)
TOO_LONG_ADDRESS = Refusal(414, "URI Too Long", "address_too_long", "The address of the request is too long.")
TOO_SLOW = Refusal(408, "Request Timeout", "request_timeout", "The request did not arrive in time.", "Try again.")


class LimitedChannel(HTTPChannel):
    """Gives up on clients that take too long, and answers those whose headers are too long."""

    on_close: Callable[[], None] = staticmethod(lambda: None)
    is_refused = False
    _began_at: float | None = None  # the request that is arriving; None between requests and while one is answered
    _body_began_at: float | None = None
    _body_bytes = 0
    _check: Any = None

    def connectionMade(self) -> None:
        """Start watching the clock: a client that connects and stays silent is waited for as long as for headers."""
        super().connectionMade()
        self._began_at = time.monotonic()
        self._check = self.callLater(CHECK_SECONDS, self._look_at_the_clock)

    def connectionLost(self, reason: Failure = CONNECTION_DONE) -> None:
        """Stop watching, and let the client connect again."""
        self._close()
        super().connectionLost(reason)

    def hand_over(self, protocol: Any) -> None:
        """Leave the connection to the protocol of a web socket, which has times of its own."""
        self._stop_watching()
        lose = protocol.connectionLost

        def lost(reason: Failure = CONNECTION_DONE) -> None:
            self._close()
            lose(reason)

        protocol.connectionLost = lost

    def _close(self) -> None:
        self._stop_watching()
        self.on_close()

    def _stop_watching(self) -> None:
        if self._check is not None and self._check.active():
            self._check.cancel()

    def dataReceived(self, data: bytes) -> None:
        """Take what arrives; of a refused request nothing is kept."""
        if self.is_refused:
            return
        if self._began_at is None and not self._handlingRequest:
            self._began_at = time.monotonic()
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        """Go on to the body, which has its own time."""
        self._began_at, self._body_began_at, self._body_bytes = None, time.monotonic(), 0
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        """Let the application take its time."""
        self._began_at = self._body_began_at = None
        super().allContentReceived()

    def rawDataReceived(self, data: bytes) -> None:
        """Count what arrives of a body."""
        self._body_bytes += len(data)
        super().rawDataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Answer a line that is longer than any header needs to be."""
        self.refuse(TOO_LONG if self.requests and not self._handlingRequest else TOO_LONG_ADDRESS)

    def _respondToBadRequestAndDisconnect(self) -> None:
        if self._receivedHeaderSize > self.totalHeadersSize:
            self.refuse(TOO_LONG)
        else:
            super()._respondToBadRequestAndDisconnect()

    def refuse(self, refusal: Refusal, *, as_json: bool = False) -> None:
        """Answer with an error and end the connection; what the client still sends is dropped."""
        if not self.is_refused:
            self.is_refused = True
            refuse(self, refusal, as_json=as_json)

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        is_silent = self._began_at is not None and now - self._began_at > HEADER_SECONDS
        is_slow = self._body_began_at is not None and self._is_body_too_slow(now - self._body_began_at)
        if is_silent or is_slow:
            self.refuse(TOO_SLOW)
        else:
            self._check = self.callLater(CHECK_SECONDS, self._look_at_the_clock)

    def _is_body_too_slow(self, seconds: float) -> bool:
        return self._body_bytes < (seconds - BODY_GRACE_SECONDS) * BODY_BYTES_PER_SECOND
