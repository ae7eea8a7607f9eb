"""Clips and joined videos, judged by what a decoder makes of them."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from talking_head.errors import RendererError, ResourceError
from talking_head.media_io import mp4_boxes
from talking_head.media_io.arrays import Frame, Waveform
from talking_head.media_io.joined_video import ChapterMark, join_clips
from talking_head.media_io.video import (
    KEYFRAME_INTERVAL_FRAMES,
    SILENT_EDGE_SAMPLES,
    ClipWriter,
    decode_frames,
    jpeg,
    read_header,
)
from talking_head.timebase import (
    AUDIO_HZ,
    CLIP_QUANTUM_FRAMES,
    CLIP_QUANTUM_SAMPLES,
    SAMPLES_PER_VIDEO_FRAME,
    VIDEO_FPS,
)
from tests.media import decode_sound, inspect_video

SIZE_PX = 64


def tone(quanta: int, pitch_hz: float) -> Waveform:
    """A loud tone that starts and stops abruptly as close to the ends as the contract allows."""
    samples = quanta * CLIP_QUANTUM_SAMPLES
    time_seconds = np.arange(samples) / AUDIO_HZ
    waveform = 0.5 * np.sin(2 * np.pi * pitch_hz * time_seconds)
    waveform[:SILENT_EDGE_SAMPLES] = 0
    waveform[-SILENT_EDGE_SAMPLES:] = 0
    return waveform.astype(np.float32)


def moving_bar(frame_count: int, size_px: int = SIZE_PX) -> Iterator[Frame]:
    for index in range(frame_count):
        frame = np.full((size_px, size_px, 3), 40, np.uint8)
        left = (index * 3) % (size_px - 8)
        frame[:, left : left + 8] = (200, 120, 60)
        yield frame


def write_clip(path: Path, waveform: Waveform, *, size_px: int = SIZE_PX) -> Path:
    with ClipWriter(path, width_px=size_px, height_px=size_px, waveform=waveform) as writer:
        for frame in moving_bar(len(waveform) // SAMPLES_PER_VIDEO_FRAME, size_px):
            writer.write(frame)
    return path


def write_clips(folder: Path, quanta: Sequence[int]) -> tuple[list[Path], list[Waveform]]:
    waveforms = [tone(count, 300 + 170 * index) for index, count in enumerate(quanta)]
    return [write_clip(folder / f"{index}.mp4", wave) for index, wave in enumerate(waveforms)], waveforms


def join(clips: Sequence[Path], path: Path, **options: Any) -> Path:
    join_clips(clips, path, **{"tags": {}, "language": "eng", **options})
    return path


def packet_times(path: Path, kind: str) -> list[tuple[Fraction, Fraction, Fraction]]:
    """(pts, dts, duration) in seconds."""
    with av.open(str(path)) as source:
        stream = getattr(source.streams, kind)[0]
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        return [tuple((value or 0) * p.time_base for value in (p.pts, p.dts, p.duration)) for p in packets]


def test_a_clip_is_one_h264_and_one_aac_stream_of_the_same_length(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", tone(4, 440))

    info = inspect_video(clip)
    assert (info.width_px, info.height_px, info.frame_count) == (SIZE_PX, SIZE_PX, 4 * CLIP_QUANTUM_FRAMES)
    assert info.video_seconds == info.audio_seconds == pytest.approx(1.28)
    with av.open(str(clip)) as source:
        assert [stream.type for stream in source.streams] == ["video", "audio"]
        video, audio = source.streams.video[0].codec_context, source.streams.audio[0].codec_context
        assert (video.name, video.pix_fmt) == ("h264", "yuv420p")
        assert (audio.name, audio.sample_rate, audio.layout.name) == ("aac", AUDIO_HZ, "mono")


def test_a_clip_alone_sounds_sample_for_sample_like_its_take(tmp_path: Path) -> None:
    waveform = tone(5, 440)
    heard = decode_sound(write_clip(tmp_path / "clip.mp4", waveform))
    assert len(heard) == len(waveform)
    assert signal_to_noise_db(waveform, heard) > 25
    assert best_shift_samples(waveform, heard) == 0


def signal_to_noise_db(wanted: Waveform, heard: Waveform) -> float:
    return float(10 * np.log10((wanted.astype(float) ** 2).sum() / ((wanted - heard).astype(float) ** 2).sum()))


def best_shift_samples(wanted: Waveform, heard: Waveform, reach: int = 1_500) -> int:
    """By how many samples ``heard`` comes late, from the peak of the cross-correlation."""
    size = 1 << (len(wanted) + reach).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size)), size)
    shifts = np.r_[np.arange(reach), np.arange(-reach, 0)]
    return int(shifts[np.argmax(correlation[shifts])])


def test_joined_clips_sound_exactly_like_their_takes_in_a_row(tmp_path: Path) -> None:
    clips, waveforms = write_clips(tmp_path, [3, 7, 2, 11, 5])
    wanted = np.concatenate(waveforms)

    heard = decode_sound(join(clips, tmp_path / "joined.mp4"))

    assert len(heard) == len(wanted)
    assert signal_to_noise_db(wanted, heard) > 25
    start = 0
    for waveform in waveforms:
        part = slice(start, start + len(waveform))
        assert best_shift_samples(waveform, heard[part]) == 0
        start += len(waveform)


def test_nothing_is_heard_at_a_joint(tmp_path: Path) -> None:
    clips, waveforms = write_clips(tmp_path, [3, 4, 3])
    heard = decode_sound(join(clips, tmp_path / "joined.mp4"))
    joints = np.cumsum([len(waveform) for waveform in waveforms])[:-1]
    for joint in joints:
        around = heard[joint - SILENT_EDGE_SAMPLES // 2 : joint + SILENT_EDGE_SAMPLES // 2]
        assert np.abs(around).max() == 0.0


def test_joined_timestamps_rise_without_gaps_and_both_streams_end_together(tmp_path: Path) -> None:
    clips, waveforms = write_clips(tmp_path, [3, 4, 1, 6])
    joined = join(clips, tmp_path / "joined.mp4")
    total_seconds = Fraction(sum(map(len, waveforms)), AUDIO_HZ)
    for kind in ("video", "audio"):
        times = packet_times(joined, kind)
        assert times[0][0] == 0
        assert all(pts == dts for pts, dts, _ in times)
        assert all(a[0] + a[2] == b[0] for a, b in itertools.pairwise(times))
        assert times[-1][0] + times[-1][2] == total_seconds


def test_ten_minutes_of_joined_clips_do_not_drift(tmp_path: Path) -> None:
    clips, waveforms = write_clips(tmp_path, [7, 3])
    repeats = 10 * 60 * AUDIO_HZ // sum(map(len, waveforms)) + 1
    joined = join(clips * repeats, tmp_path / "joined.mp4")

    video_end = sum(packet_times(joined, "video")[-1][::2])
    audio_end = sum(packet_times(joined, "audio")[-1][::2])
    assert video_end > 600
    assert video_end == audio_end
    heard = decode_sound(joined)
    last = np.concatenate(waveforms)
    assert best_shift_samples(last, heard[-len(last) :]) == 0
    assert len(heard) == len(last) * repeats


def test_joining_copies_the_pictures_unchanged(tmp_path: Path) -> None:
    clips, _ = write_clips(tmp_path, [2, 3])
    apart = [frame for clip in clips for frame in decode_frames(clip)]
    together = list(decode_frames(join(clips, tmp_path / "joined.mp4")))
    assert len(together) == len(apart)
    assert all(np.array_equal(a, b) for a, b in zip(apart, together, strict=True))


def test_keyframes_open_every_clip_and_come_often_enough_to_seek(tmp_path: Path) -> None:
    long_quanta = 2 * KEYFRAME_INTERVAL_FRAMES // CLIP_QUANTUM_FRAMES
    clips, _ = write_clips(tmp_path, [3, long_quanta])
    with av.open(str(join(clips, tmp_path / "joined.mp4"))) as source:
        keys = [index for index, frame in enumerate(source.decode(video=0)) if frame.key_frame]
    first = 3 * CLIP_QUANTUM_FRAMES
    assert keys == [0, first, first + KEYFRAME_INTERVAL_FRAMES]


def test_same_input_same_bytes(tmp_path: Path) -> None:
    first, second = (write_clip(tmp_path / name, tone(3, 500)) for name in ("a.mp4", "b.mp4"))
    assert first.read_bytes() == second.read_bytes()
    joined = [join([first, second], tmp_path / name) for name in ("c.mp4", "d.mp4")]
    assert joined[0].read_bytes() == joined[1].read_bytes()


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (230, 180, 150), (0, 0, 0), (255, 255, 255)])
def test_colours_survive_the_round_trip(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    """Catches a wrong matrix (BT.601 for BT.709 shifts pure red by about 20) and a wrong range (black and white)."""
    path = tmp_path / "clip.mp4"
    with ClipWriter(path, width_px=SIZE_PX, height_px=SIZE_PX, waveform=tone(1, 300)) as writer:
        for _ in range(CLIP_QUANTUM_FRAMES):
            writer.write(np.full((SIZE_PX, SIZE_PX, 3), colour, np.uint8))
    seen = next(decode_frames(path)).reshape(-1, 3).mean(axis=0)
    assert np.abs(seen - colour).max() < 4
    with av.open(str(path)) as source:
        picture = next(source.decode(video=0))
        assert (picture.colorspace, picture.color_range) == (1, 1)  # BT.709, limited


def test_clips_of_different_sizes_are_refused(tmp_path: Path) -> None:
    clips = [write_clip(tmp_path / f"{size}.mp4", tone(1, 300), size_px=size) for size in (64, 96)]
    with pytest.raises(RendererError) as caught:
        join(clips, tmp_path / "joined.mp4")
    assert caught.value.code == "clips_differ"


def test_chapters_title_and_language_are_readable(tmp_path: Path) -> None:
    clips, _ = write_clips(tmp_path, [2, 3])
    chapters = [ChapterMark("Leaves", 0.0), ChapterMark("Räume — und Wörter", 0.64)]
    joined = join(
        clips, tmp_path / "j.mp4", tags={"title": "A lesson", "comment": ""}, language="deu", chapters=chapters
    )
    with av.open(str(joined)) as source:
        assert source.metadata["title"] == "A lesson"
        assert source.streams.audio[0].metadata["language"] == "deu"
        read = [
            (c["metadata"]["title"], c["start"] * (c["time_base"] or 0), c["end"] * (c["time_base"] or 0))
            for c in source.chapters()
        ]
        assert (len(source.streams.video), len(source.streams.audio)) == (1, 1)
    assert [(title, float(start), float(end)) for title, start, end in read] == [
        ("Leaves", 0.0, 0.64),
        ("Räume — und Wörter", 0.64, 1.6),
    ]


def test_the_index_stands_before_the_data(tmp_path: Path) -> None:
    clips, _ = write_clips(tmp_path, [2])
    joined = join(clips, tmp_path / "joined.mp4")
    kinds = [box.kind for box in mp4_boxes.boxes(joined.read_bytes())]
    assert kinds.index(b"moov") < kinds.index(b"mdat")


def test_the_synthetic_mark_names_the_source_type_and_disturbs_nothing(tmp_path: Path) -> None:
    clips, waveforms = write_clips(tmp_path, [2])
    joined = join(clips, tmp_path / "joined.mp4", extra_boxes=mp4_boxes.synthetic_mark("Lectern & friends"))

    data = joined.read_bytes()
    last = list(mp4_boxes.boxes(data))[-1]
    assert last.kind == b"uuid"
    assert data[last.body : last.body + 16] == mp4_boxes.XMP_BOX.bytes
    packet = data[last.body + 16 : last.end].decode()
    assert mp4_boxes.DIGITAL_SOURCE_TYPE in packet
    assert "Lectern &amp; friends" in packet
    assert len(decode_sound(joined)) == len(waveforms[0])


def test_the_header_says_what_the_file_holds(tmp_path: Path) -> None:
    joined = join(write_clips(tmp_path, [2, 11])[0], tmp_path / "joined.mp4")
    assert read_header(joined) == inspect_video(joined)


def test_only_keyframes_are_listed_as_places_to_start_from(tmp_path: Path) -> None:
    joined = join(write_clips(tmp_path, [2, 3])[0], tmp_path / "joined.mp4")
    with av.open(str(joined)) as source:
        keys = [packet.pts for packet in source.demux(source.streams.video[0]) if packet.is_keyframe]
        assert len(keys) == 2
        source.seek(keys[1] or 0, stream=source.streams.video[0])
        assert next(source.decode(video=0)).pts == keys[1]


def test_sound_and_picture_take_turns_in_the_file(tmp_path: Path) -> None:
    """A player that has read a part of the file can play a part of the lesson."""
    joined = join(write_clips(tmp_path, [20])[0], tmp_path / "joined.mp4")
    with av.open(str(joined)) as source:
        order = [(packet.pos, packet.stream_index, packet) for packet in source.demux() if packet.dts is not None]
    order.sort(key=lambda entry: entry[0] or 0)
    turns = sum(a[1] != b[1] for a, b in itertools.pairwise(order))
    assert turns >= 6


def test_titles_too_long_for_the_list_end_with_a_whole_letter(tmp_path: Path) -> None:
    joined = join(write_clips(tmp_path, [1])[0], tmp_path / "j.mp4", chapters=[ChapterMark("ä" * 200, 0.0)])
    with av.open(str(joined)) as source:
        assert source.chapters()[0]["metadata"]["title"] == "ä" * 127


def test_a_cut_file_is_found_out(tmp_path: Path) -> None:
    joined = join(write_clips(tmp_path, [3])[0], tmp_path / "joined.mp4")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(joined.read_bytes()[:200])
    with pytest.raises(RendererError) as caught:
        inspect_video(cut)
    assert caught.value.code == "video_unreadable"


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from talking_head.errors import ResourceError
from talking_head.media_io.joined_video import join_clips
from talking_head.media_io.video import ClipWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
def write(name):
    with ClipWriter(folder / name, width_px=64, height_px=64, waveform=np.zeros(15_360, np.float32)) as writer:
        for shift in range(8):
            writer.write(np.roll(noise, shift, axis=1))
write("whole.mp4")
resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))
for attempt in (
    lambda: write("clip.mp4"),
    lambda: join_clips([folder / "whole.mp4"], folder / "joined.mp4", tags={}, language="eng"),
):
    try:
        attempt()
        print("went unnoticed")
    except ResourceError as error:
        print(error.code)
"""


def test_a_disk_that_takes_no_more_is_reported_and_not_ignored(tmp_path: Path) -> None:
    """The kernel's limit on a file's size stands in for a full disk: the write fails in the same place, late."""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.stdout.split() == ["storage_error", "storage_error"], done.stderr


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(ResourceError):
        write_clip(tmp_path / "missing" / "clip.mp4", tone(1, 300))


def test_preview_pictures_are_small_jpegs() -> None:
    frame = next(moving_bar(1, 512))
    data = jpeg(frame, quality=70, max_width_px=256)
    assert data[:2] == b"\xff\xd8"
    assert len(data) < 20_000
    with av.open(io.BytesIO(data)) as picture:
        assert (picture.streams.video[0].width, picture.streams.video[0].height) == (256, 256)


def test_frame_rate_is_what_the_timebase_says(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", tone(2, 300))
    assert {duration for *_, duration in packet_times(clip, "video")} == {Fraction(1, VIDEO_FPS)}
