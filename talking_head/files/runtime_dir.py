"""The folder of sockets that the processes of one installation share. It may be in a world-writable folder such as
``/tmp``, so it is only trusted if this user owns it and no other user can access it."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from talking_head.errors import ResourceError, TalkingHeadError, from_os_error


def private_folder(path: Path) -> Path:
    """Create the folder if it is missing and return it.

    Raises:
        ResourceError: ``run_dir_refused`` when another user owns it, it is a link or other users can access it;
            ``no_space`` or ``storage_denied`` when it cannot be created.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        is_private = is_private_folder(path)
    except OSError as error:
        raise from_os_error(error) from error
    if not is_private:
        raise _not_private(path)
    return path


def run_dir_problem(path: Path) -> TalkingHeadError | None:
    """Return why the folder would be refused, without creating it: until a process needs it, it may be missing. It is
    not repaired: ``RUN_DIR`` may name a folder that other programs must be able to enter."""
    try:
        return None if is_private_folder(path) else _not_private(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return from_os_error(error)


def _not_private(path: Path) -> ResourceError:
    return ResourceError(
        f"The folder {path.name} for the platform's sockets is not private.",
        code="run_dir_refused",
        hint="Remove it, or set RUN_DIR to a folder that belongs to the service's user and has mode 0700.",
        permanent=True,
    )


def is_private_folder(path: Path) -> bool:
    """Return whether the path is a folder that this user owns and no other user can access.

    Raises:
        OSError: it does not exist.
    """
    status = path.lstat()  # does not follow links: a planted link must not lead to another folder
    closed_to_others = not stat.S_IMODE(status.st_mode) & 0o077
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and closed_to_others
