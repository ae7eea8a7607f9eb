"""Video files with PyAV: writing a clip, reading a header, decoding frames.

A clip is a fragmented MP4 with one fragment. So the same bytes play on their own, can be appended to a browser's
``SourceBuffer`` and can be joined into the lesson (see :mod:`.joined_video`), always without re-encoding.

Joints are silent by construction. An AAC packet holds 1,024 new samples, but needs its predecessor's second half to
decode them; encoders therefore send one packet of priming first, and a file of clips with a priming packet each would
be 1,024 samples longer per clip than its picture. The take begins and ends with more than one window of digital
silence, so the last packet of the previous clip serves equally well as the predecessor of a clip's first packet: both
are silence. The priming packet is dropped and a clip holds exactly as many packets as its length asks for.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter

from talking_head.errors import RendererError, from_os_error
from talking_head.media_io.arrays import Frame, Waveform
from talking_head.timebase import AAC_FRAME_SAMPLES, AUDIO_HZ, VIDEO_FPS

# Takes part in the clips' cache keys: raise it whenever the same frames and sound would produce different bytes.
ENCODING_VERSION = "1"

CRF = 20
KEYFRAME_INTERVAL_FRAMES = (
    4 * VIDEO_FPS
)  # the most frames a seek has to decode; each clip starts with a keyframe anyway
AUDIO_BITS_PER_SECOND = 112_000
# On half a minute of synthesised speech at this rate, "fast" was closer to the original than the default "twoloop" in
# every band (37 dB against 31 dB overall), in half the time.
_AAC_OPTIONS = {"aac_coder": "fast"}
SILENT_EDGE_SAMPLES = 2 * AAC_FRAME_SAMPLES  # one AAC window: the silence that a joint needs on either side

# No B-frames: decoding order is presentation order, so a joint needs no edit list and no overlap. No scene cuts and a
# closed group of pictures: keyframes only where set here. One thread: the renderer has the other core.
_X264_OPTIONS = {
    "preset": "veryfast",
    "crf": str(CRF),
    "threads": "1",
    "x264-params": f"bframes=0:scenecut=0:open-gop=0:keyint={KEYFRAME_INTERVAL_FRAMES}:min-keyint=1",
}
# No delay_moov, which waits for data: the parameter sets are known before the first frame.
_CLIP_MUXER_OPTIONS = {"movflags": "empty_moov+default_base_moof+frag_custom", "fflags": "+bitexact"}
# Averaging 2x2 pixels for the chroma and rounding instead of truncating: mean error 0.2 of 255, without a colour cast.
_RESAMPLING = int(Interpolation.AREA | Interpolation.ACCURATE_RND)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """The size and length of a video. Both lengths are equal in every published video."""

    width_px: int
    height_px: int
    frame_count: int
    video_seconds: float
    audio_seconds: float


class ClipWriter:
    """Writes one clip, frame by frame.

    Frames go straight into the encoder; only the compressed clip (some 50 kB a second) is buffered until the end,
    because a fragment's index precedes its data. Use as a context manager: the file is written on leaving it, unless by
    an exception.

    Args:
        path: of the file to write; the suffix does not matter.
        width_px, height_px: both even.
        waveform: the clip's sound at 48 kHz, (n * 1920,), with ``SILENT_EDGE_SAMPLES`` of silence at both ends.

    Raises:
        ResourceError: the disk is full or may not be written to.
    """

    def __init__(self, path: Path, *, width_px: int, height_px: int, waveform: Waveform) -> None:
        self.frame_count = 0
        self._path = path
        # Into memory first: the muxer ignores disk errors on the last fragment, which here is the only one.
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="mp4", options=_CLIP_MUXER_OPTIONS)
        self._video: Any = self._container.add_stream("libx264", rate=VIDEO_FPS, options=_X264_OPTIONS)
        self._video.width, self._video.height, self._video.pix_fmt = width_px, height_px, "yuv420p"
        _tag_as_bt709(self._video.codec_context)
        self._audio: Any = self._container.add_stream(
            "aac", rate=AUDIO_HZ, options=_AAC_OPTIONS, layout="mono", bit_rate=AUDIO_BITS_PER_SECOND
        )
        self._to_picture = PictureMaker()
        self._audio_packets = _aac_packets(self._audio, waveform)
        self._next_audio: av.Packet | None = next(self._audio_packets)

    def write(self, frame: Frame) -> None:
        """Add one frame, (height, width, 3) RGB of the clip's size; its memory may be reused afterwards."""
        picture = self._to_picture(frame)
        picture.pts, picture.time_base = self.frame_count, Fraction(1, VIDEO_FPS)
        self.frame_count += 1
        for packet in self._video.encode(picture):
            self._mux_in_order(packet)

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._container.close()
            return
        for packet in self._video.encode(None):
            self._mux_in_order(packet)
        self._mux_audio_until(None)
        self._container.close()
        try:
            self._path.write_bytes(self._file.getbuffer())
        except OSError as os_error:
            raise from_os_error(os_error) from os_error

    def _mux_in_order(self, packet: av.Packet) -> None:
        """Mux a packet after all earlier audio: the muxer buffers packets until both streams have reached a time."""
        self._mux_audio_until(packet)
        self._container.mux_one(packet)

    def _mux_audio_until(self, video_packet: av.Packet | None) -> None:
        while self._next_audio is not None:
            if video_packet is not None and _seconds(self._next_audio) > _seconds(video_packet):
                return
            self._container.mux_one(self._next_audio)
            self._next_audio = next(self._audio_packets, None)


