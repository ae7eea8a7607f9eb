"""A tiny ASGI application for ``test_flow_control``: it talks without end until it is made to wait, then says so."""

from __future__ import annotations

import asyncio
from typing import Any

from edu_platform.flow_control import wait_for_slow_clients

BLOCK = b"x" * 64 * 1024
BLOCKS = 4_000  # 256 MB, far more than any buffer of the kernel
was_made_to_wait = asyncio.Event()


async def talk(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await _flood(send, lambda _last: {"type": "websocket.send", "bytes": BLOCK})
    elif scope["path"] == "/waits":
        await was_made_to_wait.wait()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"yes"})
    else:
        await send({"type": "http.response.start", "status": 200})
        await _flood(send, lambda last: {"type": "http.response.body", "body": BLOCK, "more_body": not last})


async def _flood(send: Any, message: Any) -> None:
    for number in range(BLOCKS):
        sending = asyncio.ensure_future(send(message(number == BLOCKS - 1)))
        await asyncio.wait({sending}, timeout=0.5)
        if not sending.done():
            was_made_to_wait.set()
        await sending


application = wait_for_slow_clients(talk)
