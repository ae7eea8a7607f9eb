"""A renderer process whose clips say what shall go wrong: the words of a clip's text are its stage directions.

``crash`` (SIGABRT), ``killed`` (SIGKILL), ``terminated`` (SIGTERM), ``hang``, ``freeze`` (SIGSTOP),
``grind`` (a call into C that sleeps with Python's lock), ``spin`` (one that
works with it), ``stubborn`` (ignores TERM), ``swallow`` (catches everything, for ever), ``parent`` (starts children and
hangs), ``memory``, ``toolarge`` (memory that suffices for the smaller form), ``badalloc`` (how C++ dies of it),
``limit`` (a real RLIMIT_AS), ``cuda`` (a GPU's memory), ``refuse`` (a permanent error), ``busy`` (a transient error),
``chatty`` (prints), ``nonsense`` (breaks the protocol). ``once`` limits the mishap to the first try; a stand-in goes
well unless the text says ``always``.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from talking_head.digests import sha256_of_file
from talking_head.errors import EngineError, ResourceError
from talking_head.pipeline.cache.entries import ClipMetadata, store_clip_metadata
from talking_head.pipeline.package_request import PackageRequest, PackageResult
from talking_head.pipeline.requests import ClipResult
from talking_head.renderer.child import Handler, Progress, run

FOREVER_SECONDS = 3_600
VIDEO_SECONDS = 0.96
CHUNK_SECONDS, RECORDING_SECONDS = 20.0, 3_600.0
LITTLE_BYTES = 50_000_000


def fake_handlers(settings: dict[str, Any]) -> dict[str, Handler]:
    cache_root = Path(settings["cache_root"])
    scratch = Path(settings["scratch"])

    def render(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        request = values["request"]
        progress("speech", 0, 0, b"")
        (scratch / "unfinished").mkdir(parents=True, exist_ok=True)
        _note(cache_root, f"{os.getpid()} {request['text']}")
        words = _words(request)
        if not (request["fallback"] and "always" not in words) and not ("once" in words and _seen(cache_root, words)):
            for word in words & set(MISHAPS):
                MISHAPS[word]()
            if "toolarge" in words and not request["half_resolution"]:
                _memory()
        progress("frames", 1, 24, b"\xff\xd8jpeg")
        return _clip(cache_root, request).to_json()

    def find(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        requests = values["request"]["clips"]
        return {
            "clips": [result.to_json() if (result := _cached_clip(cache_root, item)) else None for item in requests]
        }

    def package(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        request = PackageRequest.from_json(values["request"])
        words = set(request.title.lower().split())
        if not ("once" in words and _seen(cache_root, words)):
            for word in words & set(MISHAPS):
                MISHAPS[word]()
        folder = Path(request.folder)
        folder.mkdir()
        video = "".join(clip.result["clip_key"] for clip in request.clips).encode()
        (folder / "video.mp4").write_bytes(video)
        others = [folder / name for name in ("captions.vtt", "transcript.json", "poster.jpg")]
        for path in others:
            path.write_text("{}")
        files = {path.name: sha256_of_file(path) for path in others}
        manifest = {"video": {"sha256": sha256_of_file(folder / "video.mp4")}, "files": files}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        seconds = VIDEO_SECONDS * len(request.clips)
        return PackageResult(seconds, 24 * len(request.clips), 64, 64, hashlib.sha256(video).hexdigest()).to_json()

    def transcribe(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        start_seconds = values["request"]["start_seconds"]
        _note(cache_root, f"{os.getpid()} transcribed from {start_seconds:.0f} s")
        end_seconds = start_seconds + CHUNK_SECONDS
        return {"segments": [], "end_seconds": end_seconds, "is_last": end_seconds >= RECORDING_SECONDS,
                "recogniser": "fake 1", "language": "en", "language_probability": 0.9}  # fmt: skip

    def probe(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        return {"cores": 8, "memory_bytes": 16_000_000_000}

    def warm_up(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        return {}

    return {
        "render": render,
        "find": find,
        "package": package,
        "warm_up": warm_up,
        "probe": probe,
        "transcribe": transcribe,
    }


def _cached_clip(cache_root: Path, request: dict[str, Any]) -> ClipResult | None:
    """A clip with stage directions is never found: what they say shall happen every time, in a render."""
    key = _key(request)
    is_cached = (cache_root / "clips" / key[:2] / key).is_dir() and not _words(request) & set(MISHAPS)
    return _clip(cache_root, request) if is_cached else None


def _words(request: dict[str, Any]) -> set[str]:
    return set(request["text"].lower().replace(".", "").split())


def _key(request: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _clip(cache_root: Path, request: dict[str, Any]) -> ClipResult:
    key = _key(request)
    folder = cache_root / "clips" / key[:2] / key
    cached = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(key.encode()).hexdigest()
    if not cached:
        (folder / "clip.mp4").write_bytes(key.encode())
        store_clip_metadata(folder, ClipMetadata(key, 24, 64, 64, len(key), {}, digest))
    stages, engines = {"speech": 0.01, "frames": 0.02}, {"speech": "fake 1", "face": "fake 1", "enhancer": "none"}
    return ClipResult(key, key, VIDEO_SECONDS, 24, 64, 64, cached, cached, stages, engines, digest)


def _note(cache_root: Path, line: str) -> None:
    """What was really rendered, for tests that count."""
    cache_root.mkdir(parents=True, exist_ok=True)
    with (cache_root / "rendered.txt").open("a") as file:
        file.write(line + "\n")


def _seen(cache_root: Path, words: set[str]) -> bool:
    mark = cache_root / ("seen-" + "-".join(sorted(words)))
    if mark.exists():
        return True
    mark.touch()
    return False


def _hang() -> None:
    time.sleep(FOREVER_SECONDS)


def _grind() -> None:
    ctypes.PyDLL(None).sleep(FOREVER_SECONDS)  # PyDLL keeps Python's lock: no heartbeat, no signal handler in Python


def _spin() -> None:
    sum(range(10**12))  # one call into C that uses the processor all the time


def _stubborn() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _hang()


def _swallow() -> None:
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit))
    while True:
        try:
            time.sleep(0.05)
        except BaseException:  # noqa: BLE001
            continue


def _parent() -> None:
    subprocess.Popen(["sleep", str(FOREVER_SECONDS)])
    subprocess.Popen(["sleep", str(FOREVER_SECONDS)], start_new_session=True)
    _hang()


def _memory() -> None:
    raise MemoryError


def _bad_alloc() -> None:
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n")
    os.abort()


def _limit() -> None:
    """The kernel refuses: a real allocation under a real limit."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    used_bytes = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used_bytes + LITTLE_BYTES, resource.RLIM_INFINITY))
    bytearray(2 * LITTLE_BYTES)