def _seconds(packet: av.Packet) -> Fraction:
    assert packet.dts is not None
    return packet.dts * packet.time_base


def _tag_as_bt709(codec: Any) -> None:
    """Tag the stream with the colours of :class:`PictureMaker`; players take an untagged small picture for BT.601."""
    codec.color_range = ColorRange.MPEG
    codec.colorspace = Colorspace.ITU709
    codec.color_primaries = ColorPrimaries.BT709
    codec.color_trc = ColorTrc.BT709


class PictureMaker:
    """Converts RGB to 4:2:0, BT.709, limited range (16..235), which players assume of H.264.

    Reuses the scaler between frames: creating a new one costs 2 ms, more than encoding a small frame.
    """

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def __call__(self, frame: Frame) -> av.VideoFrame:
        return self._scaler.reformat(
            av.VideoFrame.from_ndarray(frame, format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_RESAMPLING,
            threads=1,
        )


def _aac_packets(stream: Any, waveform: Waveform) -> Iterator[av.Packet]:
    """Yield exactly ``len(waveform) / 1024`` packets, the first at time 0; on priming see the module's docstring."""
    expected = len(waveform) // AAC_FRAME_SAMPLES
    sent = 0
    for packet in _all_aac_packets(stream, waveform):
        if packet.pts is None or packet.pts < 0:
            continue  # priming
        if sent == expected:
            raise RendererError("The sound's length is not a whole number of AAC frames.", code="sound_length")
        sent += 1
        yield packet
    if sent != expected:
        raise RendererError("The sound encoder lost some of the sound.", code="sound_length")


def _all_aac_packets(stream: Any, waveform: Waveform) -> Iterator[av.Packet]:
    for start in range(0, len(waveform), AAC_FRAME_SAMPLES):
        samples = np.ascontiguousarray(waveform[None, start : start + AAC_FRAME_SAMPLES], dtype=np.float32)  # (1, 1024)
        block = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = AUDIO_HZ, start, Fraction(1, AUDIO_HZ)
        yield from stream.encode(block)
    yield from stream.encode(None)


def read_header(path: Path) -> VideoInfo:
    """Return the header of a finished (not fragmented) video, read by ffmpeg's demuxer: cheap at any length.

    Raises:
        RendererError: ``video_unreadable``.
    """
    try:
        with av.open(str(path)) as source:
            video, audio = source.streams.video[0], source.streams.audio[0]
            seconds = [float((stream.duration or 0) * (stream.time_base or 0)) for stream in (video, audio)]
            return VideoInfo(video.width, video.height, video.frames, *seconds)
    except (av.FFmpegError, IndexError) as error:
        raise unreadable_video() from error


def unreadable_video() -> RendererError:
    """Return the error for a finished video that cannot be opened."""
    return RendererError("The finished video cannot be read.", code="video_unreadable", hint="Render it again.")


def decode_frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a file, (height, width, 3) RGB."""
    with av.open(str(path)) as source:
        for picture in source.decode(video=0):
            yield picture.to_ndarray(format="rgb24")  # type: ignore[misc]


def jpeg(frame: Frame, *, quality: int, max_width_px: int | None = None) -> bytes:
    """Return an RGB frame as JPEG, scaled down when it is wider than ``max_width_px``."""
    height_px, width_px = frame.shape[:2]
    if max_width_px is not None and width_px > max_width_px:
        size = (max_width_px, max(1, round(height_px * max_width_px / width_px)))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    is_encoded, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    if not is_encoded:
        raise RendererError("A preview picture could not be written.", code="preview_failed")
    return data.tobytes()
