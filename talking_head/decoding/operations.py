"""What can be done with an uploaded file, and what it may cost. Imports no decoder: the web process reads this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from talking_head.errors import InvalidInput
from talking_head.media_io import audio_limits, image_limits

MEGABYTE = 1_000_000
PRELOADED = ("talking_head.decoding.pictures", "talking_head.decoding.sounds")  # what the host loads before it forks
FIRST_SLOT, SECOND_SLOT = 0, 1


@dataclass(frozen=True, slots=True)
class DecodingOperation:
    """A function that runs in the child, and its limits.

    The function takes the open file, the folder for what it writes, and the values of the call; it returns a JSON
    object. ``memory_bytes`` is what it may take beyond the loaded decoders. Reaching the processor time is the file's
    fault, reaching the wall time this machine's.
    """

    function: str  # "package.module:function"
    slots: tuple[int, ...]
    wait_seconds: float  # for a slot
    cpu_seconds: int
    wall_seconds: float
    memory_bytes: int
    output_bytes: int
    unreadable: Callable[[], InvalidInput]  # the error for a file on which the decoder crashed
    too_complex: Callable[[], InvalidInput]  # the error for a file that needs more than these limits

    def request(self, folder: str, values: dict[str, Any]) -> dict[str, Any]:
        """Return what the host and the child need to know."""
        return {
            "function": self.function,
            "folder": folder,
            "values": values,
            "cpu_seconds": self.cpu_seconds,
            "wall_seconds": self.wall_seconds,
            "memory_bytes": self.memory_bytes,
            "output_bytes": self.output_bytes,
        }


def _on_a_picture(function: str) -> DecodingOperation:
    return DecodingOperation(
        function=f"talking_head.decoding.pictures:{function}",
        slots=(SECOND_SLOT, FIRST_SLOT),
        wait_seconds=15.0,
        cpu_seconds=12,
        wall_seconds=30.0,
        memory_bytes=900 * MEGABYTE,
        output_bytes=50 * MEGABYTE,
        unreadable=image_limits.unreadable_picture,
        too_complex=image_limits.too_complex_picture,
    )


def _on_a_recording(function: str, cpu_seconds: int) -> DecodingOperation:
    return DecodingOperation(
        function=f"talking_head.decoding.sounds:{function}",
        slots=(FIRST_SLOT,),
        wait_seconds=30.0,
        cpu_seconds=cpu_seconds,
        wall_seconds=2.5 * cpu_seconds,
        memory_bytes=400 * MEGABYTE,
        output_bytes=1_000 * MEGABYTE,
        unreadable=audio_limits.unreadable_recording,
        too_complex=audio_limits.too_complex_recording,
    )


PORTRAIT = _on_a_picture("portrait")
PORTRAIT_PREVIEW = _on_a_picture("portrait_preview")
THUMBNAIL = _on_a_picture("thumbnail")
NARRATION = _on_a_recording("narration", cpu_seconds=240)  # two hours take a minute on a slow machine
VOICE_SAMPLE = _on_a_recording("voice_sample", cpu_seconds=30)
