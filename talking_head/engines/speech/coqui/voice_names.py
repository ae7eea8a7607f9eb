"""Names of this engine's voices. A name is stored with a job, so it states model, language and speaker.

::

    coqui:vits:<folder>               a single-speaker VITS model in checkpoints/vits/<folder>/
    coqui:<language>:<speaker>        one of the speakers that come with XTTS v2
    coqui:<language>:<sha256>         XTTS v2 with a voice sample, by the digest of its stored bytes
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIX = "coqui"
VITS = "vits"
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class VitsVoice:
    folder: str


@dataclass(frozen=True, slots=True)
class SpeakerVoice:
    language: str
    speaker: str  # as in the voice's name: "ana-florence"


@dataclass(frozen=True, slots=True)
class SampleVoice:
    language: str
    digest: str


def parsed(name: str) -> VitsVoice | SpeakerVoice | SampleVoice | None:
    """Return the parsed name of a voice; None when it is not one of this engine's."""
    prefix, _, rest = name.partition(":")
    kind, _, key = rest.partition(":")
    if prefix != PREFIX or not kind or not key:
        return None
    if kind == VITS:
        return VitsVoice(key) if is_folder_name(key) else None
    return SampleVoice(kind, key) if _DIGEST.fullmatch(key) else SpeakerVoice(kind, key)


def is_folder_name(text: str) -> bool:
    """Return whether a folder name can be part of a voice's name (and never leads out of its parent)."""
    return _FOLDER.fullmatch(text) is not None


def vits_voice(folder: str) -> str:
    return f"{PREFIX}:{VITS}:{folder}"


def speaker_voice(language: str, speaker: str) -> str:
    return f"{PREFIX}:{language}:{speaker.lower().replace(' ', '-')}"


def sample_voice(language: str, digest: str) -> str:
    return f"{PREFIX}:{language}:{digest}"
