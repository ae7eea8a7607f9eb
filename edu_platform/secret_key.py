"""A secret key for installations that do not set one: generated once, stored in a file that only its owner may read."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def persistent_secret_key(path: Path) -> str:
    """Return the stored key, generated if there is none. Processes that start at the same time agree on one key.

    Raises:
        OSError: the folder is read-only; set ``SECRET_KEY`` then.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key())
        try:
            os.link(draft, path)  # unlike rename, fails when the other process was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
