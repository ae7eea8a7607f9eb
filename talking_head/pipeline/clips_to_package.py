"""Packages a job's clips as the files that are published: the renderer process's second kind of work. No Django."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from talking_head.engines.base import Take
from talking_head.errors import RendererError
from talking_head.media_io.video import VideoInfo, decode_frames
from talking_head.pipeline.cache.entries import CLIP_POSTER, CLIP_VIDEO
from talking_head.pipeline.cache.store import CLIPS, TAKES, ContentCache
from talking_head.pipeline.cache.takes import load_take
from talking_head.pipeline.clips_to_video import ChapterStart, clips_to_video
from talking_head.pipeline.manifest import ManifestClip, build_manifest
from talking_head.pipeline.package_request import PackageClip, PackageRequest, PackageResult
from talking_head.pipeline.requests import ClipRequest, ClipResult
from talking_head.pipeline.script.script_to_utterances import Utterance
from talking_head.pipeline.takes_to_captions import captioned_utterances, captions, transcript

FRAMES_TO_DECODE = 50  # two seconds: a file whose first frames decode was muxed with the right parameters


def package(request: PackageRequest, cache: ContentCache) -> PackageResult:
    """Write the published files into a new folder, and check that the video can be decoded. The folder must not exist.

    The files are ``video.mp4``, ``captions.vtt``, ``transcript.json``, ``poster.jpg`` and ``manifest.json``.

    Raises:
        RendererError: ``clip_missing``, ``clips_differ``, ``clip_damaged``, ``video_length``, ``video_unreadable``.
        ResourceError: the file system refuses to read or write.
    """
    folder = Path(request.folder)
    folder.mkdir(parents=True)
    results = [ClipResult.from_json(clip.result) for clip in request.clips]
    clip_folders = [_entry(cache, CLIPS, result.clip_key) for result in results]
    utterances = list(
        captioned_utterances(
            [_utterance(clip) for clip in request.clips],
            (_take(cache, result) for result in results),
            fallbacks={clip.index for clip in request.clips if clip.is_fallback},
        )
    )

    video = folder / "video.mp4"
    info = clips_to_video(
        [clip / CLIP_VIDEO for clip in clip_folders],
        video,
        title=request.title,
        language=request.language,
        chapters=[ChapterStart(clip.chapter, index) for index, clip in enumerate(request.clips) if clip.chapter],
        is_recorded=any(ClipRequest.from_json(clip.request).narration_path for clip in request.clips),
    )
    _check_decodable(video, info)
    (folder / "captions.vtt").write_text(captions(utterances), encoding="utf-8")
    _write_json(folder / "transcript.json", transcript(utterances))
    shutil.copyfile(clip_folders[0] / CLIP_POSTER, folder / "poster.jpg")
    manifest = build_manifest(
        request.script,
        [
            ManifestClip(ClipRequest.from_json(clip.request), result, clip.is_fallback)
            for clip, result in zip(request.clips, results, strict=True)
        ],
        video,
        info,
        [folder / name for name in ("captions.vtt", "transcript.json", "poster.jpg")],
    )
    _write_json(folder / "manifest.json", manifest)
    return PackageResult(
        info.video_seconds, info.frame_count, info.width_px, info.height_px, manifest["video"]["sha256"]
    )


def _utterance(clip: PackageClip) -> Utterance:
    request = ClipRequest.from_json(clip.request)
    return Utterance(
        index=clip.index,
        text=request.text,
        spoken=request.spoken,
        start=clip.start,
        end=clip.end,
        pause_seconds=request.pause_seconds,
        chapter=clip.chapter,
    )


def _entry(cache: ContentCache, kind: str, key: str) -> Path:
    folder = cache.get(kind, key)
    if folder is None:
        raise RendererError("A finished clip is no longer in the cache.", code="clip_missing", hint="Try again.")
    return folder


def _take(cache: ContentCache, result: ClipResult) -> Take:
    """Return a clip's take. Of one that is damaged or missing the clip is removed too: the next publisher finds that it
    is missing and has it rendered again, which makes both."""
    try:
        return load_take(_entry(cache, TAKES, result.take_key))
    except RendererError:
        cache.remove(TAKES, result.take_key)
        cache.remove(CLIPS, result.clip_key)
        raise


def _check_decodable(video: Path, info: VideoInfo) -> None:
    expected = min(FRAMES_TO_DECODE, info.frame_count)
    decoded = sum(1 for _, _ in zip(range(expected), decode_frames(video), strict=False))
    if decoded < expected:
        raise RendererError("The finished video cannot be decoded.", code="video_unreadable")


def _write_json(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
