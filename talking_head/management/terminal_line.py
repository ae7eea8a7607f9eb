"""One line of a terminal that redraws itself: what the progress bars of commands share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

CLEAR = "\r\x1b[K"


class TerminalLine:
    """Redraws one line, but not more often than ``redraw_seconds``, and leaves it free for what comes next."""

    def __init__(
        self, write: Callable[[str], object], redraw_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._redraw_seconds = redraw_seconds
        self._clock = clock
        self._drawn_at = float("-inf")
        self._is_open = False

    def draw(self, text: str, *, now: bool = False) -> None:
        """Show ``text`` instead of what the line showed; ``now`` even right after the last time."""
        if self._clock() - self._drawn_at < self._redraw_seconds and not now:
            return
        self._drawn_at = self._clock()
        self._write(f"{CLEAR}{text}")
        self._is_open = True

    def end(self) -> None:
        """Clear the line."""
        if self._is_open:
            self._write(CLEAR)
            self._is_open = False


def bar(share: float, width: int) -> str:
    """Return a bar of ``width`` characters of which ``share`` (0..1) is filled."""
    filled = round(width * share)
    return "█" * filled + "░" * (width - filled)


def write_and_flush(stream: TextIO) -> Callable[[str], object]:
    """Return a function that writes to ``stream`` what a person should see at once."""

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write
