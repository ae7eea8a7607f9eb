"""The registry of engines. To add one, write the class and add a line here. Modules are imported only when chosen."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from talking_head.engines.base import EngineSettings
from talking_head.errors import EngineError, OptionError
from talking_head.profiles import AUTO

# kind -> name -> "module:class", in the order in which "auto" prefers them.
ENGINES: dict[str, dict[str, str]] = {
    "speech": {
        "hibari": "talking_head.engines.speech.hibari:HibariSpeech",
        "coqui": "talking_head.engines.speech.coqui.engine:CoquiSpeech",
    },
    "face": {
        "puppet": "talking_head.engines.face.puppet.engine:PuppetFace",
        "sadtalker": "talking_head.engines.face.sadtalker.engine:SadTalkerFace",
        "still": "talking_head.engines.face.still:StillFace",
    },
    "enhancer": {
        "gfpgan": "talking_head.engines.enhancer.gfpgan.engine:GfpganEnhancer",
    },
}


EMBEDDED = (("speech", "hibari"), ("face", "puppet"), ("face", "still"))  # come with the installation


def engine_class(kind: str, name: str) -> Any:
    """Return the class registered under that name.

    Raises:
        OptionError: ``unknown_engine``. EngineError: ``engine_unavailable`` when its packages are missing.
    """
    try:
        module_name, class_name = ENGINES[kind][name].split(":")
    except KeyError:
        raise OptionError(
            f"There is no {kind} engine “{name}”.",
            code="unknown_engine",
            hint=f"Choose one of: {', '.join([AUTO, *ENGINES[kind]])}.",
        ) from None
    try:
        return getattr(import_module(module_name), class_name)
    except ImportError as error:
        raise EngineError(
            f"The {kind} engine “{name}” is not installed ({error.name} is missing).",
            hint="Install its requirements file, or choose another engine.",
        ) from error


def resolve(kind: str, name: str) -> str:
    """Return the preferred engine of that kind for ``auto``, and any other name unchanged if it is registered.

    Only optional engines are imported to see whether they are installed: web and worker processes ask this too, which
    use no engine themselves.

    Raises:
        OptionError: ``unknown_engine``. EngineError: ``engine_unavailable`` when its packages are missing.
    """
    chosen = next(iter(ENGINES[kind])) if name == AUTO else name
    if (kind, chosen) not in EMBEDDED:
        engine_class(kind, chosen)
    return chosen


def speech_engine_of(voice: str) -> str:
    """Return the speech engine that a voice's name begins with (``engine:...``); empty when it names none."""
    prefix, separator, _ = voice.partition(":")
    return prefix if separator and prefix in ENGINES["speech"] else ""


def create(kind: str, name: str, settings: EngineSettings) -> Any:
    """Return a warm engine: models loaded, ready to use.

    Raises:
        OptionError: ``unknown_engine``. EngineError: ``engine_unavailable``, also for an installed package that does
            not load; any other error that the engine raises.
    """
    engine = engine_class(kind, resolve(kind, name))
    try:
        return engine(settings)
    except ImportError as error:  # engines import large packages when created: torch without its CUDA libraries, say
        raise EngineError(
            f"A package of the {kind} engine “{name}” does not load ({error}).",
            hint="Reinstall its requirements file, or choose another engine.",
        ) from error
