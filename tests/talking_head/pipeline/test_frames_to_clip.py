"""Drawing and encoding side by side: the right count, the right errors, and no thread or file left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from talking_head.engines.base import Take
from talking_head.errors import RendererError, ResourceError
from talking_head.media_io import video
from talking_head.media_io.arrays import Frame
from talking_head.media_io.video import decode_frames
from talking_head.pipeline import frames_to_clip as module
from talking_head.pipeline.frames_to_clip import PREVIEW_WIDTH_PX, frames_to_clip
from talking_head.timebase import CLIP_QUANTUM_SAMPLES
from tests.media import inspect_video

SIZE_PX = 64


def silent_take(quanta: int) -> Take:
    return Take(np.zeros(quanta * CLIP_QUANTUM_SAMPLES, np.float32), (), (), "")


def shades(count: int, size_px: int = SIZE_PX) -> Iterator[Frame]:
    """Frames that grow brighter, all in one buffer as engines may do."""
    frame = np.zeros((size_px, size_px, 3), np.uint8)
    for index in range(count):
        frame[:] = 10 + 5 * (index % 40)
        yield frame


def ignore(_drawn: int, _preview: bytes) -> None:
    pass


@pytest.fixture(autouse=True)
def no_thread_is_left_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_every_frame_is_in_the_clip_once_and_in_order(tmp_path: Path) -> None:
    take = silent_take(4)
    clip = frames_to_clip(shades(take.frame_count), take, tmp_path / "clip.mp4", on_frame=ignore)

    brightness = [frame.mean() for frame in decode_frames(tmp_path / "clip.mp4")]
    assert clip.frame_count == len(brightness) == take.frame_count
    assert np.abs(np.array(brightness) - (10 + 5 * np.arange(take.frame_count))).max() < 3
    assert (clip.width_px, clip.height_px) == (SIZE_PX, SIZE_PX)
    assert clip.encode_seconds > 0
    assert clip.poster_jpeg[:2] == b"\xff\xd8"


def test_the_first_frame_is_previewed_at_once_and_others_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(np.arange(0, 100, 0.03))  # 0.03 s a frame: 0.2 s are seven frames
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    seen: list[tuple[int, int]] = []
    take = silent_take(3)

    frames_to_clip(
        shades(take.frame_count, 512),
        take,
        tmp_path / "clip.mp4",
        on_frame=lambda drawn, preview: seen.append((drawn, len(preview))),
    )

    assert [drawn for drawn, size in seen if size] == [1, 8, 15, 22]
    assert seen[-1] == (take.frame_count, 0)
    assert PREVIEW_WIDTH_PX <= 256


@pytest.mark.parametrize("drawn", [0, 1, 15, 17, 40])
def test_a_wrong_number_of_frames_is_an_error_and_leaves_no_file(tmp_path: Path, drawn: int) -> None:
    with pytest.raises(RendererError) as caught:
        frames_to_clip(shades(drawn), silent_take(2), tmp_path / "clip.mp4", on_frame=ignore)
    assert caught.value.code == "frame_count"
    assert list(tmp_path.glob("*clip*")) == []


def test_an_endless_engine_is_stopped(tmp_path: Path) -> None:
    def forever() -> Iterator[Frame]:
        while True:
            yield np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8)

    with pytest.raises(RendererError):
        frames_to_clip(forever(), silent_take(1), tmp_path / "clip.mp4", on_frame=ignore)


@pytest.mark.parametrize("failure", [RendererError("no", code="told_to_fail"), KeyboardInterrupt(), MemoryError()])
def test_what_stops_the_drawing_stops_everything(tmp_path: Path, failure: BaseException) -> None:
    def breaking() -> Iterator[Frame]:
        yield from shades(5)
        raise failure

    with pytest.raises(type(failure)):
        frames_to_clip(breaking(), silent_take(4), tmp_path / "clip.mp4", on_frame=ignore)
    assert list(tmp_path.glob("*clip*")) == []


def test_a_watcher_that_fails_stops_the_clip(tmp_path: Path) -> None:
    def broken_pipe(_drawn: int, _preview: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises((BrokenPipeError, ResourceError)):
        frames_to_clip(shades(8), silent_take(1), tmp_path / "clip.mp4", on_frame=broken_pipe)
    assert list(tmp_path.glob("*clip*")) == []


@pytest.mark.parametrize("at", ["write", "close"])
def test_what_goes_wrong_in_the_encoder_is_raised_to_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    class Broken(video.ClipWriter):
        def write(self, frame: Frame) -> None:
            if at == "write" and self.frame_count == 3:
                raise ResourceError("The disk is full.", code="no_space")
            super().write(frame)

        def __exit__(self, *details: object) -> None:
            super().__exit__(*details)  # type: ignore[arg-type]
            if at == "close" and details[0] is None:
                raise ResourceError("The disk is full.", code="no_space")

    monkeypatch.setattr(module, "ClipWriter", Broken)
    take = silent_take(8)
    with pytest.raises(ResourceError) as caught:
        frames_to_clip(shades(take.frame_count), take, tmp_path / "clip.mp4", on_frame=ignore)
    assert caught.value.code == "no_space"
    assert list(tmp_path.glob("*clip*")) == []


def test_frames_that_change_size_are_refused(tmp_path: Path) -> None:
    def growing() -> Iterator[Frame]:
        yield from shades(4)
        yield from shades(4, SIZE_PX * 2)

    with pytest.raises(RendererError) as caught:
        frames_to_clip(growing(), silent_take(1), tmp_path / "clip.mp4", on_frame=ignore)
    assert caught.value.code == "frame_size"


def test_a_slow_encoder_holds_the_drawing_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory must not grow with the clip: no more frames wait than the queue holds."""
    ahead: list[int] = []
    written = 0

    class Counting(video.ClipWriter):
        def write(self, frame: Frame) -> None:
            nonlocal written
            super().write(frame)
            written += 1

    def counted(frames: Iterator[Frame]) -> Iterator[Frame]:
        for index, frame in enumerate(frames):
            ahead.append(index - written)
            yield frame

    monkeypatch.setattr(module, "ClipWriter", Counting)
    take = silent_take(20)
    frames_to_clip(counted(shades(take.frame_count, 256)), take, tmp_path / "clip.mp4", on_frame=ignore)
    assert max(ahead) <= module.QUEUED_FRAMES + 2  # one in the encoder's hands, one in ours


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    take = silent_take(3)
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for path in paths:
        frames_to_clip(shades(take.frame_count), take, path, on_frame=ignore)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert inspect_video(paths[0]).frame_count == take.frame_count
