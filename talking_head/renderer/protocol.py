"""The protocol between supervisor and renderer process: length-prefixed messages over two pipes, no Django, no pickle.

A message is a JSON object with a ``type`` and, for previews, a binary part::

    4 bytes  length of the JSON text, big endian
    4 bytes  length of the binary part, 0 for none
    JSON text, UTF-8
    binary part

To the renderer:  ``render`` {request}, ``find`` {request}, ``package`` {request}, ``transcribe`` {request},
                  ``probe`` {},
                  ``adopt_recording`` {request}, ``adopt_videos`` {request};
                  end of file = exit.
From it:          ``ready`` {pid}, ``alive`` {}, ``progress`` {stage, frame, frames} + JPEG,
                  ``done`` {result, usage}, ``failed`` {error, usage}.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from talking_head import errors
from talking_head.errors import RendererError, TalkingHeadError

HEAD = struct.Struct(">II")
MAX_TEXT_BYTES = 16_000_000
MAX_BINARY_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Message:
    type: str
    values: dict[str, Any] = field(default_factory=dict)
    binary: bytes = b""


class ProtocolError(Exception):
    """The other side sent data that are no message: it is broken and must be replaced."""


def encode(message: Message) -> bytes:
    text = json.dumps({"type": message.type, **message.values}, ensure_ascii=False).encode()
    return HEAD.pack(len(text), len(message.binary)) + text + message.binary


class Decoder:
    """Decodes the data of a pipe, in blocks of any size, into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that ``data`` completes.

        Raises:
            ProtocolError: an impossible length, or no JSON object with a type.
        """
        self._buffer += data
        while len(self._buffer) >= HEAD.size:
            text_bytes, binary_bytes = HEAD.unpack_from(self._buffer)
            if text_bytes > MAX_TEXT_BYTES or binary_bytes > MAX_BINARY_BYTES:
                raise ProtocolError("A message claims to be too large.")
            end = HEAD.size + text_bytes + binary_bytes
            if len(self._buffer) < end:
                return
            text = bytes(self._buffer[HEAD.size : HEAD.size + text_bytes])
            binary = bytes(self._buffer[HEAD.size + text_bytes : end])
            del self._buffer[:end]
            yield _parse(text, binary)


def _parse(text: bytes, binary: bytes) -> Message:
    try:
        values = json.loads(text)
        return Message(values.pop("type"), values, binary)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError("A message is not a JSON object with a type.") from error


def error_to_json(error: TalkingHeadError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "permanent": error.permanent,
    }


def error_from_json(values: dict[str, Any]) -> TalkingHeadError:
    """Return the error encoded by :func:`error_to_json`; a class outside our tree becomes a ``RendererError``."""
    kind = getattr(errors, str(values.get("kind")), RendererError)
    if not (isinstance(kind, type) and issubclass(kind, TalkingHeadError)):
        kind = RendererError
    return kind(
        str(values.get("message", "")),
        code=str(values.get("code", "")),
        hint=str(values.get("hint", "")),
        permanent=bool(values.get("permanent", False)),
    )
