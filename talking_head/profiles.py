"""Performance profiles that teachers choose from, and their time limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from talking_head.errors import OptionError
from talking_head.timebase import VIDEO_FPS

Preprocess = Literal["crop", "extcrop", "resize", "full", "extfull"]

CHARACTERS_SPOKEN_PER_SECOND = 15.0  # approximately, when reading aloud with pauses
# About four minutes of speech.
CHARACTERS_COVERED_BY_TIMEOUT = 3_600


@dataclass(frozen=True, slots=True)
class Profile:
    """One performance profile.

    ``size_px`` is the side of the square face crop for the cropping modes; for ``full`` it is the resolution at which
    the face is animated before it goes back into the whole picture.
    """

    name: str
    timeout_seconds: int
    preprocess: Preprocess
    enhancer: str  # "none" or a name from the enhancer registry
    size_px: int
    expression_scale: float

    def timeout_for(self, script: str) -> float:
        """Return the seconds that the whole job may take. The profile's own timeout covers
        ``CHARACTERS_COVERED_BY_TIMEOUT`` characters; a longer script gets proportionally more, never less."""
        return self.timeout_seconds * max(1.0, len(script) / CHARACTERS_COVERED_BY_TIMEOUT)

    @property
    def seconds_per_frame(self) -> float:
        """Return the seconds that a frame may take if a text of that length is to be finished in time."""
        return self.timeout_seconds * CHARACTERS_SPOKEN_PER_SECOND / (CHARACTERS_COVERED_BY_TIMEOUT * VIDEO_FPS)


FAST = Profile("fast", 300, "crop", "none", 256, 1.0)
BALANCED = Profile("balanced", 600, "crop", "gfpgan", 256, 1.0)
QUALITY = Profile("quality", 900, "full", "gfpgan", 512, 1.0)

PROFILES = {profile.name: profile for profile in (FAST, BALANCED, QUALITY)}
DEFAULT_PROFILE = BALANCED.name
AUTO = "auto"  # instead of a profile or an engine: resolved for each job (talking_head.planning.auto_selection)
STILL = "still"  # the face engine that only shows the picture: for fallbacks and lessons without a portrait
RECORDED = "recorded"  # instead of a speech engine: a recorded narration is used
ASKABLE_PROFILES = (AUTO, *PROFILES)


def profile_named(name: str | None) -> Profile:
    """Return the profile of that name; ``None`` or empty means the default.

    Raises:
        OptionError: ``unknown_profile``.
    """
    try:
        return PROFILES[name or DEFAULT_PROFILE]
    except KeyError:
        raise OptionError(
            f"There is no profile “{name}”.",
            code="unknown_profile",
            hint=f"Choose one of: {', '.join(ASKABLE_PROFILES)}.",
        ) from None


def faster_than(name: str) -> Profile | None:
    """Return the next faster profile to suggest after a timeout; None when it already was the fastest, or is known only
    to another release."""
    order = list(PROFILES)
    position = order.index(name) if name in order else 0
    return PROFILES[order[position - 1]] if position else None
