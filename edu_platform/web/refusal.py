"""Answers of the server itself, for requests that never reach the application."""

from __future__ import annotations

import json
from html import escape
from typing import Any, NamedTuple

LINGER_SECONDS = 2.0  # in which a client that is still sending can read the answer


class Refusal(NamedTuple):
    """An HTTP error in the form of every other error: code, message, hint."""

    status: int
    reason: str
    code: str
    message: str
    hint: str = ""

    def to_bytes(self, *, as_json: bool) -> bytes:
        """Return the whole answer, headers included."""
        if as_json:
            kind = "application/json"
            body = json.dumps({"code": self.code, "message": self.message, "hint": self.hint})
        else:
            kind = "text/html; charset=utf-8"
            body = (
                f'<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
                f"<title>{escape(self.reason)}</title><h1>{escape(self.message)}</h1><p>{escape(self.hint)}</p></html>"
            )
        data = body.encode()
        head = (
            f"HTTP/1.1 {self.status} {self.reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + data


def refuse(channel: Any, refusal: Refusal, *, as_json: bool) -> None:
    """Send the answer over a Twisted channel, stop sending, and close the connection a moment later.

    Closing at once would reset the connection of a client that is still sending, and the answer would be lost with it.
    """
    transport = channel.transport
    transport.write(refusal.to_bytes(as_json=as_json))
    if hasattr(transport, "loseWriteConnection"):
        transport.loseWriteConnection()
        channel.callLater(LINGER_SECONDS, transport.abortConnection)
    else:
        transport.loseConnection()
