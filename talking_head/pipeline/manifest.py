"""The render manifest: the inputs, versions and cache keys that a video was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from talking_head.digests import sha256_of_file
from talking_head.media_io.video import ENCODING_VERSION, VideoInfo
from talking_head.pipeline.requests import ClipRequest, ClipResult

FORMAT = 1
# Packages whose version can change the bytes of a clip.
LIBRARIES = ("av", "numpy", "opencv-python-headless", "scipy", "soxr", "hibari-tts", "onnxruntime", "torch")


@dataclass(frozen=True, slots=True)
class ManifestClip:
    """One clip of the video: the request, and the renderer's result."""

    request: ClipRequest
    result: ClipResult
    is_fallback: bool = False


def build_manifest(
    script: str, clips: Sequence[ManifestClip], video: Path, info: VideoInfo, others: Iterable[Path] = ()
) -> dict[str, Any]:
    """Return the manifest, JSON-able and always the same for the same render: it holds no times of day and no paths.
    ``others`` are files published beside the video, whose digests it names."""
    first = clips[0]
    return {
        "format": FORMAT,
        "inputs": {
            "script_sha256": hashlib.sha256(script.encode()).hexdigest(),
            "portrait_sha256": first.request.portrait_digest,
            **{
                name: getattr(first.request, name)
                for name in ("language", "voice", "speed", "profile", "speech", "face")
            },
        },
        "versions": {"encoding": ENCODING_VERSION, "engines": _engines(clips), "libraries": _libraries()},
        "clips": [
            {
                "index": index,
                "text": clip.request.text,
                "spoken": clip.request.spoken,
                "pause_seconds": clip.request.pause_seconds,
                "clip_key": clip.result.clip_key,
                "take_key": clip.result.take_key,
                "frames": clip.result.frame_count,
                "is_fallback": clip.is_fallback,
            }
            for index, clip in enumerate(clips)
        ],
        "video": {
            "sha256": sha256_of_file(video),
            "frames": info.frame_count,
            "seconds": round(info.video_seconds, 3),
            "width_px": info.width_px,
            "height_px": info.height_px,
        },
        "files": {path.name: sha256_of_file(path) for path in others},
    }


def _engines(clips: Sequence[ManifestClip]) -> dict[str, list[str]]:
    """Return the engines used, by kind; more than one where sentences fell back to the still engine."""
    kinds = sorted({kind for clip in clips for kind in clip.result.engines})
    return {
        kind: sorted({clip.result.engines[kind] for clip in clips if kind in clip.result.engines}) for kind in kinds
    }


def _libraries() -> dict[str, str]:
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
