"""The request to the renderer process to join a job's clips, and its result.

It is separate from :mod:`~talking_head.pipeline.clips_to_package` so that the requesting process need not load codecs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PackageClip:
    """A finished clip and its position in the script."""

    index: int
    start: int  # character offsets into the script
    end: int
    chapter: str
    is_fallback: bool
    request: dict[str, Any]  # ClipRequest
    result: dict[str, Any]  # ClipResult


@dataclass(frozen=True, slots=True)
class PackageRequest:
    """The clips to join, and the folder to create."""

    folder: str
    title: str
    language: str
    script: str
    clips: tuple[PackageClip, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> PackageRequest:
        return cls(**{**values, "clips": tuple(PackageClip(**clip) for clip in values["clips"])})


@dataclass(frozen=True, slots=True)
class PackageResult:
    video_seconds: float
    frame_count: int
    width_px: int
    height_px: int
    sha256: str  # of video.mp4

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> PackageResult:
        return cls(**values)
