"""One request: how much of a body is accepted, decided before it arrives and counted while it does.

Daphne reads every body to its end, on disk, before the application sees the request. Here a visitor may send 64 kB.
What is larger waits until the database has said, in a thread, that the session or token is good; then the limit is the
one that the view names. Nothing of a refused body is kept.
"""

from __future__ import annotations

from typing import Any

from daphne.http_protocol import WebRequest
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from edu_platform.body_limits import ANONYMOUS_BYTES, max_body_bytes
from edu_platform.web.refusal import Refusal
from edu_platform.web.signed_in import is_signed_in


def too_large(limit: int) -> Refusal:
    """Return the answer to a body beyond ``limit`` bytes."""
    size = f"{limit // 1_000_000} MB" if limit >= 1_000_000 else f"{limit // 1_000} kB"
    return Refusal(
        413, "Content Too Large", "body_too_large", f"The request is larger than {size}.", "Send less at once."
    )


class LimitedRequest(WebRequest):
    """A request whose body is limited by its path and by who sends it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit = ANONYMOUS_BYTES
        self._view_limit = ANONYMOUS_BYTES
        self._received = 0
        self._is_checking = False
        self._complete: tuple[Any, ...] | None = None  # the request as it was when it arrived during the check

    def gotLength(self, length: int | None) -> None:
        """Prepare for a body of ``length`` bytes (None: chunked), or refuse it."""
        path = self.channel._path.split(b"?", 1)[0].decode("ascii", "replace")
        self._view_limit = max_body_bytes(path)
        if (length or 0) > self._view_limit:
            self._refuse(self._view_limit)
            return
        super().gotLength(length)
        if (length or 0) > self._limit:
            self._check_sender()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep what arrives of the body, as long as it is within the limit."""
        if self.channel.is_refused:
            return
        self._received += len(data)
        if self._received > self._view_limit:
            self._refuse(self._view_limit)
            return
        super().handleContentChunk(data)
        if self._received > self._limit and not self._is_checking:
            self._check_sender()

    def requestReceived(self, *words: Any) -> None:
        """Process a request whose body is complete, once its sender is known to be allowed that much."""
        if self._is_checking:
            self._complete = words
        elif not self.channel.is_refused:
            super().requestReceived(*words)

    def process(self) -> Any:
        """Pass the request on; when that turns the connection into a web socket, its channel lets go of it."""
        if self.requestHeaders.hasHeader(b"transfer-encoding"):
            # The body is here whole: the application, which reads none without a length, may know how long it is.
            self.requestHeaders.removeHeader(b"transfer-encoding")
            self.requestHeaders.setRawHeaders(b"content-length", [str(self._received).encode()])
        channel, transport = self.channel, self.channel.transport
        done = super().process()
        protocol = getattr(transport, "protocol", channel)
        if protocol is not channel:
            channel.hand_over(protocol)
        return done

    def _check_sender(self) -> None:
        """Ask the database who sends this, and read no more from the network meanwhile."""
        if self._view_limit <= self._limit:
            self._refuse(self._limit)
            return
        self._is_checking = True
        self.channel._networkProducer.pauseProducing()
        cookie = b"; ".join(self.requestHeaders.getRawHeaders(b"cookie", []))
        authorization = b"".join(self.requestHeaders.getRawHeaders(b"authorization", [])[:1])
        asked = deferToThread(is_signed_in, cookie.decode("latin-1"), authorization.decode("latin-1"))
        asked.addCallbacks(self._sender_known, self._sender_unknown)

    def _sender_known(self, is_allowed: bool) -> None:
        self._is_checking = False
        if self.channel is None:  # the client is gone
            return
        if not is_allowed:
            self._refuse(ANONYMOUS_BYTES)
            return
        self._limit = self._view_limit
        self.channel._networkProducer.resumeProducing()
        if self._complete is not None:
            super().requestReceived(*self._complete)

    def _sender_unknown(self, failure: Failure) -> None:
        self._is_checking = False
        if self.channel is not None:
            hint = "Try again in a moment."
            self.channel.refuse(
                Refusal(503, "Service Unavailable", "unavailable", "The database does not answer.", hint)
            )

    def _refuse(self, limit: int) -> None:
        self.requestHeaders.removeHeader(b"expect")  # Twisted would invite the client to send it all the same
        if self.content is not None:
            self.content.close()
        accept = b"".join(self.requestHeaders.getRawHeaders(b"accept", []))
        wants_json = b"json" in accept or self.channel._path.startswith(b"/api/")
        self.channel.refuse(too_large(limit), as_json=wants_json)
