"""Decoders that do on purpose what decoders do by accident. They run in the child."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, BinaryIO


def read_all(source: BinaryIO, folder: Path, note: str = "") -> dict[str, Any]:
    (folder / "copy").write_bytes(source.read())
    return {"note": note, "pid": os.getpid(), "parent": os.getppid(), "nice": os.nice(0)}


def crash(source: BinaryIO, folder: Path) -> dict[str, Any]:
    ctypes.string_at(0)
    return {}


def abort(source: BinaryIO, folder: Path) -> dict[str, Any]:
    os.abort()


def spin(source: BinaryIO, folder: Path) -> dict[str, Any]:
    while True:
        pass


def sleep(source: BinaryIO, folder: Path, mark: str = "") -> dict[str, Any]:
    if mark:
        Path(mark).write_text(str(os.getpid()), encoding="ascii")
    time.sleep(600)
    return {}


def wait_for(source: BinaryIO, folder: Path, mark: str, until: str) -> dict[str, Any]:
    """Say that it runs, and end when a file appears."""
    Path(mark).touch()
    while not Path(until).exists():
        time.sleep(0.01)
    return {}


def start_another(source: BinaryIO, folder: Path, mark: str) -> dict[str, Any]:
    """Leave a process behind and crash."""
    Path(mark).write_text(str(subprocess.Popen(["sleep", "600"]).pid), encoding="ascii")
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def take_memory(source: BinaryIO, folder: Path) -> dict[str, Any]:
    return {"bytes": len(bytearray(2_000_000_000))}


def fill_disk(source: BinaryIO, folder: Path) -> dict[str, Any]:
    with (folder / "much").open("wb") as file:
        for _ in range(200):
            file.write(bytes(1_000_000))
    return {}


def raise_nonsense(source: BinaryIO, folder: Path) -> dict[str, Any]:
    raise KeyError("no idea")


def answer_nonsense(source: BinaryIO, folder: Path) -> Any:
    return [1, 2, 3]


def look_around(source: BinaryIO, folder: Path) -> dict[str, Any]:
    """What a decoder that was taken over could see."""
    return {
        "environment": sorted(os.environ),
        "descriptors": sorted(int(path.name) for path in Path("/proc/self/fd").iterdir()),
        "source": source.fileno(),
        "group": os.getpgid(0),
        "pid": os.getpid(),
        "core_limit": resource.getrlimit(resource.RLIMIT_CORE),
    }
