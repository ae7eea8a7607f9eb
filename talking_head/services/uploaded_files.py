"""The decoder of this process, for the services that take files: see :mod:`talking_head.decoding`."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from talking_head.decoding.decoder import DecodedFile, MediaDecoder
from talking_head.decoding.operations import DecodingOperation
from talking_head.files import local
from talking_head.files.runtime_dir import private_folder

UploadSource = bytes | BinaryIO


def decoded(operation: DecodingOperation, source: UploadSource, **values: Any) -> AbstractContextManager[DecodedFile]:
    """Run the operation on an upload in a process of its own; use it in a ``with`` statement.

    Raises:
        InvalidInput: the upload is not what the operation takes. ResourceError: ``busy``, ``no_space``,
            ``storage_denied``, ``run_dir_refused``.
    """
    decoder = media_decoder(private_folder(Path(settings.RUN_DIR)))
    return decoder.decoded(operation, source, local.temporary_root(), **values)


def size_of(source: UploadSource) -> int:
    """Return the size of an upload in bytes."""
    return len(source) if isinstance(source, bytes) else source.seek(0, os.SEEK_END)


@cache
def media_decoder(run_dir: Path) -> MediaDecoder:
    """Return the decoder whose slots are in ``run_dir``; its host process is shared by all threads."""
    return MediaDecoder(run_dir)
