"""The renderer's error classes.

Every failure that a user can see has a stable ``code`` (for metrics, filters and tests), a ``message`` that says what
happened and a ``hint`` that says what to do next. ``permanent`` decides whether a retry can help::

    TalkingHeadError
    ├── InvalidInput          the request is wrong: HTTP 400, command exit 2, never retried
    │   ├── ScriptError       empty_script, script_too_long, nothing_speakable, unsupported_language
    │   ├── PortraitError     image_unreadable, image_too_large, image_format, no_face, ...
    │   └── OptionError       unknown_profile, unknown_voice, unknown_engine, ...
    ├── EngineError           the engine cannot work here: engine_unavailable, checkpoint_missing, checkpoint_corrupt
    ├── ResourceError         no_space, storage_denied, out_of_memory, busy
    ├── LimitReached          quota_exceeded, queue_full: HTTP 429, retry after retry_after_seconds
    └── RendererError         renderer_crashed, renderer_stalled, clip_timeout, job_timeout, poisoned
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass


class TalkingHeadError(Exception):
    """Base class of the errors that this package raises on purpose.

    Args:
        code: stable snake_case identifier.
        message: one sentence for the user, without a trailing stack or path of this machine.
        hint: what to do next; the default of the class if left out, which is empty where there is nothing to do.
        permanent: True when the same input will fail again.
    """

    default_code = "error"
    default_hint = ""
    default_permanent = False

    def __init__(self, message: str, *, code: str = "", hint: str = "", permanent: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint or self.default_hint
        self.permanent = self.default_permanent if permanent is None else permanent

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(TalkingHeadError):
    default_code = "invalid_input"
    default_permanent = True


class ScriptError(InvalidInput):
    default_code = "invalid_script"


class PortraitError(InvalidInput):
    default_code = "invalid_portrait"


class OptionError(InvalidInput):
    default_code = "invalid_option"


class EngineError(TalkingHeadError):
    default_code = "engine_unavailable"
    default_permanent = True


class ResourceError(TalkingHeadError):
    default_code = "out_of_resources"


class LimitReached(TalkingHeadError):
    """A request that exceeds the person's quota or the capacity of the site.

    Args:
        retry_after_seconds: when a retry may succeed; None when waiting does not help.
    """

    default_code = "quota_exceeded"

    def __init__(
        self, message: str, *, code: str = "", hint: str = "", retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, code=code, hint=hint, permanent=retry_after_seconds is None)
        self.retry_after_seconds = retry_after_seconds


class RendererError(TalkingHeadError):
    default_code = "renderer_crashed"
    default_hint = "Try again; if it happens again, try another profile and tell an administrator."


OUT_OF_MEMORY = "out_of_memory"
# Libraries have no common error class for this: C++, OpenCV, onnxruntime, torch's CPU allocator, cuDNN and cuBLAS, the
# dynamic linker, and Python when there is no room for the stack of a new thread.
_OUT_OF_MEMORY_PATTERN = re.compile(
    r"MemoryError|OutOfMemoryError|bad_alloc|bad allocation|out of memory|insufficient memory|allocate memory|"
    r"STATUS_ALLOC_FAILED|failed to map segment|can't start new thread",
    re.IGNORECASE,
)


def out_of_memory() -> ResourceError:
    return ResourceError("The renderer ran out of memory.", code=OUT_OF_MEMORY, hint="Choose a faster profile.")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out. Classes that cannot be named here, because torch must not be
    imported, are recognised by name and message."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return mentions_out_of_memory(f"{type(error).__name__}: {error}")


def mentions_out_of_memory(text: str) -> bool:
    """Return whether the log of a process or the text of an error says that memory ran out."""
    return _OUT_OF_MEMORY_PATTERN.search(text) is not None


@dataclass(frozen=True, slots=True)
class FolderWording:
    """A folder's name in error messages, and the hints for the errors of its file system."""

    name: str
    free_space: str
    grant_access: str
    look_into: str = ""
    denied_is_permanent: bool = False  # True where an immediate retry cannot help
    says_reason: bool = False  # True where an operator reads the message


MEDIA_FOLDER = FolderWording(
    name="media folder",
    free_space="Free some space in the media folder, then try again.",
    grant_access="An administrator must give the service write permission on the media folder.",
)


