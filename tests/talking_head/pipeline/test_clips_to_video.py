"""The lesson's video, from clips."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from talking_head.errors import RendererError
from talking_head.media_io import mp4_boxes
from talking_head.media_io.video import ClipWriter
from talking_head.pipeline.clips_to_video import RECORDED_NOTICE, SYNTHETIC_NOTICE, ChapterStart, clips_to_video
from talking_head.timebase import AUDIO_HZ, CLIP_QUANTUM_FRAMES, CLIP_QUANTUM_SAMPLES, CLIP_QUANTUM_SECONDS

SIZE_PX = 64


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    """Three clips of 2, 3 and 4 quanta, each with its own tone and brightness."""
    return [make_clip(tmp_path / f"clip{number}.mp4", number) for number in (2, 3, 4)]


def make_clip(path: Path, quanta: int, size_px: int = SIZE_PX) -> Path:
    waveform = 0.3 * np.sin(np.arange(quanta * CLIP_QUANTUM_SAMPLES) * 2 * np.pi * 200 * quanta / AUDIO_HZ)
    waveform[:2048] = waveform[-2048:] = 0
    with ClipWriter(path, width_px=size_px, height_px=size_px, waveform=waveform.astype(np.float32)) as writer:
        for index in range(quanta * CLIP_QUANTUM_FRAMES):
            writer.write(np.full((size_px, size_px, 3), 30 * quanta + index, np.uint8))
    return path


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*.part")]


def test_the_video_is_as_long_as_its_clips_and_says_what_it_is(clips: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "lesson.mp4"
    info = clips_to_video(clips, out, title="Photosynthesis", language="en-GB")

    assert info.frame_count == 9 * CLIP_QUANTUM_FRAMES
    assert info.video_seconds == info.audio_seconds == pytest.approx(9 * CLIP_QUANTUM_SECONDS)
    with av.open(str(out)) as source:
        assert [stream.type for stream in source.streams] == ["video", "audio"]
        assert source.metadata["title"] == "Photosynthesis"
        assert source.metadata["comment"] == SYNTHETIC_NOTICE
        assert source.streams.audio[0].metadata["language"] == "eng"
    assert mp4_boxes.DIGITAL_SOURCE_TYPE.encode() in out.read_bytes()
    assert left_behind(tmp_path) == []


def test_a_recorded_voice_is_not_called_synthetic(clips: list[Path], tmp_path: Path) -> None:
    clips_to_video(clips, tmp_path / "lesson.mp4", is_recorded=True)
    with av.open(str(tmp_path / "lesson.mp4")) as source:
        assert source.metadata["comment"] == RECORDED_NOTICE


def test_chapters_begin_where_their_clips_begin(clips: list[Path], tmp_path: Path) -> None:
    starts = [ChapterStart("First", 0), ChapterStart("Second", 2)]
    clips_to_video(clips, tmp_path / "lesson.mp4", chapters=starts)
    assert chapters_of(tmp_path / "lesson.mp4") == [("First", 0.0, 1.6), ("Second", 1.6, 2.88)]


def test_what_comes_before_the_first_heading_is_a_chapter_too(clips: list[Path], tmp_path: Path) -> None:
    clips_to_video(clips, tmp_path / "lesson.mp4", chapters=[ChapterStart("Roots", 1)])
    assert chapters_of(tmp_path / "lesson.mp4") == [("Introduction", 0.0, 0.64), ("Roots", 0.64, 2.88)]


def chapters_of(path: Path) -> list[tuple[str, float, float]]:
    with av.open(str(path)) as source:
        return [
            (c["metadata"]["title"], float(c["start"] * (c["time_base"] or 0)), float(c["end"] * (c["time_base"] or 0)))
            for c in source.chapters()
        ]


def test_a_failed_join_keeps_the_previous_video(clips: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "lesson.mp4"
    clips_to_video(clips, out)
    before = out.read_bytes()
    other = make_clip(tmp_path / "other.mp4", 2, size_px=96)

    with pytest.raises(RendererError) as caught:
        clips_to_video([*clips, other], out)

    assert caught.value.code == "clips_differ"
    assert out.read_bytes() == before
    assert left_behind(tmp_path) == []


def test_a_damaged_clip_is_an_error_not_a_short_video(clips: list[Path], tmp_path: Path) -> None:
    data = clips[1].read_bytes()
    clips[1].write_bytes(data[: len(data) // 2])
    with pytest.raises(RendererError):
        clips_to_video(clips, tmp_path / "lesson.mp4")
    assert not (tmp_path / "lesson.mp4").exists()
