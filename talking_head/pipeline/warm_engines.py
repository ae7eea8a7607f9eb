"""The engines of one renderer process: created when they are first needed, then kept."""

from __future__ import annotations

from typing import Any

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings
from talking_head.errors import EngineError, OptionError

NO_ENHANCER = "none"


class WarmEngines:
    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._engines: dict[tuple[str, str], Any] = {}

    def adopt(self, kind: str, engine: Any) -> None:
        """Takes in an engine that is not in the registry, under its own name (a recording is made for one script)."""
        self._engines[kind, engine.name] = engine

    def get(self, kind: str, name: str) -> Any:
        """
        Raises:
            OptionError, EngineError: there is no such engine, or not here.
        """
        if (kind, name) not in self._engines:
            self._engines[kind, name] = registry.create(kind, name, self._settings)
        return self._engines[kind, name]

    def label(self, kind: str, name: str, *, or_unknown: bool = False) -> str:
        """ "name version". A class that states its version is not even created for it: a lookup needs no models."""
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

    def enhancer(self, name: str) -> tuple[Any, tuple[str, ...]]:
        """The enhancer, or None and a notice: a missing enhancer makes a picture plainer, not impossible."""
        if name == NO_ENHANCER:
            return None, ()
        try:
            return self.get("enhancer", name), ()
        except (OptionError, EngineError):
            return None, (f"{name} is not installed: rendered without it",)