class OutOfMemoryError(RuntimeError):
    """As torch has it: a RuntimeError of that name, which this process may not import."""


def _cuda() -> None:
    raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def _refuse() -> None:
    raise EngineError("The model file is damaged.", code="checkpoint_corrupt", hint="Download it again.")


def _busy() -> None:
    raise ResourceError("The disk is full.", code="no_space")


def _chatty() -> None:
    print("a library talks too much")
    os.write(1, b"even on the bare file descriptor\n")


def _nonsense() -> None:
    for number in range(3, 20):  # wherever the private pipe is
        try:
            os.write(number, b"\xff" * 64)
        except OSError:
            continue
    _hang()


MISHAPS: dict[str, Callable[[], None]] = {
    "crash": os.abort,
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "terminated": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "freeze": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "slow": lambda: time.sleep(0.5),
    "hang": _hang,
    "grind": _grind,
    "spin": _spin,
    "stubborn": _stubborn,
    "swallow": _swallow,
    "parent": _parent,
    "memory": _memory,
    "badalloc": _bad_alloc,
    "limit": _limit,
    "cuda": _cuda,
    "refuse": _refuse,
    "busy": _busy,
    "chatty": _chatty,
    "nonsense": _nonsense,
}

if __name__ == "__main__":
    run(fake_handlers, sys.argv[1:])
