"""``backup.json``: what a backup holds, with the digest of every file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from talking_head.digests import sha256_of_file
from talking_head.errors import FolderWording, InvalidInput, ResourceError, map_os_errors

FILE = "backup.json"
FORMAT = 1
BACKUP_FOLDER = FolderWording(
    name="backup folder",
    free_space="Free some space there, or choose another folder, and start again.",
    grant_access="Choose a folder that the user of this command may write to.",
)
Report = Callable[[int, int], None]  # files done, files in all


@dataclass(slots=True)
class BackupRecord:
    """The content of ``backup.json``. ``digests`` are by the path inside the backup; ``migrations`` are those that were
    applied to the copied database, as ``app.name``."""

    database: str  # the vendor: sqlite or postgresql
    made_at: str  # ISO 8601
    migrations: list[str]
    digests: dict[str, str] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)  # copied as they are, but not what their names say
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Write the record; the backup is complete with it.

        Raises:
            ResourceError: ``no_space``, ``storage_denied``.
        """
        unfinished = folder / f".{FILE}"
        with map_os_errors(BACKUP_FOLDER):
            unfinished.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
            unfinished.replace(folder / FILE)


def read_record(folder: Path) -> BackupRecord:
    """Return the record of a backup.

    Raises:
        InvalidInput: ``not_a_backup``, ``newer_backup``.
    """
    try:
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise InvalidInput(
                "This backup was made by a newer release of Lectern.",
                code="newer_backup",
                hint="Install that release here, then restore.",
            )
        record = BackupRecord(**values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"There is no complete backup in {folder}.",
            code="not_a_backup",
            hint=f"Name the folder that `manage.py backup` wrote: it has a {FILE}.",
        ) from error
    _refuse_paths_outside(record)
    return record


def verify(folder: Path, record: BackupRecord, report: Report) -> None:
    """Compare every file of a backup with its digest.

    Raises:
        ResourceError: ``backup_damaged``.
    """
    for done, (name, digest) in enumerate(sorted(record.digests.items()), 1):
        try:
            is_same = sha256_of_file(folder / name) == digest
        except OSError:
            is_same = False
        if not is_same:
            raise ResourceError(
                f"The backup is damaged: {name} is missing or was changed.",
                code="backup_damaged",
                hint="Restore another backup. Nothing was changed here.",
            )
        report(done, len(record.digests))


def _refuse_paths_outside(record: BackupRecord) -> None:
    for name in record.digests:
        path = Path(name)
        if path.is_absolute() or ".." in path.parts:
            raise InvalidInput(
                "The backup names a file outside its folder.", code="not_a_backup", hint="Do not use it."
            )
