"""From a script to the finished files, with engines that are quick and exact."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from talking_head.engines.base import EngineSettings, Framing
from talking_head.engines.speech.hibari import HibariSpeech
from talking_head.errors import OptionError, PortraitError, RendererError, ScriptError, TalkingHeadError
from talking_head.media_io.audio import write_flac
from talking_head.pipeline.cache.store import CLIPS, ContentCache
from talking_head.pipeline.performance import STAGES
from talking_head.pipeline.render_clip import ClipRenderer
from talking_head.pipeline.render_script import RenderedScript, RenderProgress, RenderScriptRequest, render_script
from talking_head.pipeline.requests import ClipRequest, ClipResult, EventSink
from tests.media import inspect_video
from tests.talking_head.fakes import FakeFace, FakeSpeech

SCRIPT = """# Leaves

The leaf is green. The root is brown.

# Flowers

The flower is red.
"""


@pytest.fixture
def script_request(tmp_path: Path, portrait_png: Path) -> RenderScriptRequest:
    return RenderScriptRequest(
        script=SCRIPT,
        out_path=tmp_path / "lesson.mp4",
        portrait_path=portrait_png,
        captions_path=tmp_path / "lesson.vtt",
        metrics_path=tmp_path / "metrics.json",
        title="Plants",
        profile="fast",
        speech="fakespeech",
        face="fakeface",
    )


def ignore(_progress: RenderProgress) -> None:
    pass


def run(request: RenderScriptRequest, renderer: ClipRenderer, cache: ContentCache) -> RenderedScript:
    return render_script(request, renderer, cache, ignore)


def test_a_script_becomes_video_captions_and_metrics(
    renderer: ClipRenderer, cache: ContentCache, script_request: RenderScriptRequest, tmp_path: Path
) -> None:
    rendered = run(script_request, renderer, cache)

    info = inspect_video(script_request.out_path)
    assert info == rendered.video
    assert info.frame_count == sum(clip.result.frame_count for clip in rendered.clips)
    assert [clip.request.text.strip() for clip in rendered.clips] == [
        "The leaf is green.",
        "The root is brown.",
        "The flower is red.",
    ]
    with av.open(str(script_request.out_path)) as source:
        assert source.metadata["title"] == "Plants"
        assert [chapter["metadata"]["title"] for chapter in source.chapters()] == ["Leaves", "Flowers"]
    assert script_request.captions_path is not None
    captions = script_request.captions_path.read_text(encoding="utf-8")
    assert captions.startswith("WEBVTT")
    assert "flower" in captions
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "lesson.mp4",
        "lesson.vtt",
        "metrics.json",
    ]


def test_metrics_have_the_agreed_keys(
    renderer: ClipRenderer, cache: ContentCache, script_request: RenderScriptRequest
) -> None:
    rendered = run(script_request, renderer, cache)

    assert script_request.metrics_path is not None
    metrics = json.loads(script_request.metrics_path.read_text())
    assert metrics == rendered.metrics
    assert set(metrics) == {
        "job", "outcome", "error", "profile", "timeout_seconds", "total_seconds", "video_seconds", "real_time_factor",
        "stages", "clips", "engines", "resources", "chosen",
    }  # fmt: skip
    assert tuple(metrics["stages"]) == STAGES
    assert metrics["outcome"] == "completed"
    assert metrics["error"] is None
    assert metrics["profile"] == "fast"
    assert metrics["timeout_seconds"] == 300
    assert metrics["video_seconds"] == pytest.approx(rendered.video.video_seconds)
    assert metrics["real_time_factor"] == pytest.approx(metrics["total_seconds"] / metrics["video_seconds"], rel=0.01)
    assert [clip["index"] for clip in metrics["clips"]] == [0, 1, 2]
    assert metrics["engines"] == {"speech": "fakespeech 1", "face": "fakeface 1", "enhancer": "none"}
    assert set(metrics["resources"]) == {"cpu_percent", "rss_peak_bytes", "gpu"}
    assert metrics["resources"]["rss_peak_bytes"] > 10_000_000
    assert set(metrics["resources"]["gpu"]) == {"available", "name", "memory_peak_bytes"}


def test_one_changed_sentence_renders_one_clip(
    renderer: ClipRenderer, cache: ContentCache, script_request: RenderScriptRequest
) -> None:
    first = run(script_request, renderer, cache)
    FakeSpeech.spoken.clear()

    second = run(replace(script_request, script=SCRIPT.replace("brown", "long")), renderer, cache)

    assert FakeSpeech.spoken == ["The root is long."]
    assert [clip.result.cached for clip in second.clips] == [True, False, True]
    assert [a.result.clip_key == b.result.clip_key for a, b in zip(first.clips, second.clips, strict=True)] == [
        True,
        False,
        True,
    ]


def test_the_same_script_gives_the_same_file(
    renderer: ClipRenderer, cache: ContentCache, script_request: RenderScriptRequest, tmp_path: Path
) -> None:
    run(script_request, renderer, cache)
    again = run(replace(script_request, out_path=tmp_path / "again.mp4"), renderer, cache)
    assert all(clip.result.cached for clip in again.clips)
    assert (tmp_path / "again.mp4").read_bytes() == script_request.out_path.read_bytes()


def test_progress_rises_to_the_end(
    renderer: ClipRenderer, cache: ContentCache, script_request: RenderScriptRequest
) -> None:
    seen: list[RenderProgress] = []
    render_script(script_request, renderer, cache, seen.append)
    shares = [progress.done_share for progress in seen if progress.event.stage in ("frames", "encode", "done")]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert [progress.index for progress in seen if progress.event.stage == "done"] == [0, 1, 2]
    assert {progress.clips for progress in seen} == {3}


class FailsOnce(ClipRenderer):
    """Fails on one sentence, as a crashing engine would, unless asked for the stand-in."""

    def render(self, request: ClipRequest, on_event: EventSink = lambda _event: None) -> ClipResult:
        if "brown" in request.text and not request.fallback:
            raise RendererError("The engine stumbled.", code="engine_failed")
        return super().render(request, on_event)


@pytest.mark.usefixtures("fake_engines")
def test_a_sentence_that_fails_is_stood_in_for_alone(
    cache: ContentCache, engine_settings: EngineSettings, script_request: RenderScriptRequest
) -> None:
    # A profile whose fake clips have the still engine's size.
    monkey_sized = replace(script_request, profile="fast", face="still")
    rendered = run(monkey_sized, FailsOnce(cache, engine_settings), cache)

    assert [clip.request.fallback for clip in rendered.clips] == [False, True, False]
    assert rendered.metrics["outcome"] == "fallback"
    assert rendered.metrics["error"] == {"code": "engine_failed", "message": "The engine stumbled."}
    assert rendered.metrics["clips"][1]["is_fallback"]
    assert rendered.metrics["clips"][1]["error"]["code"] == "engine_failed"
    assert inspect_video(script_request.out_path).frame_count == rendered.video.frame_count


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"script": "  "}, ScriptError, "empty_script"),
        ({"profile": "sublime"}, OptionError, "unknown_profile"),
        ({"face": "marionette"}, OptionError, "unknown_engine"),
        ({"portrait_path": Path("/nowhere.png")}, PortraitError, "portrait_missing"),
        ({"portrait_path": None}, PortraitError, "no_portrait"),
    ],
)
def test_wrong_input_writes_metrics_and_nothing_else(
    renderer: ClipRenderer,
    cache: ContentCache,
    script_request: RenderScriptRequest,
    tmp_path: Path,
    change: dict[str, Any],
    error: type[TalkingHeadError],
    code: str,
) -> None:
    with pytest.raises(error) as caught:
        run(replace(script_request, **change), renderer, cache)
    assert caught.value.code == code
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["metrics.json"]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["outcome"] == "failed"
    assert metrics["error"]["code"] == code
    assert metrics["real_time_factor"] is None


def test_an_interruption_keeps_finished_clips_and_no_file(
    renderer: ClipRenderer, cache: ContentCache, script_request: RenderScriptRequest, tmp_path: Path
) -> None:
    def interrupt(progress: RenderProgress) -> None:
        if progress.index == 1 and progress.event.stage == "frames":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_script(script_request, renderer, cache, interrupt)

    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    assert cache.stats()[CLIPS].entries == 1
    assert list((cache.root / "tmp").iterdir()) == []
    FakeFace.prepared.clear()
    assert [clip.result.cached for clip in run(script_request, renderer, cache).clips] == [True, False, False]


def test_a_recording_speaks_instead_of_a_voice(
    renderer: ClipRenderer,
    cache: ContentCache,
    engine_settings: EngineSettings,
    script_request: RenderScriptRequest,
    tmp_path: Path,
) -> None:
    voice = HibariSpeech(engine_settings)
    sentences = ["The leaf is green.", "The root is brown.", "The flower is red."]
    speeches = [voice.speak(text, text, voice="", speed=1.0) for text in sentences]
    narration = tmp_path / "narration.flac"
    write_flac(narration, np.concatenate([speech.waveform for speech in speeches]), speeches[0].sample_rate_hz)

    rendered = run(replace(script_request, audio_path=narration, speech="auto"), renderer, cache)

    assert FakeSpeech.spoken == []
    assert rendered.metrics["engines"]["speech"].startswith("recorded ")
    assert script_request.captions_path is not None
    assert "flower" in script_request.captions_path.read_text(encoding="utf-8")
    spoken_seconds = sum(len(speech.waveform) / speech.sample_rate_hz for speech in speeches)
    assert rendered.video.video_seconds == pytest.approx(spoken_seconds, abs=3)


def test_a_recording_and_a_voice_exclude_each_other(
    renderer: ClipRenderer, cache: ContentCache, script_request: RenderScriptRequest, tmp_path: Path
) -> None:
    with pytest.raises(OptionError) as caught:
        run(replace(script_request, audio_path=tmp_path / "narration.wav", voice="beep"), renderer, cache)
    assert caught.value.code == "audio_and_voice"


def test_auto_is_settled_by_this_machine_and_the_metrics_say_why(
    script_request: RenderScriptRequest, renderer: ClipRenderer, cache: ContentCache
) -> None:
    metrics = run(replace(script_request, profile="auto"), renderer, cache).metrics
    assert metrics["profile"] in ("fast", "balanced", "quality")
    assert metrics["chosen"]["asked_profile"] == "auto"
    assert metrics["chosen"]["profile_reason"]
    assert metrics["chosen"]["face_reason"] == "", "it was named"


@pytest.mark.parametrize(("side_px", "outcome"), [(256, "completed"), (0, "fallback")])
def test_a_sentence_that_does_not_fit_into_the_memory_is_drawn_smaller_and_then_stood_in_for(
    script_request: RenderScriptRequest,
    renderer: ClipRenderer,
    cache: ContentCache,
    monkeypatch: pytest.MonkeyPatch,
    side_px: int,
    outcome: str,
) -> None:
    """``side_px`` is the first size that is too large."""
    prepare = FakeFace.prepare

    def little_memory(self: FakeFace, portrait: Any, framing: Framing) -> Any:
        if framing.size_px >= side_px:
            raise MemoryError
        return prepare(self, portrait, framing)

    monkeypatch.setattr(FakeFace, "prepare", little_memory)
    rendered = run(script_request, renderer, cache)
    assert rendered.metrics["outcome"] == outcome
    assert rendered.video.width_px == 256
    assert all(bool(clip.result.notices) is (outcome == "completed") for clip in rendered.clips)
    assert all((clip.error is not None) is (outcome == "fallback") for clip in rendered.clips)
