from __future__ import annotations

import pytest

from talking_head.errors import PortraitError, RendererError
from talking_head.renderer.protocol import (
    MAX_BINARY_BYTES,
    Decoder,
    Message,
    ProtocolError,
    encode,
    error_from_json,
    error_to_json,
)


def test_messages_survive_being_cut_anywhere() -> None:
    messages = [Message("progress", {"frame": 3, "text": "“ä”"}, b"\x00\xff" * 50), Message("alive"), Message("done")]
    data = b"".join(map(encode, messages))
    for size in (1, 2, 7, 64, len(data)):
        decoder = Decoder()
        received = [
            message for start in range(0, len(data), size) for message in decoder.feed(data[start : start + size])
        ]
        assert received == messages


@pytest.mark.parametrize(
    "data",
    [
        (MAX_BINARY_BYTES + 1).to_bytes(4, "big") * 2,
        b"\x00\x00\x00\x02\x00\x00\x00\x00[]",
        b"\x00\x00\x00\x02\x00\x00\x00\x00{}",
        b"\x00\x00\x00\x01\x00\x00\x00\x00{",
    ],
)
def test_nonsense_is_recognised(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(Decoder().feed(data))


def test_errors_keep_their_class_code_hint_and_permanence() -> None:
    error = PortraitError("There is no face.", code="no_face", hint="Take another picture.")
    copy = error_from_json(error_to_json(error))
    assert type(copy) is PortraitError
    assert (copy.message, copy.code, copy.hint, copy.permanent) == (error.message, "no_face", error.hint, True)


def test_an_unknown_error_class_becomes_a_renderer_error() -> None:
    assert type(error_from_json({"kind": "errno", "message": "?"})) is RendererError
