"""The engines of one renderer process: created when they are first needed, then kept."""

from __future__ import annotations

from typing import Any

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings, Enhancer
from talking_head.errors import EngineError, OptionError
from talking_head.profiles import Profile

NO_ENHANCER = "none"
# Why an enhancer cannot be used, by error code.
_UNUSABLE = {"checkpoint_corrupt": "has damaged weights", "checkpoint_foreign": "has the weights of another model"}


class WarmEngines:
    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._engines: dict[tuple[str, str], Any] = {}

    def adopt(self, kind: str, engine: Any) -> None:
        """Add an engine that is not in the registry, under its own name (recorded speech is made for one script)."""
        self._engines[kind, engine.name] = engine

    def get(self, kind: str, name: str) -> Any:
        """Return the engine; create it on first use.

        Raises:
            OptionError, EngineError: there is no such engine, or it cannot be used here.
        """
        if (kind, name) not in self._engines:
            self._engines[kind, name] = registry.create(kind, name, self._settings)
        return self._engines[kind, name]

    def label(self, kind: str, name: str, *, or_unknown: bool = False) -> str:
        """Return "name version". A class that states its version is not created for it: a lookup needs no models."""
        try:
            is_warm = (kind, name) in self._engines
            version = None if is_warm else getattr(registry.engine_class(kind, name), "version", None)
            if not isinstance(version, str):
                version = self.get(kind, name).version
        except (OptionError, EngineError):
            if or_unknown:
                return f"{name} unavailable"
            raise
        return f"{name} {version}"

    def enhancer(self, profile: Profile) -> tuple[Enhancer | None, tuple[str, ...]]:
        """Return the profile's enhancer, or None and a notice: a picture without it is plainer, not impossible."""
        name = profile.enhancer
        if name == NO_ENHANCER or self._settings.enhance == "none":
            return None, ()
        try:
            enhancer: Enhancer = self.get("enhancer", name)
        except (OptionError, EngineError) as error:
            return None, (f"The picture was not enhanced: {name} {_UNUSABLE.get(error.code, 'is not installed')}.",)
        if self._settings.enhance == "auto" and enhancer.seconds_per_frame > profile.seconds_per_frame:
            return None, (f"The picture was not enhanced: {name} is too slow on this machine.",)
        return enhancer, ()
