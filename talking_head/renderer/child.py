"""The renderer process: ``python -m talking_head.renderer.child '<settings as JSON>'``. No Django, no database.

It renders one clip at a time, keeps its engines warm in between, and lives as long as its supervisor wants: it ends
when its standard input is closed, and the kernel kills it when its parent dies. Nothing that a library prints can get
between the messages: the pipe is moved away from standard output before anything else is imported.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from talking_head.errors import RendererError, TalkingHeadError, from_os_error, is_out_of_memory, out_of_memory
from talking_head.pipeline.performance import gpu_stats, rss_peak_bytes
from talking_head.renderer.parent_death import die_with_parent
from talking_head.renderer.protocol import Decoder, Message, encode, error_to_json

if TYPE_CHECKING:
    from talking_head.engines.base import EngineSettings
    from talking_head.pipeline.render_clip import ClipRenderer

HEARTBEAT_SECONDS = 1.0
PROGRESS_SECONDS = 0.1  # between two reports of the same stage
READ_BYTES = 65_536

Progress = Callable[[str, int, int, bytes], None]  # stage, frame, frames, JPEG
Handler = Callable[[dict[str, Any], Progress], dict[str, Any]]


class Channel:
    """The pipe back to the supervisor; usable from several threads."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, type_: str, values: dict[str, Any] | None = None, binary: bytes = b"") -> None:
        data = encode(Message(type_, values or {}, binary))
        with self._lock:
            self._stream.write(data)
            self._stream.flush()

    @contextlib.contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Send a heartbeat while a request is worked on, even when the work reports nothing for long."""
        done = threading.Event()

        def beat() -> None:
            with contextlib.suppress(OSError):  # the supervisor is gone: the main thread notices it too
                while not done.wait(HEARTBEAT_SECONDS):
                    self.send("alive")

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def serve(handlers: dict[str, Handler], channel: Channel, requests: BinaryIO) -> None:
    """Answer requests, one at a time, until the other end is closed."""
    channel.send("ready", {"pid": os.getpid()})
    decoder = Decoder()
    while data := os.read(requests.fileno(), READ_BYTES):
        for message in decoder.feed(data):
            with channel.heartbeat():
                type_, values = answer(handlers[message.type], message.values, channel)
            channel.send(type_, values)
        give_back_memory()


def give_back_memory() -> None:
    """Return to the kernel what the last request freed: the allocator would keep it for the next, which may be hours
    away (glibc only)."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def answer(handler: Handler, values: dict[str, Any], channel: Channel) -> tuple[str, dict[str, Any]]:
    """Run one request and return its answer; any exception becomes a ``failed`` message with an error of our tree."""
    last_stage, last_sent = "", 0.0

    def progress(stage: str, frame: int, frames: int, jpeg: bytes) -> None:
        nonlocal last_stage, last_sent
        if stage != last_stage or jpeg or time.monotonic() - last_sent >= PROGRESS_SECONDS:
            last_stage, last_sent = stage, time.monotonic()
            channel.send("progress", {"stage": stage, "frame": frame, "frames": frames}, jpeg)

    meter = Meter()
    failure: TalkingHeadError
    try:
        return "done", {"result": handler(values, progress), "usage": meter.usage()}
    except TalkingHeadError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - the process boundary: engines and codecs have no common base class
        failure = _to_domain_error(error)
    return "failed", {"error": error_to_json(failure), "usage": meter.usage()}


def _to_domain_error(error: Exception) -> TalkingHeadError:
    if is_out_of_memory(error):
        return out_of_memory()
    if isinstance(error, OSError):
        return from_os_error(error)
    traceback.print_exc()  # the traceback goes to the log
    return RendererError(
        "The renderer met an unexpected problem.",
        code="renderer_error",
        hint="Try another profile; tell an administrator if it happens again.",
    )


class Meter:
    """The cost of one request: processor time, wall time, peak memory of the process, and of the GPU if one is used."""

    def __init__(self) -> None:
        self._wall = time.monotonic()
        self._cpu = time.process_time()
        with contextlib.suppress(OSError):  # Linux only: reset the peak of earlier requests
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")

    def usage(self) -> dict[str, Any]:
        return {
            "cpu_seconds": round(time.process_time() - self._cpu, 4),
            "wall_seconds": round(time.monotonic() - self._wall, 4),
            "rss_peak_bytes": rss_peak_bytes(),
            "gpu": gpu_stats(),
        }


