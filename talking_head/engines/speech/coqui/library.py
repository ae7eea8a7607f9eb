"""Brings the ``TTS`` library into this process: without the network, without prompts, without changing files."""

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

# Nothing here asks for anything by name, but libraries below look for updates of their own.
_TALKATIVE = ("TTS", "trainer")  # they would write every sentence of a lesson into the log
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def tts_class() -> Any:
    """``TTS.api.TTS``, ready to load models from local files.

    Raises:
        EngineError: ``engine_unavailable``.
    """
    os.environ.update(_OFFLINE)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        _import_torchaudio()
        from TTS.api import TTS
        from TTS.tts.models.xtts import Xtts
    except (ImportError, OSError) as error:
        raise EngineError(
            f"The library of the speech engine “coqui” does not load ({error}).",
            hint="Install it again as docs/voices.md says.",
        ) from error
    Xtts._load_checkpoint = _tensors_of
    return TTS


def loaded(name: str, load: Callable[[], Any]) -> Any:
    """What ``load`` returns; what goes wrong with weights, in the words of our tree.

    Raises:
        EngineError: ``checkpoint_foreign``, ``checkpoint_corrupt``; ``engine_unavailable`` when the model needs a
            program that is not there. ResourceError: ``out_of_memory``.
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
        # No pickle at all, or one that wants something called: torch refused it unrun.
        raise foreign(name, "it holds something other than numbers") from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        if is_out_of_memory(error):
            raise out_of_memory() from error
        raise corrupt(name, _first_line(error)) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]


def _import_torchaudio() -> None:
    """The registry's torchaudio is built for CUDA: beside a torch without, its compiled part cannot be loaded, and its
    import fails. Nothing that is needed here (mel spectrograms, resampling) is in that part, so it is treated as
    absent, which torchaudio itself provides for."""
    try:
        import torchaudio
    except OSError:
        sys.modules["torchaudio._extension.utils"]._load_lib = lambda _library: False  # type: ignore[attr-defined]
        import torchaudio  # noqa: F401


def _tensors_of(_model: Any, path: Path) -> Any:
    """In place of ``Xtts._load_checkpoint``, which writes the official file anew in another format when it first reads
    it: afterwards its digest is wrong, and with several machines on one folder somebody may read half of it."""
    import torch
    from TTS.tts.models.xtts import _legacy_safe_globals

    with _legacy_safe_globals():  # the official file also holds its configuration, as objects of four known classes
        return torch.load(path, map_location="cpu", weights_only=True)["model"]
