"""The measurements behind ``manage.py benchmark``. Each returns plain figures; every one starts from an empty cache."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from benchmarks.lesson_text import lesson, sentences
from benchmarks.machine import describe_machine
from talking_head.engines import registry
from talking_head.engines.base import EngineSettings, Framing
from talking_head.pipeline.cache.store import ContentCache
from talking_head.pipeline.frames_to_clip import frames_to_clip
from talking_head.pipeline.portrait_to_source import load_portrait, portrait_to_source
from talking_head.pipeline.render_clip import ClipRenderer
from talking_head.pipeline.render_script import RenderedScript, RenderScriptRequest, render_script
from talking_head.pipeline.requests import ClipRequest, RenderEvent
from talking_head.pipeline.utterance_to_take import utterance_to_take

SIZES_PX = (128, 256, 512)
PROFILE = "quality"  # 512 px without a crop: the most expensive of the three
PROBE_TIMEOUT_SECONDS = 1_800
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. ``quick``: fewer repeats and shorter lessons, for a first look."""

    portrait: Path
    quick: bool = False

    @property
    def repeats(self) -> int:
        return 2 if self.quick else 5

    @property
    def lesson_seconds(self) -> float:
        return 20.0 if self.quick else 60.0

    @property
    def long_lesson_sentences(self) -> int:
        return 20 if self.quick else 200

    @property
    def memory_seconds(self) -> tuple[float, float]:
        return (20.0, 60.0) if self.quick else (60.0, 600.0)


