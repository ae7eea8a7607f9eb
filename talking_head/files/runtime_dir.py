"""The folder of sockets that the processes of one installation share. It may stand in a world-writable place such as
``/tmp``, so it is only trusted when it is ours and closed to everybody else."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from talking_head.errors import ResourceError, from_os_error


def private_folder(path: Path) -> Path:
    """Makes the folder when it is missing and returns it.

    Raises:
        ResourceError: ``run_dir_refused`` when somebody else owns the name, it is a link or others may look inside;
            ``no_space`` or ``storage_denied`` when it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        is_private = is_private_folder(path)
    except OSError as error:
        raise from_os_error(error) from error
    if not is_private:
        raise ResourceError(
            f"The folder {path.name} for the platform's sockets is not private to it.",
            code="run_dir_refused",
            hint="Remove it, or set RUN_DIR to a folder that belongs to the service's user and has mode 0700.",
            permanent=True,
        )
    return path


def is_private_folder(path: Path) -> bool:
    """Whether it is a folder of this user that nobody else may look into.

    Raises:
        OSError: it does not exist.
    """
    status = path.lstat()  # never follows: a link planted under that name must not lead us elsewhere
    closed_to_others = not stat.S_IMODE(status.st_mode) & 0o077
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and closed_to_others
