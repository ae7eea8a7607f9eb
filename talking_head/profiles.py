"""Performance profiles: what a teacher chooses between, and how long each may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from talking_head.errors import OptionError
from talking_head.timebase import VIDEO_FPS

Preprocess = Literal["crop", "extcrop", "resize", "full", "extfull"]

CHARACTERS_SPOKEN_PER_SECOND = 15.0  # of reading aloud, with its pauses; about
# About four minutes of speech.
CHARACTERS_COVERED_BY_TIMEOUT = 3_600


@dataclass(frozen=True, slots=True)
class Profile:
    """One row of the table.

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
        """Seconds the whole job may take: the profile's own timeout covers ``CHARACTERS_COVERED_BY_TIMEOUT``
        characters; a longer script gets proportionally more, a shorter one never less."""
        return self.timeout_seconds * max(1.0, len(script) / CHARACTERS_COVERED_BY_TIMEOUT)

    @property
    def seconds_per_frame(self) -> float:
        """What a frame may take if a text of that length is to be done in time."""
        return self.timeout_seconds * CHARACTERS_SPOKEN_PER_SECOND / (CHARACTERS_COVERED_BY_TIMEOUT * VIDEO_FPS)


FAST = Profile("fast", 300, "crop", "none", 256, 1.0)
BALANCED = Profile("balanced", 600, "crop", "gfpgan", 256, 1.0)
QUALITY = Profile("quality", 900, "full", "gfpgan", 512, 1.0)

PROFILES = {profile.name: profile for profile in (FAST, BALANCED, QUALITY)}
DEFAULT_PROFILE = BALANCED.name
AUTO = "auto"  # instead of a profile or an engine: chosen for each job (talking_head.planning.auto_selection)
STILL = "still"  # the face engine that only shows the picture: every fallback's, and that of lessons without a portrait
RECORDED = "recorded"  # instead of a speech engine: a recorded narration speaks
ASKABLE_PROFILES = (AUTO, *PROFILES)


def profile_named(name: str | None) -> Profile:
    """The profile of that name; ``None`` or empty means the default.

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
    """The next faster profile to suggest after a timeout; None when it already was the fastest, or one that only
    another release knows."""
    order = list(PROFILES)
    position = order.index(name) if name in order else 0
    return PROFILES[order[position - 1]] if position else None
