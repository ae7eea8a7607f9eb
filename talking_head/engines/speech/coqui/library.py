"""Import of the ``TTS`` library without network access, without prompts and without changing files."""

from __future__ import annotations

import logging
import os
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from talking_head.engines.speech.coqui.weights import corrupt, foreign
from talking_head.errors import EngineError, is_out_of_memory, out_of_memory

# Nothing here is loaded by name from a hub, but the libraries below look for updates of their own.
_VERBOSE_LOGGERS = ("TTS", "trainer")  # they would write every sentence of a lesson into the log
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def tts_class() -> Any:
    """Return ``TTS.api.TTS``, ready to load models from local files.

    Raises:
        EngineError: ``engine_unavailable``.
    """
    os.environ.update(_OFFLINE)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        _import_torchaudio()
        from TTS.api import TTS
        from TTS.tts.models.xtts import Xtts
    except (ImportError, OSError) as error:
        raise EngineError(
            f"The library of the speech engine “coqui” does not load ({error}).",
            hint="Reinstall it as described in docs/voices.md.",
        ) from error
    Xtts._load_checkpoint = _tensors_of
    return TTS


def loaded(name: str, load: Callable[[], Any]) -> Any:
    """Return the result of ``load``; translate errors of the weights to this project's errors.

    Raises:
        EngineError: ``checkpoint_foreign``, ``checkpoint_corrupt``; ``engine_unavailable`` when the model needs a
            program that is not installed. ResourceError: ``out_of_memory``.
    """
    try:
        return load()
    except FileNotFoundError as error:
        if "espeak" not in str(error):
            raise corrupt(name, _first_line(error)) from error
        raise EngineError(
            f"The voice model “{name}” reads its text with espeak-ng, which is not installed.",
            hint="Install it: apt-get install espeak-ng",
        ) from error
    except pickle.UnpicklingError as error:
        # No pickle at all, or one that calls something: torch refused it without running it.
        raise foreign(name, "it contains something other than numbers") from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        if is_out_of_memory(error):
            raise out_of_memory() from error
        raise corrupt(name, _first_line(error)) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]


def _import_torchaudio() -> None:
    """Import torchaudio, if necessary without its compiled extension.

    The package on PyPI is built for CUDA: with a torch without CUDA its extension cannot be loaded, and its import
    fails. Nothing needed here (mel spectrograms, resampling) is in the extension, so it is treated as absent, a case
    that torchaudio itself supports.
    """
    try:
        import torchaudio
    except OSError:
        sys.modules["torchaudio._extension.utils"]._load_lib = lambda _library: False  # type: ignore[attr-defined]
        import torchaudio  # noqa: F401


def _tensors_of(_model: Any, path: Path) -> Any:
    """Return the tensors of a checkpoint without changing the file.

    This replaces ``Xtts._load_checkpoint``, which rewrites the official file in another format when it first reads it:
    afterwards its digest is wrong, and when several machines share a folder, another one may read an incomplete file.
    """
    import torch
    from TTS.tts.models.xtts import _legacy_safe_globals

    with _legacy_safe_globals():  # the official file also contains its configuration, as objects of four known classes
        return torch.load(path, map_location="cpu", weights_only=True)["model"]
