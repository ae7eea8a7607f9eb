"""The range of speeds relative to a voice's own pace."""

from __future__ import annotations

from talking_head.errors import OptionError

SPEED_RANGE = (0.5, 2.0)  # what the embedded voice was trained for; outside it no voice is intelligible


def check_speed(speed: float) -> None:
    """Check that the speed is in ``SPEED_RANGE``.

    Raises:
        OptionError: ``speed_out_of_range``, also for NaN.
    """
    slowest, fastest = SPEED_RANGE
    if not slowest <= speed <= fastest:
        raise OptionError(
            "This speed is out of range.",
            code="speed_out_of_range",
            hint=f"Choose a speed from {slowest} to {fastest}.",
        )
