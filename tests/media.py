"""What a file of ours really holds, measured without the code that wrote it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from talking_head.media_io import loudness
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.video import VideoInfo, unreadable_video


def inspect_video(path: Path) -> VideoInfo:
    """Counts what a file really holds, without decoding it.

    Raises:
        RendererError: ``video_unreadable``.
    """
    try:
        with av.open(str(path)) as source:
            video, audio = source.streams.video[0], source.streams.audio[0]
            ticks = {video.index: 0, audio.index: 0}
            frames = 0
            for packet in source.demux(video, audio):
                if packet.dts is not None:
                    frames += packet.stream_index == video.index
                    ticks[packet.stream_index] += packet.duration or 0
            seconds = [float(ticks[stream.index] * (stream.time_base or 0)) for stream in (video, audio)]
            return VideoInfo(video.width, video.height, frames, *seconds)
    except (av.FFmpegError, IndexError) as error:
        raise unreadable_video() from error


def decode_sound(path: Path) -> Waveform:
    """The sound of a file as a player hears it, (samples,) at the file's own rate."""
    with av.open(str(path)) as source:
        return np.concatenate([block.to_ndarray()[0] for block in source.decode(audio=0)])


def true_peak_dbtp(waveform: Waveform) -> float:
    """Highest level between and at the samples, by four times oversampling; ``-inf`` for silence."""
    peak = float(loudness.true_peaks(waveform).max(initial=0.0))
    return 20 * float(np.log10(peak)) if peak else float("-inf")
