"""The rules by which ``auto`` is resolved: pure functions of what is known of machines, recent videos and the queue.

Every choice has a reason as a sentence, because users see it beside their video. Nothing is measured here; the caller
passes the measurements (:mod:`talking_head.planning.auto_selection` from the rows, the ``render`` command from its own
machine).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from talking_head.profiles import PROFILES, Profile
from talking_head.timebase import VIDEO_FPS

EMBEDDED_FACE, QUALITY_FACE = "puppet", "sadtalker"
MEASURED_SIDE_PX = 256
PROBE_MARGIN = 4 / 3  # the speed probe is accurate to about a third
MAX_TIMEOUT_SHARE = 0.5  # of a profile's timeout that a video may be expected to take
MIN_READY_SHARE = 0.5  # of the sentences rendered already: then the others use the same profile
MIN_JOBS, MAX_TROUBLED_SHARE = 3, 0.25  # of recent jobs, before their failures rule out a profile
GIGABYTE = 10**9
# Without a GPU: the minimum for a profile with which nothing has been rendered yet.
MIN_CORES = {"quality": 4, "balanced": 2}
MIN_MEMORY_BYTES = {"quality": 4 * GIGABYTE, "balanced": 2 * GIGABYTE}


@dataclass(frozen=True, slots=True)
class Machine:
    """A rendering machine. ``sadtalker_seconds_per_frame`` is at 256 px; None where SadTalker cannot run, and then
    ``sadtalker_problem`` says why."""

    cores: int
    memory_bytes: int
    gpu_name: str = ""
    sadtalker_seconds_per_frame: float | None = None
    sadtalker_problem: str = ""


@dataclass(frozen=True, slots=True)
class ProfileForecast:
    """The forecast of one profile for the video in question. None: unknown."""

    profile: Profile
    timeout_seconds: float
    render_seconds: float | None = None  # at the speed of recent videos with this profile
    wait_seconds: float | None = None  # until rendering begins
    recent_jobs: int = 0
    troubled_jobs: int = 0  # those that ran out of time or memory, or lost their renderer
    ready_share: float = 0.0  # of the video's sentences, rendered already


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    reason: str = ""  # "" = there was nothing to choose


def choose_profile(
    forecasts: Sequence[ProfileForecast], machines: Sequence[Machine], patience_seconds: float
) -> Choice:
    """Return the best profile that nothing rules out, otherwise the fastest.

    Args:
        forecasts: one for each profile, the best first.
        patience_seconds: how long a user is willing to wait; 0 = for ever.
    """
    for forecast in forecasts:
        if forecast.ready_share >= MIN_READY_SHARE:
            share = f"{forecast.ready_share:.0%}"
            return Choice(forecast.profile.name, f"{share} of the sentences are already rendered in this profile.")
    objections: list[str] = []
    for forecast in forecasts:
        objection = _objection(forecast, machines, patience_seconds)
        if objection is None or forecast is forecasts[-1]:
            return Choice(
                forecast.profile.name, " ".join(objections) or "It is the best profile, and nothing rules it out."
            )
        objections.append(f"Not {forecast.profile.name}: {objection}.")
    raise ValueError("there is no profile to choose from")


def _objection(forecast: ProfileForecast, machines: Sequence[Machine], patience_seconds: float) -> str | None:
    name = forecast.profile.name
    if forecast.render_seconds is None and not all(_is_large_enough(machine, name) for machine in machines or (None,)):
        return f"it needs a GPU or {MIN_CORES.get(name, 1)} processor cores"
    if forecast.recent_jobs >= MIN_JOBS and forecast.troubled_jobs > MAX_TROUBLED_SHARE * forecast.recent_jobs:
        return f"{forecast.troubled_jobs} of the last {forecast.recent_jobs} such videos ran out of time or memory"
    render_seconds = forecast.render_seconds or 0.0
    if render_seconds > MAX_TIMEOUT_SHARE * forecast.timeout_seconds:
        return f"rendering would take {approximate_duration(render_seconds)}, too close to its time limit"
    ready_seconds = (forecast.wait_seconds or 0.0) + render_seconds
    if patience_seconds and ready_seconds > patience_seconds:
        return f"the queue is so long that it would only be ready in {approximate_duration(ready_seconds)}"
    return None


def _is_large_enough(machine: Machine | None, profile: str) -> bool:
    """Return whether a machine has room for a profile; an unknown machine is assumed to be an ordinary one."""
    if machine is None:
        return profile != "quality"
    has_room = machine.memory_bytes >= MIN_MEMORY_BYTES.get(profile, 0)
    return bool(machine.gpu_name) or (has_room and machine.cores >= MIN_CORES.get(profile, 1))


def choose_face(profile: Profile, video_seconds: float, timeout_seconds: float, machines: Sequence[Machine]) -> Choice:
    """Return ``sadtalker`` if every machine that may render a sentence would finish in time, otherwise ``puppet``."""
    if not machines:
        return Choice(EMBEDDED_FACE, "No worker has reported yet what its machine can do.")
    for machine in machines:
        if machine.sadtalker_seconds_per_frame is None:
            return Choice(EMBEDDED_FACE, f"The quality engine cannot be used here: {machine.sadtalker_problem}")
    slowest = max(machine.sadtalker_seconds_per_frame or 0.0 for machine in machines)
    seconds = sadtalker_seconds(slowest, profile, video_seconds)
    if seconds * PROBE_MARGIN > timeout_seconds:
        return Choice(
            EMBEDDED_FACE,
            f"The quality engine would take {approximate_duration(seconds)} here; "
            f"the profile {profile.name} allows {approximate_duration(timeout_seconds)}.",
        )
    return Choice(QUALITY_FACE, f"It is expected to take {approximate_duration(seconds)} here, within the time limit.")


def sadtalker_seconds(seconds_per_frame: float, profile: Profile, video_seconds: float) -> float:
    """Return the seconds that a video of that length takes: the work grows with the number of pixels."""
    return seconds_per_frame * (profile.size_px / MEASURED_SIDE_PX) ** 2 * VIDEO_FPS * video_seconds


def best_first() -> list[Profile]:
    return list(reversed(PROFILES.values()))


def approximate_duration(seconds: float) -> str:
    """Return a duration such as ``about 5 minutes``: as precise as a forecast can be."""
    if seconds < 8:
        return "a few seconds"
    if seconds < 52.5:
        return f"about {5 * round(seconds / 5)} seconds"
    if seconds < 90:
        return "about a minute"
    if seconds < 5_400:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3_600:.0f} hours"
