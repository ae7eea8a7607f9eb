"""The available voices, by installed packages, models in the checkpoints folder and accepted licences.

Cheap and without torch, because pages use it, too. Bytes are checked when a model is loaded (:mod:`.weights`).
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from talking_head.checkpoints.licences import is_accepted
from talking_head.checkpoints.manifest import Checkpoint, load_manifest
from talking_head.engines.base import Voice
from talking_head.engines.speech.coqui.voice_names import PREFIX, VITS, is_folder_name, speaker_voice, vits_voice
from talking_head.errors import EngineError

PACKAGES = ("TTS", "torch", "torchaudio", "transformers")
XTTS_FOLDER = "xtts_v2"
VITS_FILES = ("config.json", "model.pth")
# XTTS v2 comes with 58 speakers. Two of them are enough to choose from; other voices are cloned from samples.
XTTS_SPEAKERS = ("Ana Florence", "Damien Black")
XTTS_LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "pl": "Polish", "tr": "Turkish", "ru": "Russian", "nl": "Dutch", "cs": "Czech", "ar": "Arabic", "hu": "Hungarian",
    "ko": "Korean", "hi": "Hindi", "zh": "Chinese", "ja": "Japanese",
}  # fmt: skip
_NEEDED_TO_READ = {"zh": "pypinyin", "ja": "cutlet"}  # packages that only one language needs
DEFAULT_LANGUAGE = "en"


def package_problem() -> EngineError | None:
    """Return why the library cannot be used, None if it can."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if not missing:
        return None
    return EngineError(
        f"The speech engine “coqui” is not installed ({missing[0]} is missing).",
        hint="Install it: pip install -r requirements/coqui.txt, as described in docs/voices.md.",
    )


def xtts_problem(checkpoints_dir: Path) -> EngineError | None:
    """Return why XTTS v2 cannot be used, None if it can; never prompt or download."""
    files = xtts_files()
    missing = next((item for item in files if not item.path_in(checkpoints_dir).is_file()), None)
    if missing is not None:
        return EngineError(
            f"The weights of XTTS v2 are not installed ({missing.file} is missing).",
            code="checkpoint_missing",
            hint="Download them with: python manage.py download_checkpoints --only coqui",
        )
    licence = files[0].licence
    if not is_accepted(licence, checkpoints_dir):
        return EngineError(
            f"The licence of XTTS v2 has not been accepted: {licence.title}. {licence.terms}",
            code="licence_not_accepted",
            hint=f"Read {licence.url}; to accept it, set {licence.accepted_by_environment}=1.",
        )
    return None


def cloning_problem(checkpoints_dir: Path) -> EngineError | None:
    """Return why voices cannot be cloned here, None if they can."""
    return package_problem() or xtts_problem(checkpoints_dir)


def languages() -> dict[str, str]:
    """Return the languages that XTTS v2 can read here: BCP 47 tag -> English name."""
    return {
        tag: name
        for tag, name in XTTS_LANGUAGES.items()
        if tag not in _NEEDED_TO_READ or find_spec(_NEEDED_TO_READ[tag]) is not None
    }


def voices(checkpoints_dir: Path) -> tuple[Voice, ...]:
    """Return local VITS models, then the speakers of XTTS v2; voice samples belong to their owners and are omitted."""
    available = [
        Voice(vits_voice(folder.name), vits_language(folder), folder.name) for folder in vits_folders(checkpoints_dir)
    ]
    if xtts_problem(checkpoints_dir) is None:
        available += [
            Voice(speaker_voice(tag, speaker), tag, f"{speaker}, {name}")
            for tag, name in languages().items()
            for speaker in XTTS_SPEAKERS
        ]
    return tuple(available)


def no_voice(checkpoints_dir: Path) -> EngineError:
    """Return the error for a checkpoints folder without a usable voice."""
    problem = xtts_problem(checkpoints_dir)
    if problem is not None and problem.code != "checkpoint_missing":
        return problem
    return EngineError(
        "The speech engine “coqui” has no model on this machine.",
        code="checkpoint_missing",
        hint=f"Download XTTS v2 with: python manage.py download_checkpoints --only {PREFIX}, or put a VITS model into "
        f"{VITS}/<name>/ of the checkpoints folder ({' and '.join(VITS_FILES)}).",
    )


@lru_cache(maxsize=1)
def xtts_files() -> tuple[Checkpoint, ...]:
    return load_manifest().needed_by(PREFIX)


def vits_folders(checkpoints_dir: Path) -> list[Path]:
    parent = checkpoints_dir / VITS
    if not parent.is_dir():
        return []
    return sorted(
        folder
        for folder in parent.iterdir()
        if is_folder_name(folder.name) and all((folder / file).is_file() for file in VITS_FILES)
    )


def vits_language(folder: Path) -> str:
    """Return the language in its configuration; English when it names none."""
    try:
        config: dict[str, Any] = json.loads((folder / VITS_FILES[0]).read_text(encoding="utf-8"))
        datasets = config.get("datasets") or [{}]
        tag = str(config.get("phoneme_language") or datasets[0].get("language") or DEFAULT_LANGUAGE)
    except (OSError, ValueError, AttributeError, KeyError, IndexError):
        return DEFAULT_LANGUAGE  # its error is reported when it is loaded
    primary, _, region = tag.replace("_", "-").partition("-")
    return f"{primary.lower()}-{region.upper()}" if region else primary.lower()
