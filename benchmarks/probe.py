"""Measurements that need a process of their own: the first clip of a cold renderer, and peak memory.

``python -m benchmarks.probe first_clip PORTRAIT CACHE CLICKED_AT`` · ``python -m benchmarks.probe memory PORTRAIT CACHE
SECONDS``. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def first_clip(portrait: str, cache: str, clicked_at: str) -> dict[str, float]:
    """Return the seconds from ``clicked_at`` (the parent's time.time()) to the first preview and the first clip."""
    from benchmarks.measure import clip_request, make_renderer
    from talking_head.pipeline.requests import RenderEvent

    preview_at: list[float] = []

    def on_event(event: RenderEvent) -> None:
        if event.preview_jpeg and not preview_at:
            preview_at.append(time.time())

    renderer, _ = make_renderer(Path(cache))
    renderer.render(clip_request("The first sentence of a new lesson.", Path(portrait)), on_event)
    clicked = float(clicked_at)
    return {"first_preview_seconds": preview_at[0] - clicked, "first_clip_seconds": time.time() - clicked}


def memory(portrait: str, cache: str, seconds: str) -> dict[str, float]:
    """Return the peak resident memory of this process after rendering a lesson of that length at 512 px."""
    from benchmarks.lesson_text import lesson
    from benchmarks.measure import make_renderer, render_lesson
    from talking_head.pipeline.performance import rss_peak_bytes

    renderer, content = make_renderer(Path(cache))
    with tempfile.TemporaryDirectory() as folder:
        rendered = render_lesson(lesson(float(seconds)), Path(portrait), Path(folder) / "x.mp4", renderer, content)
    return {"video_seconds": rendered.video.video_seconds, "rss_peak_bytes": rss_peak_bytes()}


PROBES = {"first_clip": first_clip, "memory": memory}

if __name__ == "__main__":
    result: dict[str, Any] = PROBES[sys.argv[1]](*sys.argv[2:])
    json.dump(result, sys.stdout)