def private_channel() -> Channel:
    """Move the pipe away from file descriptor 1, send standard output to the log instead, and return the channel.

    The copy is not inherited, so a process that an engine starts cannot hold the pipe open or write into it.
    """
    sys.stdout.flush()
    channel = Channel(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    return channel


def run(make_handlers: Callable[[dict[str, Any]], dict[str, Handler]], arguments: list[str]) -> None:
    """Run a renderer process until the end of its input; never returns."""
    settings = json.loads(arguments[0])
    die_with_parent(settings["parent_pid"])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})  # the parent may have blocked them
    channel = private_channel()
    with contextlib.suppress(OSError):  # a full disk: the first request reports it properly
        Path(settings["scratch"]).mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):  # the supervisor is gone
        serve(make_handlers(settings), channel, sys.stdin.buffer)
    # Skip the interpreter's cleanup: libraries' threads and exit hooks have kept finished processes alive.
    sys.stderr.flush()
    os._exit(0)


def adopting_handlers(renderer: ClipRenderer, engine_settings: EngineSettings) -> dict[str, Handler]:
    """Return the handlers of engines made for one script: ``adopt_recording`` and ``adopt_videos``, see
    :mod:`talking_head.renderer.clip_renderer`."""

    def adopt_recording(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        from talking_head.media_io.audio import read_flac

        request = values["request"]
        waveform, rate_hz = read_flac(Path(request["path"]))
        name, voices = renderer.adopt_recording(waveform, rate_hz, request["spoken"], request["language"])
        return {"name": name, "voices": voices}

    def adopt_videos(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        from talking_head.engines.registry import engine_class

        engine = engine_class("face", "sadtalker")
        engine.check_packages()
        from talking_head.engines.face.sadtalker.motion import MotionOptions  # needs torch

        pose, blink = (
            Path(path) if path else None for path in map(values["request"].get, ("pose_video", "blink_video"))
        )
        renderer.adopt("face", engine(engine_settings, options=MotionOptions(pose_video=pose, blink_video=blink)))
        return {}

    return {"adopt_recording": adopt_recording, "adopt_videos": adopt_videos}


def real_handlers(settings: dict[str, Any]) -> dict[str, Handler]:
    """Return the handlers by command: ``render`` renders a clip, ``find`` looks clips up in the cache, ``package``
    joins clips into the published files, ``warm_up`` loads engines early, ``transcribe`` transcribes a chunk of a
    recorded narration, and ``probe`` measures the machine."""
    from talking_head.engines.base import EngineSettings
    from talking_head.pipeline.cache.store import ContentCache
    from talking_head.pipeline.clips_to_package import PackageRequest, package
    from talking_head.pipeline.render_clip import ClipRenderer
    from talking_head.pipeline.requests import ClipRequest, RenderEvent

    cache = ContentCache(Path(settings["cache_root"]), temporary=Path(settings["scratch"]))
    samples = settings.get("voice_samples_dir")
    engine_settings = EngineSettings(
        Path(settings["checkpoints_dir"]),
        int(settings["threads"]),
        Path(samples) if samples else None,
        settings.get("enhance", "auto"),
    )
    renderer = ClipRenderer(cache, engine_settings)

    def render(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        def on_event(event: RenderEvent) -> None:
            progress(event.stage, event.frame, event.frames, event.preview_jpeg)

        return renderer.render(ClipRequest.from_json(values["request"]), on_event).to_json()

    def find(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        results = [renderer.find(ClipRequest.from_json(request)) for request in values["request"]["clips"]]
        return {"clips": [result.to_json() if result else None for result in results]}

    def package_job(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        progress("publish", 0, 0, b"")
        return package(PackageRequest.from_json(values["request"]), cache).to_json()

    def warm_up(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        renderer.warm_up(**values["request"])
        return {}

    def transcribe(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        from talking_head.pipeline.narration.transcribe import TranscribeRequest, transcribe_chunk

        return transcribe_chunk(TranscribeRequest(**values["request"])).to_json()

    def probe(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        from talking_head.pipeline.probes.machine import probe_machine

        return asdict(probe_machine(Path(settings["checkpoints_dir"])))

    return {
        "render": render,
        "find": find,
        "package": package_job,
        "warm_up": warm_up,
        "transcribe": transcribe,
        "probe": probe,
        **adopting_handlers(renderer, engine_settings),
    }


if __name__ == "__main__":
    run(real_handlers, sys.argv[1:])
