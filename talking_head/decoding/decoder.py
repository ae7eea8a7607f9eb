"""Decoding an uploaded file in a process of its own: what the services call."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from talking_head.decoding.child import ANSWER, LOG
from talking_head.decoding.host_handle import HostGoneError, HostHandle
from talking_head.decoding.operations import DecodingOperation
from talking_head.decoding.slots import DecoderSlots, too_busy
from talking_head.errors import map_os_errors
from talking_head.renderer.protocol import error_from_json

logger = logging.getLogger(__name__)

HOST_GRACE_SECONDS = 5.0  # on top of the wall time, in which the host ends the child
ATTEMPTS = 2  # a host that is gone is replaced once: that says nothing about the file
MAX_ANSWER_BYTES = 1_000_000
LOG_TAIL_BYTES = 4_000
SOURCE = "source"
OVER_LIMITS = (-signal.SIGXCPU, -signal.SIGKILL)  # the latter is the kernel's when the machine has no memory left


@dataclass(frozen=True, slots=True)
class DecodedFile:
    """What came out: the operation's values, and the files it wrote, which are deleted when the caller's block ends."""

    values: dict[str, Any]
    folder: Path


class MediaDecoder:
    """The decoder of this process; ``slots_folder`` is shared by the processes of the installation."""

    def __init__(self, slots_folder: Path) -> None:
        self._slots = DecoderSlots(slots_folder)
        self._host = HostHandle()

    def close(self) -> None:
        """End the host process; the next call starts another one."""
        self._host.close()

    @contextlib.contextmanager
    def decoded(
        self, operation: DecodingOperation, source: bytes | BinaryIO, temporary_root: Path, **values: Any
    ) -> Iterator[DecodedFile]:
        """Run the operation on the file in a child process and yield what came out, in a folder in ``temporary_root``.

        Raises:
            InvalidInput: as the operation says, or its ``unreadable`` or ``too_complex``. ResourceError: ``busy``,
                ``no_space``, ``storage_denied``.
        """
        with self._slots.occupied(operation.slots, operation.wait_seconds), _folder_in(temporary_root) as folder:
            with _on_disk(source, folder) as file:
                ending = self._run(operation, file.fileno(), folder, values)
            _refuse_bad_ending(operation, ending, folder)
            yield DecodedFile(_result(operation, folder), folder)

    def _run(self, operation: DecodingOperation, source: int, folder: Path, values: dict[str, Any]) -> dict[str, Any]:
        request = json.dumps(operation.request(str(folder), values)).encode()
        for _ in range(ATTEMPTS):
            try:
                ending: dict[str, Any] = json.loads(
                    self._host.run(request, source, operation.wall_seconds + HOST_GRACE_SECONDS)
                )
                return ending
            except HostGoneError:
                logger.warning("The host of the decoders is gone; starting another one.")
            except OSError:  # neither memory nor descriptors for another process
                logger.exception("The host of the decoders could not be started.")
                break
        raise too_busy()


@contextlib.contextmanager
def _folder_in(temporary_root: Path) -> Iterator[Path]:
    with map_os_errors():
        temporary_root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=temporary_root, prefix="upload-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _on_disk(source: bytes | BinaryIO, folder: Path) -> Iterator[BinaryIO]:
    """Yield the upload as a file with a descriptor: large ones have one, small ones are in memory."""
    if not isinstance(source, bytes):
        source.seek(0)  # also writes what is still in a buffer
        with contextlib.suppress(io.UnsupportedOperation, AttributeError):
            source.fileno()
            yield source
            return
    with map_os_errors(), (folder / SOURCE).open("w+b") as file:
        if isinstance(source, bytes):
            file.write(source)
        else:
            shutil.copyfileobj(source, file)
        file.flush()
        yield file


def _refuse_bad_ending(operation: DecodingOperation, ending: dict[str, Any], folder: Path) -> None:
    """Raise the error for a child that did not end by itself with status 0, and log how it ended."""
    status = int(ending["status"])
    if status == 0:
        return
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    logger.warning("A decoder (%s) %s. Its last words: %s", operation.function, how, _log_tail(folder) or "none")
    if ending["overdue"]:
        raise too_busy()
    raise operation.too_complex() if status in OVER_LIMITS else operation.unreadable()


def _result(operation: DecodingOperation, folder: Path) -> dict[str, Any]:
    """Return the child's result, or raise its error. The child is not trusted: it read a stranger's bytes."""
    try:
        with (folder / ANSWER).open("rb") as file:
            answer = json.loads(file.read(MAX_ANSWER_BYTES))
        if "result" in answer:
            return dict(answer["result"])
        error = None if answer.get("over_limits") else error_from_json(answer["error"])
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        logger.warning("A decoder (%s) gave no answer.", operation.function, exc_info=True)
        raise operation.unreadable() from None
    raise error or operation.too_complex()


def _log_tail(folder: Path) -> str:
    try:
        with (folder / LOG).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").strip()
    except OSError:
        return ""