def from_os_error(error: OSError, folder: FolderWording = MEDIA_FOLDER) -> TalkingHeadError:
    """Return an error of the file system as an error of this tree: ``no_space``, ``storage_denied``,
    ``storage_error``.

    The caller keeps ``error`` as ``__cause__``.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceError("The disk is full.", code="no_space", hint=folder.free_space)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ResourceError(
            f"The {folder.name} cannot be written to.",
            code="storage_denied",
            hint=folder.grant_access,
            permanent=folder.denied_is_permanent,
        )
    hint = folder.look_into or "Try again; if it happens again, tell an administrator."
    reason = f": {error.strerror or error}" if folder.says_reason else ""
    return ResourceError(f"A file could not be read or written{reason}.", code="storage_error", hint=hint)


@contextlib.contextmanager
def map_os_errors(folder: FolderWording = MEDIA_FOLDER) -> Iterator[None]:
    """Turn every OSError of the block into an error of this tree.

    Raises:
        ResourceError: see :func:`from_os_error`.
    """
    try:
        yield
    except OSError as error:
        raise from_os_error(error, folder) from error


def unknown_portrait() -> PortraitError:
    """Return the error for a portrait digest under which nothing is stored."""
    return PortraitError(
        "This portrait does not exist (any more).",
        code="unknown_portrait",
        hint="Upload it again or choose another one.",
    )


# --- what teachers read -------------------------------------------------------------------------------------------
# An error, a notice or a reason is written for administrators, with the detail that they need to act: names of engines
# and packages, commands, signals. Teachers cannot act on those. Pages show them the words that these functions return;
# the detail stays in the rows, in the log and on the administrators' pages.

_TELL = "Try again. If it happens again, tell an administrator."
_STOPPED = ("The program that makes the videos stopped unexpectedly.", _TELL)
_MISSING = (
    "Something that this video needs is not available on the server.",
    "Choose another voice or video quality, or tell an administrator.",
)
_NOT_JOINED = ("The sentences could not be joined into one video.", f"{_TELL} Finished sentences are kept.")
_NOT_STORED = ("The server could not store or read a file.", "Tell an administrator, then try again.")
_WORDS_BY_CODE: dict[str, tuple[str, str]] = {
    "poisoned": ("A sentence could not be made into a video.", f"Rephrase it, or choose a faster quality. {_TELL}"),
    "worker_lost": _STOPPED,
    "protocol": _STOPPED,
    "wrong_message": _STOPPED,
    "unknown_engine": _MISSING,
    "unknown_enhancer": _MISSING,
    "no_space": ("The server’s disk is full.", "Tell an administrator, then try again. Finished sentences are kept."),
    "out_of_memory": ("The server ran out of memory.", "Choose a faster video quality, or try again later."),
    "out_of_resources": ("The server is short of memory or disk space.", _TELL),
    **dict.fromkeys(
        ("publish_failed", "handover_failed", "video_damaged", "clips_differ", "clip_missing"), _NOT_JOINED
    ),
    **dict.fromkeys(("clip_damaged", "sound_length", "frame_size", "frame_count"), _NOT_JOINED),
}
_WORDS_BY_FAMILY = {
    "renderer_": _STOPPED,
    "engine_": _MISSING,
    "checkpoint_": _MISSING,
    "storage_": _NOT_STORED,
}
_TECHNICAL = re.compile(
    r"\b(pip|python\d?|torch\w*|safetensors|sadtalker|gfpgan|coqui|xtts\w*|espeak\w*|onnx\w*|cuda|checkpoints?|weights|"
    r"puppet|hibari|traceback|errno|signal \d+|exited with status|worker|renderer|\w+\.py|[0-9a-f]{32,})\b|"
    r"\b(?-i:[A-Z][a-z]\w*(Error|Exception)|[A-Z]+_[A-Z_]+)\b|requirements/|docs/|(^|[\s“(])/\w+/",
    re.IGNORECASE,
)


def words_for_teachers(code: str, message: str, hint: str) -> tuple[str, str]:
    """Return the message and the hint of an error as teachers read them; an error without a code has none."""
    cause, therefore, consequence = message.partition(" Therefore ")  # of a video with fallbacks, which says so
    if consequence:
        cause, hint = words_for_teachers(code, cause, hint)
        return f"{cause}{therefore}{consequence}", hint
    family = next((words for start, words in _WORDS_BY_FAMILY.items() if code.startswith(start)), None)
    if words := _WORDS_BY_CODE.get(code, family):
        return words
    said = notice_for_teachers(message)
    if message and not said:
        return "Something went wrong on the server.", _TELL
    return said, "Tell an administrator." if is_technical(hint) else hint


def notice_for_teachers(notice: str) -> str:
    """Return a notice or a reason without its technical explanation, which follows a colon: ``The picture was not
    enhanced: gfpgan is not installed.``"""
    sentences = re.split(r"(?<=\.) (?=[A-Z])", notice)
    return " ".join(filter(None, map(_without_explanation, sentences)))


def _without_explanation(sentence: str) -> str:
    if not is_technical(sentence):
        return sentence
    said = sentence.partition(": ")[0]
    return "" if said == sentence or is_technical(said) else f"{said}."


def is_technical(words: str) -> bool:
    """Return whether a text has words that only administrators understand."""
    return _TECHNICAL.search(words) is not None
