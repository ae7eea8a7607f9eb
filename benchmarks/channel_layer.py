"""Measures how fast live messages travel from a worker to subscribers, and to viewers' sockets, in a web process.

    python benchmarks/channel_layer.py                     # 1, 20 and 1,000 subscribers
    python benchmarks/channel_layer.py --subscribers 5000 --messages 100

A sender process broadcasts at a steady rate with the time in each message; the receiving process records how old a
message is when each subscriber has it. "sockets" adds what the page's socket does with it, up to the bytes that go to
the server. Every line is one run; "lost" counts deliveries that never arrived. For comparison, "in memory" is Channels'
own layer, which does not cross processes: sender and subscribers share one event loop there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edu_platform.settings")

import django  # noqa: E402
from channels.layers import InMemoryChannelLayer, channel_layers  # noqa: E402

from talking_head.live.unix_layer import UnixSocketChannelLayer  # noqa: E402

GROUP_ID = uuid.UUID(int=1)
SILENCE_SECONDS = 3.0  # after the last message: a delivery that has not arrived by then is lost


def main() -> None:
    options = parse_options()
    if options.send:
        send(options.send, options.messages, options.rate, options.preview_bytes)
        return
    django.setup()
    python = sys.version.split()[0]
    print(f"{options.messages} messages, {options.rate:g} a second, {os.cpu_count()} cores, Python {python}")
    print(f"{'route':<10} {'subscribers':>11} {'p50 ms':>8} {'p95 ms':>8} {'worst ms':>9} {'lost':>8}")
    for route in ("in memory", "layer", "sockets"):
        for count in options.subscribers:
            asyncio.run(measure(route, count, options))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[1, 20, 1_000])
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--rate", type=float, default=10.0, help="messages a second")
    parser.add_argument("--preview-bytes", type=int, default=0, help="send pictures of this size instead of events")
    parser.add_argument("--send", metavar="RUN_DIR", default="", help=argparse.SUPPRESS)  # this process is the sender
    return parser.parse_args()


def message(preview_bytes: int) -> dict[str, Any]:
    if preview_bytes:
        return {"type": "job.preview", "jpeg": repr(time.time()).encode().ljust(preview_bytes)}
    event = {"type": "stage", "index": 3, "stage": "frames", "frame": 40, "frames": 96, "seconds_left": time.time()}
    return {"type": "job.event", "event": event}


def sent_at(received: dict[str, Any]) -> float:
    return float(received["jpeg"]) if "jpeg" in received else received["event"]["seconds_left"]


def send(run_dir: str, messages: int, rate: float, preview_bytes: int) -> None:
    layer = UnixSocketChannelLayer(run_dir=run_dir)
    start = time.monotonic()
    for number in range(messages):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        layer.group_send_now(f"job.{GROUP_ID}", message(preview_bytes))


async def measure(route: str, count: int, options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ages: list[float] = []
        tasks = [asyncio.create_task(work) for work in await subscribers(route, count, folder, ages)]
        await asyncio.sleep(0.5)  # until every subscriber is in the group
        ages.clear()
        await send_from(route, folder, options)
        expected, arrived = count * options.messages, -1
        while len(ages) < expected and len(ages) != arrived:
            arrived = len(ages)
            await asyncio.sleep(SILENCE_SECONDS if arrived else 10 * SILENCE_SECONDS)
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        report(route, count, ages, expected)


async def subscribers(route: str, count: int, folder: str, ages: list[float]) -> list[Any]:
    global memory_layer
    if route == "sockets":
        channel_layers.set("default", UnixSocketChannelLayer(run_dir=folder))
        return [viewer(folder, ages) for _ in range(count)]
    if route == "layer":
        layer: Any = UnixSocketChannelLayer(run_dir=folder)
    else:
        layer = memory_layer = InMemoryChannelLayer()
    channels = [await layer.new_channel() for _ in range(count)]
    for channel in channels:
        await layer.group_add(f"job.{GROUP_ID}", channel)
    return [receive_messages(layer, channel, ages) for channel in channels]


memory_layer: Any = None


async def receive_messages(layer: Any, channel: str, ages: list[float]) -> None:
    while True:
        received = await layer.receive(channel)
        ages.append(time.time() - sent_at(received))


async def viewer(folder: str, ages: list[float]) -> None:
    """Run a page's socket without a network and without a database: rights and snapshots are replaced."""
    from talking_head.live import consumers
    from talking_head.live.shared_reads import SharedReader, Snapshot

    consumers.updates = SharedReader(lambda _key: Snapshot(1, False, '{"type": "snapshot"}'))
    consumers.states = SharedReader(lambda _job_id: Snapshot(1, False))

    class Socket(consumers.JobSocket):
        async def _refusal(self) -> int:
            return 0

    async def to_browser(sent: dict[str, Any]) -> None:
        if sent["type"] != "websocket.send" or "snapshot" in sent.get("text", ""):
            return
        text = sent.get("text")
        ages.append(time.time() - (json.loads(text)["seconds_left"] if text else float(sent["bytes"])))

    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    scope = {"url_route": {"kwargs": {"job_id": GROUP_ID}}}
    await Socket(scope, incoming.get, to_browser).run()


async def send_from(route: str, folder: str, options: argparse.Namespace) -> None:
    if route == "in memory":
        await send_in_memory(memory_layer.group_send, options)
        return
    command = [
        sys.executable,
        __file__,
        "--send",
        folder,
        "--messages",
        str(options.messages),
        "--rate",
        str(options.rate),
    ]
    sender = subprocess.Popen([*command, "--preview-bytes", str(options.preview_bytes)])
    await asyncio.to_thread(sender.wait)


async def send_in_memory(
    group_send: Callable[[str, dict[str, Any]], Awaitable[None]], options: argparse.Namespace
) -> None:
    start = time.monotonic()
    for number in range(options.messages):
        await asyncio.sleep(max(0.0, start + number / options.rate - time.monotonic()))
        await group_send(f"job.{GROUP_ID}", message(options.preview_bytes))


def report(route: str, count: int, ages: list[float], expected: int) -> None:
    ordered = sorted(ages) or [float("nan")]
    p50, p95 = (ordered[int(share * (len(ordered) - 1))] * 1_000 for share in (0.5, 0.95))
    lost = expected - len(ages)
    print(f"{route:<10} {count:>11,} {p50:>8.1f} {p95:>8.1f} {ordered[-1] * 1_000:>9.1f} {lost:>8,}", flush=True)


if __name__ == "__main__":
    main()
