"""The performance metrics of a job: the content of ``performance_metrics_<job>.json``."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talking_head.errors import TalkingHeadError
from talking_head.pipeline.requests import ClipResult

STAGES = ("validation", "speech", "motion", "frames", "enhance", "encode", "publish")


def clip_metrics(
    index: int,
    result: ClipResult,
    seconds: float,
    *,
    is_fallback: bool = False,
    error: TalkingHeadError | None = None,
) -> dict[str, Any]:
    """Return one entry of the metrics' ``clips``. ``seconds`` is wall time; ``error`` is why the clip is a fallback."""
    return {
        "index": index,
        "cached": result.cached,
        "take_cached": result.take_cached,
        "seconds": round(seconds, 4),
        "video_seconds": result.video_seconds,
        "frames": result.frame_count,
        "stages": result.stages,
        "is_fallback": is_fallback,
        "error": error_summary(error),
        "notices": list(result.notices),
    }


def error_summary(error: TalkingHeadError | None) -> dict[str, str] | None:
    """Return ``{code, message}`` for the metrics, or None without an error."""
    return {"code": error.code, "message": error.message} if error else None


def performance_metrics(
    *,
    job: str | None,
    outcome: str,
    error: dict[str, str] | None,
    profile: str,
    timeout_seconds: float,
    total_seconds: float,
    clips: Sequence[dict[str, Any]],
    engines: dict[str, str],
    publish_seconds: float,
    resources: dict[str, Any],
) -> dict[str, Any]:
    """Return the whole document.

    Stage seconds are sums over the clips; drawing and encoding overlap, so they may exceed ``total_seconds``.
    ``real_time_factor`` is total over video seconds, null when there is no video.
    """
    video_seconds = round(sum(clip["video_seconds"] or 0.0 for clip in clips), 3)
    return {
        "job": job,
        "outcome": outcome,
        "error": error,
        "profile": profile,
        "timeout_seconds": round(timeout_seconds, 3),
        "total_seconds": round(total_seconds, 3),
        "video_seconds": video_seconds,
        "real_time_factor": round(total_seconds / video_seconds, 4) if video_seconds else None,
        "stages": _stage_seconds((clip["stages"] for clip in clips), publish_seconds),
        "clips": list(clips),
        "engines": {"speech": "", "face": "", "enhancer": "", **engines},
        "resources": resources,
    }


def _stage_seconds(stages: Iterable[dict[str, float]], publish_seconds: float) -> dict[str, float]:
    totals = dict.fromkeys(STAGES, 0.0)
    for clip in stages:
        for name, seconds in clip.items():
            totals[name] = totals.get(name, 0.0) + seconds
    totals["publish"] += publish_seconds
    return {name: round(seconds, 4) for name, seconds in totals.items()}


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What other processes have used for the work."""

    cpu_seconds: float = 0.0
    rss_peak_bytes: int = 0
    gpu: dict[str, Any] | None = None

    def plus(self, usage: dict[str, Any]) -> ProcessUsage:
        """Return the sum with the usage of one request, as a renderer process reports it."""
        return ProcessUsage(
            self.cpu_seconds + float(usage.get("cpu_seconds") or 0),
            max(self.rss_peak_bytes, int(usage.get("rss_peak_bytes") or 0)),
            usage.get("gpu") or self.gpu,
        )


class ResourceMeter:
    """Processor and memory use since the meter was created, of this process and of those that worked for it."""

    def __init__(self) -> None:
        self._wall = time.monotonic()
        self._cpu = _cpu_seconds()

    def read(self, others: ProcessUsage | None = None) -> dict[str, Any]:
        """Return ``cpu_percent`` (100 = one core in full), ``rss_peak_bytes`` (the largest process's) and ``gpu``."""
        others = others or ProcessUsage()
        wall = max(time.monotonic() - self._wall, 1e-6)
        return {
            "cpu_percent": round(100 * (_cpu_seconds() - self._cpu + others.cpu_seconds) / wall, 1),
            "rss_peak_bytes": max(rss_peak_bytes(), others.rss_peak_bytes),
            "gpu": others.gpu or gpu_stats(),
        }


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rss_peak_bytes() -> int:
    """Return the most memory that this process ever had resident.

    It is read from /proc where there is one: getrusage's value is inherited from the parent over fork and exec.
    """
    try:
        status = Path(f"/proc/{os.getpid()}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def gpu_stats() -> dict[str, Any]:
    """Return ``available``, ``name`` and ``memory_peak_bytes``; ask torch only when an engine has already loaded it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {"available": False, "name": None, "memory_peak_bytes": None}
    return {
        "available": True,
        "name": torch.cuda.get_device_name(0),
        "memory_peak_bytes": int(torch.cuda.max_memory_allocated(0)),
    }
