"""Static files under names that contain their digest, so that browsers keep them for ever; compressed once.

The web process builds them when it starts (:mod:`edu_platform.web.static_build`). While there is no build of the
sources as they are (in tests, with ``runserver``, in a folder that cannot be written), they have their plain names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import STATICFILES_STORAGE_ALIAS
from django.contrib.staticfiles.finders import find, get_finders
from django.core.files.storage import storages
from whitenoise.storage import CompressedManifestStaticFilesStorage

SOURCES = "sources.sha256"
IMPORT = re.compile(r"""^(?:import|export)\b[^;"']*["'](?P<module>\.[^"']+\.js)["'];""", re.MULTILINE)


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """The built files; also the modules' imports of each other name the digest."""

    support_js_module_import_aggregation = True
    keep_only_hashed_files = True  # WhiteNoise serves the plain names from the sources
    manifest_strict = False

    def load_manifest(self) -> tuple[dict[str, str], str]:
        """Return the names of the build; none if it is not one of these sources."""
        if not is_built(Path(self.location)):
            return {}, ""
        names: tuple[dict[str, str], str] = super().load_manifest()
        return names

    def stored_name(self, name: str) -> str:
        """Return the name with the digest, or the plain one where there is no build."""
        return str(super().stored_name(name)) if self.hashed_files.get(self.hash_key(name)) else name

    def post_process(self, *words: Any, **options: Any) -> Iterator[Any]:
        """Build the files, and note last of which sources."""
        folder = Path(self.location)
        (folder / SOURCES).unlink(missing_ok=True)
        yield from super().post_process(*words, **options)
        if not options.get("dry_run"):
            (folder / SOURCES).write_text(sources_digest(), encoding="ascii")


def built_names() -> dict[str, str]:
    """Return source -> name with its digest; empty where there is no build."""
    names: dict[str, str] = storages[STATICFILES_STORAGE_ALIAS].hashed_files  # type: ignore[attr-defined]
    return names


def is_built(folder: Path) -> bool:
    """Return whether the folder holds a build of the sources as they are now."""
    try:
        return (folder / SOURCES).read_text(encoding="ascii") == sources_digest()
    except OSError:
        return False


def sources_digest() -> str:
    """Return what changes whenever a source does: names, sizes and times, because their bytes take longer to read."""
    entries = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = os.stat(storage.path(name))  # noqa: PTH116 - two hundred of them at every start
            entries.append(f"{name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(entries)).encode()).hexdigest()


@cache
def modules_of(name: str) -> tuple[str, ...]:
    """Return a module and all modules that it imports, directly or not, each once, as names of static files."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        module = waiting.pop(0)
        if module in found:
            continue
        found[module] = None
        source = find(module)
        text = Path(str(source)).read_text(encoding="utf-8") if source else ""
        waiting += [os.path.normpath(f"{Path(module).parent}/{match['module']}") for match in IMPORT.finditer(text)]
    return tuple(found)
