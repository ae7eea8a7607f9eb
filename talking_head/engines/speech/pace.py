"""How much slower or faster than its own pace a voice may speak."""

from __future__ import annotations

from talking_head.errors import OptionError

SPEED_RANGE = (0.5, 2.0)  # what the embedded voice was trained for; beyond it, nobody can follow any voice


def check_speed(speed: float) -> None:
    """Raises:
    OptionError: ``speed_out_of_range``, also for what is no number.
    """
    slowest, fastest = SPEED_RANGE
    if not slowest <= speed <= fastest:
        raise OptionError(
            "This speed cannot be spoken.",
            code="speed_out_of_range",
            hint=f"Choose a speed from {slowest} to {fastest}.",
        )
