"""Builds the static files when the web process starts, if any source has changed since: there is no step to forget."""

from __future__ import annotations

import fcntl
import logging
import time
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from edu_platform.static_files import built_names, is_built
from talking_head.errors import ResourceError
from talking_head.files.runtime_dir import private_folder

logger = logging.getLogger(__name__)

UNUSED = ["rest_framework"]  # the pages of its browsable API, which this site does not have
LOCK = ".lock"
KEEP_OLD_SECONDS = 7 * 86_400  # pages that are open during an upgrade still fetch the files of the release before


def build_if_changed() -> None:
    """Build the static files unless they are built; log why when they cannot be."""
    folder = Path(settings.STATIC_ROOT)
    if settings.DEBUG or is_built(folder):
        return
    try:
        if folder.parent == settings.RUN_DIR:
            private_folder(folder.parent)  # no other user may exchange what students' browsers run
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # web processes that start together
            if not is_built(folder):
                call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=UNUSED)
                _remove_old(folder)
    except (OSError, ResourceError):
        logger.warning("The static files could not be built in %s; browsers cannot keep them.", folder, exc_info=True)


def _remove_old(folder: Path) -> None:
    """Remove the files of builds that no open page can need any more."""
    current = set(built_names().values())
    before = time.time() - KEEP_OLD_SECONDS
    for path in folder.rglob("*.*"):
        name = str(path.relative_to(folder)).removesuffix(".gz")
        is_file_of_build = path.is_file() and path.parent != folder
        if is_file_of_build and name not in current and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
