"""The renderer of one clip: what it makes, what it fetches, and what comes out when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings, EnhancePolicy, Voice
from talking_head.errors import EngineError, OptionError, PortraitError, RendererError, ResourceError, ScriptError
from talking_head.media_io.arrays import Frame
from talking_head.media_io.video import decode_frames
from talking_head.pipeline.cache.entries import CLIP_METADATA, CLIP_POSTER, CLIP_VIDEO, TAKE_SOUND
from talking_head.pipeline.cache.store import CLIPS, TAKES, ContentCache
from talking_head.pipeline.cache.takes import load_take
from talking_head.pipeline.render_clip import ClipRenderer
from talking_head.pipeline.requests import ClipRequest, ClipResult, RenderEvent
from tests.media import decode_sound, inspect_video
from tests.talking_head.fakes import FACELESS_DIGEST, UNSPEAKABLE, FakeFace, FakeSpeech


def clip_video(cache: ContentCache, result: ClipResult) -> Path:
    folder = cache.get(CLIPS, result.clip_key)
    assert folder is not None
    return folder / CLIP_VIDEO


def saying(request: ClipRequest, text: str) -> ClipRequest:
    return replace(request, text=text, spoken=text)


def test_a_clip_holds_the_takes_sound_and_as_many_frames(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest
) -> None:
    result = renderer.render(clip_request)

    path = clip_video(cache, result)
    take_folder = cache.get(TAKES, result.take_key)
    assert take_folder is not None
    take = load_take(take_folder)
    info = inspect_video(path)
    assert info.frame_count == result.frame_count == take.frame_count
    assert (info.width_px, info.height_px) == (result.width_px, result.height_px) == (128, 128)
    heard = decode_sound(path)
    assert len(heard) == len(take.waveform)
    assert float(np.corrcoef(heard, take.waveform)[0, 1]) > 0.99
    assert [word.text for word in take.words] == ["The", "leaf", "is", "green"]
    assert (path.parent / CLIP_POSTER).read_bytes()[:2] == b"\xff\xd8"
    assert not result.cached
    assert result.engines == {"speech": "fakespeech 1", "face": "fakeface 1", "enhancer": "none"}
    assert {"validation", "speech", "motion", "frames", "encode"} <= set(result.stages)
    assert all(seconds >= 0 for seconds in result.stages.values())


def test_the_same_request_again_is_only_looked_up(
    renderer: ClipRenderer, cache: ContentCache, engine_settings: EngineSettings, clip_request: ClipRequest
) -> None:
    first = renderer.render(clip_request)
    FakeSpeech.spoken.clear()
    FakeFace.prepared.clear()

    again = ClipRenderer(cache, engine_settings).render(clip_request)

    assert again.cached and again.take_cached
    assert (again.clip_key, again.take_key, again.frame_count) == (first.clip_key, first.take_key, first.frame_count)
    assert FakeSpeech.spoken == [] and FakeFace.prepared == []


def test_another_size_films_the_same_take_again(renderer: ClipRenderer, clip_request: ClipRequest) -> None:
    first = renderer.render(clip_request)
    second = renderer.render(replace(clip_request, profile="quality"))
    assert second.take_key == first.take_key
    assert second.take_cached and not second.cached
    assert second.clip_key != first.clip_key
    assert len(FakeSpeech.spoken) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"text": "The leaf is red.", "spoken": "The leaf is red."},
        {"voice": "boop"},
        {"speed": 1.25},
        {"pause_seconds": 1.5},
        {"profile": "quality"},
        {"fallback": True},
    ],
)
def test_whatever_decides_the_bytes_decides_the_key(
    renderer: ClipRenderer, clip_request: ClipRequest, change: dict[str, Any]
) -> None:
    first = renderer.render(clip_request)
    other = renderer.render(replace(clip_request, **change))
    assert other.clip_key != first.clip_key
    assert not other.cached


def test_a_new_engine_version_makes_new_clips(
    renderer: ClipRenderer, clip_request: ClipRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = renderer.render(clip_request)
    monkeypatch.setattr(FakeFace, "version", "2")
    second = renderer.render(clip_request)
    assert second.clip_key != first.clip_key
    assert second.take_key == first.take_key


def test_the_portrait_is_prepared_once_for_all_its_clips(renderer: ClipRenderer, clip_request: ClipRequest) -> None:
    for text in ("One leaf.", "Two leaves.", "Three leaves."):
        renderer.render(saying(clip_request, text))
    assert len(FakeFace.prepared) == 1


def test_clips_are_the_same_bytes_in_every_renderer(
    tmp_path: Path, engine_settings: EngineSettings, fake_engines: None, clip_request: ClipRequest
) -> None:
    videos = []
    for name in ("a", "b"):
        cache = ContentCache(tmp_path / name)
        result = ClipRenderer(cache, engine_settings).render(clip_request)
        videos.append(clip_video(cache, result).read_bytes())
    assert videos[0] == videos[1]


def test_events_tell_the_stages_in_order_with_a_preview(renderer: ClipRenderer, clip_request: ClipRequest) -> None:
    events: list[RenderEvent] = []
    result = renderer.render(clip_request, events.append)

    stages = list(dict.fromkeys(event.stage for event in events))
    assert stages == ["validation", "speech", "motion", "frames", "encode"]
    drawn = [event.frame for event in events if event.stage == "frames"]
    assert drawn == sorted(drawn)
    assert events[-1].frame == events[-1].frames == result.frame_count
    previews = [event.preview_jpeg for event in events if event.preview_jpeg]
    assert previews and all(preview[:2] == b"\xff\xd8" for preview in previews)


@pytest.mark.parametrize("file", [CLIP_VIDEO, CLIP_METADATA])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_clip_in_the_cache_is_made_again(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest, file: str, damage: str
) -> None:
    first = renderer.render(clip_request)
    path = clip_video(cache, first).parent / file
    whole = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(whole[:50])

    again = renderer.render(clip_request)

    assert not again.cached
    assert again.take_cached
    assert inspect_video(clip_video(cache, again)).frame_count == first.frame_count


def test_a_damaged_take_is_spoken_again(renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest) -> None:
    first = renderer.render(clip_request)
    folder = cache.get(TAKES, first.take_key)
    assert folder is not None
    (folder / TAKE_SOUND).write_bytes(b"fLaC")
    cache.remove(CLIPS, first.clip_key)

    again = renderer.render(clip_request)

    assert not again.take_cached
    assert len(FakeSpeech.spoken) == 2
    assert again.frame_count == first.frame_count


# --- what goes wrong --------------------------------------------------------------------------------------------------


def entries(cache: ContentCache, kind: str) -> int:
    stats = cache.stats()
    return stats[kind].entries if kind in stats else 0


def test_a_failing_engine_leaves_no_clip_but_keeps_the_take(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeFace, "fail_at_frame", 10)
    with pytest.raises(RendererError) as caught:
        renderer.render(clip_request)
    assert caught.value.code == "told_to_fail"
    assert entries(cache, CLIPS) == 0
    assert entries(cache, TAKES) == 1
    assert not any((cache.root / "tmp").iterdir())


@pytest.mark.parametrize(
    ("raised", "expected", "code"),
    [
        (ZeroDivisionError("float"), RendererError, "engine_failed"),
        (MemoryError(), ResourceError, "out_of_memory"),
        (OSError(28, "No space left on device"), ResourceError, "no_space"),
    ],
)
def test_what_an_engine_throws_comes_out_in_our_words(
    renderer: ClipRenderer,
    clip_request: ClipRequest,
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception,
    expected: type[Exception],
    code: str,
) -> None:
    def broken(self: FakeFace, source: Any, motion: Any) -> Iterator[Frame]:
        yield np.zeros((64, 64, 3), np.uint8)
        raise raised

    monkeypatch.setattr(FakeFace, "frames", broken)
    with pytest.raises(expected) as caught:
        renderer.render(clip_request)
    assert getattr(caught.value, "code") == code  # noqa: B009 - the type is only known to the parametrisation
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"profile": "sublime"}, OptionError, "unknown_profile"),
        ({"face": "marionette"}, OptionError, "unknown_engine"),
        ({"speech": "parrot"}, OptionError, "unknown_engine"),
        ({"voice": "nobody"}, OptionError, "unknown_voice"),
        ({"language": "de"}, ScriptError, "unsupported_language"),
        ({"portrait_path": "", "portrait_digest": ""}, PortraitError, "no_portrait"),
        ({"portrait_path": "/nowhere/face.png"}, PortraitError, "portrait_missing"),
        ({"portrait_digest": "0" * 64}, PortraitError, "portrait_changed"),
        ({"spoken": UNSPEAKABLE}, ScriptError, "nothing_speakable"),
    ],
)
def test_wrong_requests_are_named(
    renderer: ClipRenderer,
    cache: ContentCache,
    clip_request: ClipRequest,
    change: dict[str, Any],
    error: type[Exception],
    code: str,
) -> None:
    with pytest.raises(error) as caught:
        renderer.render(replace(clip_request, **change))
    assert getattr(caught.value, "code") == code  # noqa: B009 - the type is only known to the parametrisation
    assert entries(cache, CLIPS) == 0


def test_an_enhancer_that_is_not_installed_is_a_notice_and_not_a_failure(
    renderer: ClipRenderer, clip_request: ClipRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.ENGINES, "enhancer", {})
    result = renderer.render(replace(clip_request, profile="balanced"))
    assert result.notices == ("The picture was not enhanced: gfpgan is not installed.",)
    assert result.engines["enhancer"] == "none"
    again = renderer.render(replace(clip_request, profile="balanced"))
    assert again.cached and again.notices == result.notices


class Inverter:
    """An enhancer that a test can see."""

    name = "inverter"
    version = "3"
    seconds_per_frame = 0.01

    def __init__(self, settings: EngineSettings) -> None:
        pass

    def enhance(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            yield 255 - frame


class SlowInverter(Inverter):
    seconds_per_frame = 2.0


class DamagedInverter(Inverter):
    def __init__(self, settings: EngineSettings) -> None:
        raise EngineError("Its file is cut short.", code="checkpoint_corrupt")


def test_an_installed_enhancer_is_used_timed_and_part_of_the_key(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = renderer.render(clip_request)
    monkeypatch.setitem(registry.ENGINES, "enhancer", {"gfpgan": f"{__name__}:Inverter"})
    enhanced = renderer.render(replace(clip_request, profile="balanced"))

    assert enhanced.engines["enhancer"] == "inverter 3"
    assert enhanced.clip_key != plain.clip_key
    assert enhanced.stages["enhance"] > 0
    assert (enhanced.width_px, enhanced.height_px) == (plain.width_px, plain.height_px)
    before, after = (next(decode_frames(clip_video(cache, result))) for result in (plain, enhanced))
    assert abs(float(before.mean()) + float(after.mean()) - 255) < 4


@pytest.mark.parametrize(
    ("policy", "enhancer", "used", "notices"),
    [
        ("auto", SlowInverter, "none", ("The picture was not enhanced: gfpgan is too slow on this machine.",)),
        ("always", SlowInverter, "inverter 3", ()),
        ("none", Inverter, "none", ()),
        ("auto", DamagedInverter, "none", ("The picture was not enhanced: gfpgan has damaged weights.",)),
    ],
)
def test_the_enhancer_is_used_as_the_machine_and_its_operator_allow(
    policy: EnhancePolicy,
    enhancer: type,
    used: str,
    notices: tuple[str, ...],
    cache: ContentCache,
    clip_request: ClipRequest,
    renderer: ClipRenderer,  # registers the fakes
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(registry.ENGINES, "enhancer", {"gfpgan": f"{__name__}:{enhancer.__name__}"})
    renderer = ClipRenderer(cache, EngineSettings(tmp_path, enhance=policy))
    result = renderer.render(replace(clip_request, profile="balanced"))
    assert (result.engines["enhancer"], result.notices) == (used, notices)


# --- stand-ins --------------------------------------------------------------------------------------------------------


def test_a_stand_in_shows_the_still_engine_with_the_take(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest
) -> None:
    real = renderer.render(clip_request)
    result = renderer.render(replace(clip_request, fallback=True))
    assert result.take_key == real.take_key and result.take_cached
    assert result.engines["face"].startswith("still ")
    assert result.frame_count == real.frame_count


def test_a_fallback_takes_the_size_of_its_neighbours(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest
) -> None:
    """A face engine may draw in any size; what comes of it must be joined."""
    real = renderer.render(clip_request)
    own_size = renderer.render(replace(clip_request, fallback=True))
    assert (own_size.width_px, own_size.height_px) != (real.width_px, real.height_px)
    fallback = replace(clip_request, fallback=True, width_px=real.width_px, height_px=real.height_px)
    result = renderer.render(fallback)
    assert (result.width_px, result.height_px) == (real.width_px, real.height_px)
    assert result.clip_key not in (own_size.clip_key, real.clip_key)
    assert result.frame_count == real.frame_count
    ignored = renderer.render(replace(clip_request, width_px=8, height_px=8))
    assert ignored.clip_key == real.clip_key, "only a fallback has to fit"


@pytest.mark.parametrize(
    "change",
    [
        {"spoken": UNSPEAKABLE},
        {"speech": "parrot"},
        {"voice": "nobody"},
        {"language": "de"},
    ],
)
def test_a_stand_in_without_a_voice_is_silent_and_long_enough_to_read(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest, change: dict[str, Any]
) -> None:
    text = "A sentence of sixty characters that somebody wants to read.."
    result = renderer.render(replace(saying(clip_request, text), fallback=True, **change))
    assert result.video_seconds >= len(text) / 15
    assert np.abs(decode_sound(clip_video(cache, result))).max() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"portrait_path": "", "portrait_digest": ""},
        {"portrait_path": "/nowhere/face.png"},
        {"face": "marionette"},
        {"portrait_digest": FACELESS_DIGEST},
    ],
)
def test_a_stand_in_without_portrait_or_face_engine_still_comes_out(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest, change: dict[str, Any]
) -> None:
    result = renderer.render(replace(clip_request, fallback=True, **change))
    assert inspect_video(clip_video(cache, result)).frame_count == result.frame_count > 0


def test_a_silent_stand_in_does_not_hide_the_voice_that_comes_back(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(FakeSpeech, "speak", lambda *_, **__: (_ for _ in ()).throw(ScriptError("no", code="no")))
        silent = renderer.render(replace(clip_request, fallback=True))
    spoken = renderer.render(replace(clip_request, fallback=True))
    assert spoken.clip_key != silent.clip_key
    assert np.abs(decode_sound(clip_video(cache, spoken))).max() > 0.01


def test_a_pause_is_a_clip_of_its_length(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest
) -> None:
    result = renderer.render(replace(clip_request, text="[pause 1.5s]", spoken="", pause_seconds=1.5))
    assert 1.5 <= result.video_seconds < 1.5 + 0.32
    assert np.abs(decode_sound(clip_video(cache, result))).max() == 0


def test_a_warm_renderer_has_its_engines_before_the_first_request(renderer: ClipRenderer, cache: ContentCache) -> None:
    FakeSpeech.spoken.clear()
    renderer.warm_up("fakespeech", "fakeface")
    assert len(FakeSpeech.spoken) == 1  # the voice has been loaded by speaking
    assert not list(cache.root.glob("*/*/*"))  # and nothing was kept


def test_a_cloned_voice_leaves_no_take_without_a_clip(
    renderer: ClipRenderer, cache: ContentCache, clip_request: ClipRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner may take it back, and then everything that it said is found by the rows of finished clips."""
    speak = FakeSpeech.speak
    monkeypatch.setattr(
        FakeSpeech, "speak", lambda self, spoken, written, **how: speak(self, spoken, written, voice="", speed=1.0)
    )
    monkeypatch.setattr(FakeSpeech, "cloned_voice", lambda self, name: Voice(name, "en", "Mine"), raising=False)
    cloned = replace(clip_request, voice=f"coqui:en:{'a' * 64}")
    monkeypatch.setattr(FakeFace, "fail_at_frame", 10)
    with pytest.raises(RendererError):
        renderer.render(cloned)
    assert entries(cache, TAKES) == 0

    monkeypatch.setattr(FakeFace, "fail_at_frame", None)
    result = renderer.render(cloned)
    assert cache.get(TAKES, result.take_key) is not None
    again = renderer.render(cloned)
    assert again.cached and again.take_cached
