"""What ``auto`` comes to: pure rules from what is known of the machines, of recent videos and of the queue.

Every choice carries its reason in words, because people see it beside their video. Nothing is measured here; whoever
calls brings the figures (:mod:`talking_head.planning.auto_selection` from the rows, the ``render`` command from its own
machine).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from talking_head.profiles import PROFILES, Profile
from talking_head.timebase import VIDEO_FPS

EMBEDDED_FACE, QUALITY_FACE = "puppet", "sadtalker"
MEASURED_SIDE_PX = 256
PROBE_DOUBT = 4 / 3  # the speed probe is good to about a third
TIME_SHARE = 0.5  # of a profile's timeout that a video may be expected to take
READY_SHARE = 0.5  # of the sentences rendered already: then the others follow them
FEWEST_JOBS, TROUBLE_SHARE = 3, 0.25  # of recent jobs, to hold their ends against a profile
GIGABYTE = 10**9
# Without a GPU: what a machine must have where nobody has rendered with that profile yet.
LEAST_CORES = {"quality": 4, "balanced": 2}
LEAST_MEMORY_BYTES = {"quality": 4 * GIGABYTE, "balanced": 2 * GIGABYTE}


@dataclass(frozen=True, slots=True)
class Machine:
    """One that renders. ``sadtalker_seconds_per_frame`` is at 256 px; None where it cannot work, and then
    ``sadtalker_problem`` says why."""

    cores: int
    memory_bytes: int
    gpu_name: str = ""
    sadtalker_seconds_per_frame: float | None = None
    sadtalker_problem: str = ""


@dataclass(frozen=True, slots=True)
class ProfileForecast:
    """What is to be expected of one profile for the video in question. None: nothing tells."""

    profile: Profile
    timeout_seconds: float
    render_seconds: float | None = None  # at the speed of recent videos with this profile
    wait_seconds: float | None = None  # until it begins
    recent_jobs: int = 0
    troubled_jobs: int = 0  # those that lacked time, memory or a renderer that lives
    ready_share: float = 0.0  # of its sentences, rendered already


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    reason: str = ""  # "" = nobody had to choose


def choose_profile(outlooks: Sequence[ProfileForecast], machines: Sequence[Machine], patience_seconds: float) -> Choice:
    """The best profile that nothing speaks against, otherwise the fastest.

    Args:
        outlooks: one for each profile, the best first.
        patience_seconds: how long a person waits without asking; 0 = for ever.
    """
    for outlook in outlooks:
        if outlook.ready_share >= READY_SHARE:
            share = f"{outlook.ready_share:.0%}"
            return Choice(outlook.profile.name, f"{share} of the sentences are ready in this profile already.")
    against: list[str] = []
    for outlook in outlooks:
        objection = _objection(outlook, machines, patience_seconds)
        if objection is None or outlook is outlooks[-1]:
            return Choice(outlook.profile.name, " ".join(against) or "It is the best, and nothing speaks against it.")
        against.append(f"Not {outlook.profile.name}: {objection}.")
    raise ValueError("there is no profile to choose from")


def _objection(outlook: ProfileForecast, machines: Sequence[Machine], patience_seconds: float) -> str | None:
    name = outlook.profile.name
    if outlook.render_seconds is None and not all(_is_large_enough(machine, name) for machine in machines or (None,)):
        return f"it asks for a GPU or {LEAST_CORES.get(name, 1)} processor cores"
    if outlook.recent_jobs >= FEWEST_JOBS and outlook.troubled_jobs > TROUBLE_SHARE * outlook.recent_jobs:
        return f"{outlook.troubled_jobs} of the last {outlook.recent_jobs} such videos ran out of time or memory"
    render_seconds = outlook.render_seconds or 0.0
    if render_seconds > TIME_SHARE * outlook.timeout_seconds:
        return f"rendering would take {in_words(render_seconds)}, too close to its limit"
    ready_seconds = (outlook.wait_seconds or 0.0) + render_seconds
    if patience_seconds and ready_seconds > patience_seconds:
        return f"so much is waiting that it would be ready in {in_words(ready_seconds)} only"
    return None


def _is_large_enough(machine: Machine | None, profile: str) -> bool:
    """A machine that nobody knows is taken for an ordinary one."""
    if machine is None:
        return profile != "quality"
    has_room = machine.memory_bytes >= LEAST_MEMORY_BYTES.get(profile, 0)
    return bool(machine.gpu_name) or (has_room and machine.cores >= LEAST_CORES.get(profile, 1))


def choose_face(profile: Profile, video_seconds: float, timeout_seconds: float, machines: Sequence[Machine]) -> Choice:
    """``sadtalker`` where every machine that may get a sentence of it would be done in time, otherwise ``puppet``."""
    if not machines:
        return Choice(EMBEDDED_FACE, "It is not known yet what the machines that render can do.")
    for machine in machines:
        if machine.sadtalker_seconds_per_frame is None:
            return Choice(
                EMBEDDED_FACE, f"The quality engine (sadtalker) cannot be used here: {machine.sadtalker_problem}"
            )
    slowest = max(machine.sadtalker_seconds_per_frame or 0.0 for machine in machines)
    seconds = sadtalker_seconds(slowest, profile, video_seconds)
    if seconds * PROBE_DOUBT > timeout_seconds:
        return Choice(
            EMBEDDED_FACE,
            f"The quality engine (sadtalker) would need {in_words(seconds)} here; the profile {profile.name} allows "
            f"{in_words(timeout_seconds)}.",
        )
    return Choice(QUALITY_FACE, f"It is expected to take {in_words(seconds)} here, within its time.")


def sadtalker_seconds(seconds_per_frame: float, profile: Profile, video_seconds: float) -> float:
    """What that many seconds of video take: the work grows with the number of pixels."""
    return seconds_per_frame * (profile.size_px / MEASURED_SIDE_PX) ** 2 * VIDEO_FPS * video_seconds


def best_first() -> list[Profile]:
    return list(reversed(PROFILES.values()))


def in_words(seconds: float) -> str:
    """``about 5 minutes``: as exact as a forecast deserves."""
    if seconds < 90:
        return "about a minute"
    if seconds < 5_400:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3_600:.0f} hours"
