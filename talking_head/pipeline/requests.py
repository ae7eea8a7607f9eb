"""The requests and results of the pipeline: plain data, JSON-able, without database paths.

They cross the pipe to the renderer process (see :mod:`talking_head.renderer.protocol`), so every field is a str,
number, bool, None or a tuple of these; ``to_json`` and ``from_json`` are exact inverses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """Everything that decides the bytes of one clip."""

    text: str  # the utterance as written
    spoken: str  # the same as it is spoken (numbers in words, markup gone); empty for a pause
    pause_seconds: float = 0.0  # silence after the words, from blank lines and [pause]
    language: str = "en"
    voice: str = ""  # "" = the speech engine's default
    speed: float = 1.0
    portrait_path: str = ""  # "" = no portrait: the still engine's neutral card
    portrait_digest: str = ""
    narration_path: str = ""  # "" = a synthetic voice speaks; otherwise this span of a recording, as mono FLAC
    narration_digest: str = ""
    narration_start_seconds: float = 0.0
    narration_end_seconds: float = 0.0
    profile: str = "balanced"
    speech: str = "hibari"  # resolved engine names, never "auto"
    face: str = "puppet"
    half_resolution: bool = False  # True = memory ran out: draw at half resolution, without enhancer
    fallback: bool = False  # True = this replaces a clip that failed: still face, marked as such
    width_px: int = 0  # of a fallback: the size of its neighbours; 0 = as the still engine draws it
    height_px: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ClipRequest:
        return cls(**values)


@dataclass(frozen=True, slots=True)
class RenderEvent:
    """Progress inside one clip. ``preview_jpeg`` is a small frame, at most a few per second."""

    stage: str  # validation, speech, motion, frames, enhance, encode
    frame: int = 0
    frames: int = 0
    preview_jpeg: bytes = b""


EventSink = Callable[[RenderEvent], None]


def ignore_events(_event: RenderEvent) -> None:
    """Ignore the event: an :data:`EventSink` for callers that show no progress."""


@dataclass(frozen=True, slots=True)
class ClipResult:
    """The result of one clip: cache keys (never paths) and values for the metrics."""

    clip_key: str
    take_key: str
    video_seconds: float
    frame_count: int
    width_px: int
    height_px: int
    cached: bool  # the clip was already in the cache
    take_cached: bool
    stages: dict[str, float] = field(default_factory=dict)  # stage name -> seconds
    engines: dict[str, str] = field(default_factory=dict)  # speech, face, enhancer -> "name version"
    video_sha256: str = ""  # of the clip's video; "" for clips of releases that did not record it
    notices: tuple[str, ...] = ()  # visible downgrades, e.g. "The picture was not enhanced: gfpgan is not installed."

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ClipResult:
        """Return the result, even of another release: fields unknown here are left out, missing ones are empty."""
        known = {item.name: values[item.name] for item in fields(cls) if item.name in values}
        return cls(**{**_EMPTY_RESULT, **known, "notices": tuple(values.get("notices", ()))})


_EMPTY_RESULT: dict[str, Any] = {
    "clip_key": "",
    "take_key": "",
    "video_seconds": 0.0,
    "frame_count": 0,
    "width_px": 0,
    "height_px": 0,
    "cached": False,
    "take_cached": False,
}