def run_all(plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Run all measurements one after the other; ``say`` is called with the name of each."""
    figures: dict[str, Any] = {"machine": describe_machine(), "quick": plan.quick}
    for name, measurement in MEASUREMENTS.items():
        say(name.replace("_", " "))
        figures[name] = measurement(plan)
    figures["machine"]["load_1_minute_after"] = describe_machine()["load_1_minute"]
    return figures


# --- tools ------------------------------------------------------------------------------------------------------------


def engine_settings() -> EngineSettings:
    return EngineSettings(checkpoints_dir=ROOT / "checkpoints")


def make_renderer(root: Path) -> tuple[ClipRenderer, ContentCache]:
    cache = ContentCache(root)
    return ClipRenderer(cache, engine_settings()), cache


def clip_request(text: str, portrait: Path) -> ClipRequest:
    return ClipRequest(
        text=text,
        spoken=text,
        portrait_path=str(portrait),
        profile=PROFILE,
        speech=registry.resolve("speech", registry.AUTO),
        face=registry.resolve("face", registry.AUTO),
    )


def render_lesson(
    script: str, portrait: Path, out: Path, renderer: ClipRenderer, cache: ContentCache, profile: str = PROFILE
) -> RenderedScript:
    request = RenderScriptRequest(
        script=script,
        out_path=out,
        portrait_path=portrait,
        profile=profile,
        face=registry.resolve("face", registry.AUTO),
    )
    return render_script(request, renderer, cache, lambda _progress: None)


@contextmanager
def bench_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lectern-benchmark-") as folder:
        yield Path(folder)


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def probe(name: str, *arguments: object) -> dict[str, float]:
    """Run :mod:`benchmarks.probe` in a fresh process and return its figures."""
    command = [sys.executable, "-m", "benchmarks.probe", name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=PROBE_TIMEOUT_SECONDS)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


# --- measurements -----------------------------------------------------------------------------------------------------


def milliseconds_per_frame(plan: Plan) -> dict[str, dict[str, float]]:
    """Measure each stage by itself, at three sizes of the cropped face; medians.

    ``together`` is drawing and encoding at once, as the renderer does it.
    """
    speech = registry.create("speech", registry.AUTO, engine_settings())
    face = registry.create("face", registry.AUTO, engine_settings())
    portrait = load_portrait(plan.portrait)
    texts = sentences(plan.repeats + 1)
    utterance_to_take(speech, clip_request(texts[-1], plan.portrait))  # models load
    figures = {}
    for size_px in SIZES_PX:
        source = portrait_to_source(face, portrait, Framing("crop", size_px))
        rows = [_stage_milliseconds(speech, face, source, clip_request(text, plan.portrait)) for text in texts[:-1]]
        figures[str(size_px)] = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    return figures


def _stage_milliseconds(speech: Any, face: Any, source: Any, request: ClipRequest) -> dict[str, float]:
    started = time.perf_counter()
    take = utterance_to_take(speech, request)
    spoken = time.perf_counter()
    motion = face.motion(source, take, text=request.text, seed=1, expression_scale=1.0)
    moved = time.perf_counter()
    frames = [frame.copy() for frame in face.frames(source, motion)]
    drawn = time.perf_counter()
    with bench_folder() as folder:
        alone = frames_to_clip(iter(frames), take, folder / "a.mp4", on_frame=lambda *_: None)
        del frames
        together = seconds_of(
            lambda: frames_to_clip(face.frames(source, motion), take, folder / "b.mp4", on_frame=lambda *_: None)
        )
    stages = {
        "speech": spoken - started,
        "motion": moved - spoken,
        "frames": drawn - moved,
        "encode": alone.encode_seconds,
        "together": together,
    }
    return {name: 1000 * seconds / take.frame_count for name, seconds in stages.items()}


def lesson_to_mp4(plan: Plan) -> dict[str, dict[str, float]]:
    """Measure from text to the finished MP4 with warm engines, by profile; every sentence is new."""
    figures = {}
    with bench_folder() as folder:
        renderer, cache = make_renderer(folder / "cache")
        for profile in ("fast", PROFILE):
            render_lesson("Warming up.", plan.portrait, folder / "x.mp4", renderer, cache, profile)
            runs = []
            for part in range(1 if plan.quick else 3):
                script = lesson(plan.lesson_seconds, part)
                started = time.perf_counter()
                rendered = render_lesson(script, plan.portrait, folder / "x.mp4", renderer, cache, profile)
                seconds = time.perf_counter() - started
                runs.append((seconds / rendered.video.video_seconds, seconds, rendered.video.video_seconds))
            factor, seconds, video_seconds = sorted(runs)[len(runs) // 2]
            figures[profile] = {
                "size_px": rendered.video.width_px,
                "video_seconds": video_seconds,
                "total_seconds": seconds,
                "real_time_factor": factor,
                "kilobits_per_second": (folder / "x.mp4").stat().st_size * 8 / 1000 / rendered.video.video_seconds,
            }
            cache.prune(max_bytes=0)
    return figures


def first_clip(plan: Plan) -> dict[str, dict[str, float]]:
    """Measure from the request to the first preview picture and to the first clip that can be watched.

    ``warm``: engines and portrait are in memory. ``new_portrait``: engines are, the portrait is not. ``cold``: a
    process that is started after the clock. Medians.
    """
    runs: dict[str, list[dict[str, float]]] = {"warm": [], "new_portrait": [], "cold": []}
    with bench_folder() as folder:
        renderer, _ = make_renderer(folder / "cache")
        renderer.render(clip_request("Warming up.", plan.portrait))
        for number in range(plan.repeats):
            text = sentences(number + 1)[-1]
            runs["warm"].append(_first_seconds(renderer, clip_request(text, plan.portrait)))
            changed = _copy_with_other_bytes(plan.portrait, folder / f"portrait{number}.png", number)
            runs["new_portrait"].append(_first_seconds(renderer, clip_request(text, changed)))
            runs["cold"].append(probe("first_clip", plan.portrait, folder / f"cold{number}", time.time()))
    return {name: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for name, rows in runs.items()}


def _first_seconds(renderer: ClipRenderer, request: ClipRequest) -> dict[str, float]:
    previews: list[float] = []

    def on_event(event: RenderEvent) -> None:
        if event.preview_jpeg and not previews:
            previews.append(time.perf_counter())

    started = time.perf_counter()
    result = renderer.render(request, on_event)
    finished = time.perf_counter()
    return {
        "first_preview_seconds": previews[0] - started,
        "first_clip_seconds": finished - started,
        "video_seconds": result.video_seconds,
    }


def _copy_with_other_bytes(portrait: Path, copy: Path, number: int) -> Path:
    """Write the same picture with another digest, and return its path: one pixel in a corner differs."""
    rgb = load_portrait(portrait).rgb.copy()
    rgb[0, 0] = number
    cv2.imwrite(str(copy), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return copy


def rendering_again(plan: Plan) -> dict[str, float]:
    """Measure sentences in a fresh process, with the same portrait and new words, and with the same words."""
    with bench_folder() as folder:
        firsts = [
            probe("first_clip", plan.portrait, folder / f"cold{number}", time.time())["first_clip_seconds"]
            for number in range(plan.repeats)
        ]
        renderer, _ = make_renderer(folder / "cache")
        renderer.render(clip_request("Warming up.", plan.portrait))
        requests = [clip_request(text, plan.portrait) for text in sentences(plan.repeats)]
        new_text = [_first_seconds(renderer, request)["first_clip_seconds"] for request in requests]
        same_text = []
        for request in requests:
            started = time.perf_counter()
            renderer.render(request)
            same_text.append(time.perf_counter() - started)
    first, new, same = (statistics.median(seconds) for seconds in (firsts, new_text, same_text))
    return {
        "first_time_seconds": first,
        "same_portrait_new_text_seconds": new,
        "first_over_new_text": first / new,
        "same_text_again_seconds": same,
    }


def one_sentence_edit(plan: Plan) -> dict[str, float]:
    """Measure a change of one sentence in the middle of a long lesson: text to finished MP4."""
    texts = sentences(plan.long_lesson_sentences)
    with bench_folder() as folder:
        renderer, cache = make_renderer(folder / "cache")
        out = folder / "lesson.mp4"
        whole = seconds_of(lambda: render_lesson(" ".join(texts), plan.portrait, out, renderer, cache))
        edits, clips = [], []
        for number in range(plan.repeats):
            texts[len(texts) // 2] = f"{sentences(plan.long_lesson_sentences + number + 1)[-1][:-1]}, once again."
            started = time.perf_counter()
            edited = render_lesson(" ".join(texts), plan.portrait, out, renderer, cache)
            edits.append(time.perf_counter() - started)
            clips += [clip.seconds for clip in edited.clips if not clip.result.cached]
        unchanged = seconds_of(lambda: render_lesson(" ".join(texts), plan.portrait, out, renderer, cache))
    return {
        "sentences": len(texts),
        "whole_seconds": whole,
        "edit_seconds": statistics.median(edits),
        "one_clip_seconds": statistics.median(clips),
        "edit_over_one_clip": statistics.median(edits) / statistics.median(clips),
        "clips_rendered_per_edit": len(clips) / len(edits),
        "same_lesson_again_seconds": unchanged,
    }


def memory(plan: Plan) -> dict[str, float]:
    """Measure the peak resident memory of processes that render a short and a long lesson."""
    short_seconds, long_seconds = plan.memory_seconds
    with bench_folder() as folder:
        short = probe("memory", plan.portrait, folder / "short", short_seconds)
        long = probe("memory", plan.portrait, folder / "long", long_seconds)
    return {
        "short_video_seconds": short["video_seconds"],
        "short_megabytes": short["rss_peak_bytes"] / 1e6,
        "long_video_seconds": long["video_seconds"],
        "long_megabytes": long["rss_peak_bytes"] / 1e6,
        "long_over_short": long["rss_peak_bytes"] / short["rss_peak_bytes"],
    }


MEASUREMENTS: dict[str, Callable[[Plan], dict[str, Any]]] = {
    "milliseconds_per_frame": milliseconds_per_frame,
    "lesson_to_mp4": lesson_to_mp4,
    "first_clip": first_clip,
    "rendering_again": rendering_again,
    "one_sentence_edit": one_sentence_edit,
    "memory": memory,
}
