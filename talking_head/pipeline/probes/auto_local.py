"""The choice that ``auto`` resolves to without a queue and other machines: based on what this machine can do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from talking_head.engines import registry
from talking_head.pipeline.probes.machine import probe_machine
from talking_head.profiles import AUTO, profile_named
from talking_head.selection_rules import Choice, ProfileForecast, best_first, choose_face, choose_profile


@dataclass(frozen=True, slots=True)
class LocalChoice:
    asked_profile: str
    asked_face: str
    profile: Choice
    face: Choice

    def metrics(self) -> dict[str, str]:
        """Return the choice for the metrics document."""
        return {
            "asked_profile": self.asked_profile,
            "profile_reason": self.profile.reason,
            "asked_face": self.asked_face,
            "face_reason": self.face.reason,
        }


def choose_here(
    profile: str, face: str, *, script: str, video_seconds: float, has_portrait: bool, checkpoints_dir: Path
) -> LocalChoice:
    """Return the chosen profile and face. Torch is loaded only if sadtalker's checkpoints exist and it was not named.

    Raises:
        OptionError: ``unknown_profile``, ``unknown_engine``. EngineError: the named face engine is not installed.
    """
    machines = [probe_machine(checkpoints_dir)] if AUTO in (profile, face) else []
    profile_choice = Choice(profile_named(None if profile == AUTO else profile).name)
    if profile == AUTO:
        forecasts = [ProfileForecast(candidate, candidate.timeout_for(script)) for candidate in best_first()]
        profile_choice = choose_profile(forecasts, machines, patience_seconds=0)
    chosen = profile_named(profile_choice.name)
    face_choice = Choice(registry.resolve("face", face))
    if face == AUTO and has_portrait:
        face_choice = choose_face(chosen, video_seconds, chosen.timeout_for(script), machines)
    return LocalChoice(profile, face, profile_choice, face_choice)
