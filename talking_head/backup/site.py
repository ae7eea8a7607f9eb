"""A backup of the whole site, and its restoration."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from talking_head.backup import database, media
from talking_head.backup.record import BACKUP_FOLDER, BackupRecord, Report, read_record, verify
from talking_head.checkpoints.folder import CHECKPOINTS_FOLDER
from talking_head.checkpoints.licences import ACCEPTED_FILE
from talking_head.digests import sha256_of_file
from talking_head.errors import InvalidInput, map_os_errors

MEDIA = "media/"
SECRET_KEY = "secret_key"  # noqa: S105 - the name of a file
KEY_FILE = ".secret_key"  # where a site keeps the key that it generated, see edu_platform/settings.py


def back_up(folder: Path, report: Report) -> BackupRecord:
    """Write a backup into a new or empty folder and return its record.

    Raises:
        InvalidInput: ``folder_not_empty``. ResourceError, EngineError: the database, the media or the disk failed; what
        was written so far is no backup.
    """
    with _private_files():
        database.check_programs()
        _make_empty(folder)
        name = database.file_name()
        database.dump(folder / name)  # first: see the package's docstring
        record = BackupRecord(
            database=connection.vendor,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            migrations=database.applied_migrations(),
        )
        with map_os_errors(BACKUP_FOLDER):
            (folder / SECRET_KEY).write_text(settings.SECRET_KEY)
            record.digests = {each: sha256_of_file(folder / each) for each in (name, SECRET_KEY)}
            _copy_licences(folder, record)
        _copy_media(folder, record, report)
        verify(folder, record, report)
        record.write(folder)
    return record


def restore(folder: Path, *, replace: bool, report: Report) -> tuple[BackupRecord, list[str]]:
    """Verify a backup and put all of it in its place; return its record, and what is left for the administrator to do.

    Raises:
        InvalidInput: ``not_a_backup``, ``newer_backup``, ``other_database``, ``site_exists``.
        ResourceError: ``backup_damaged``, ``no_space``, or the database, the media or the disk failed.
    """
    record = read_record(folder)
    if record.database != connection.vendor:
        raise InvalidInput(
            f"This backup is of a site with {record.database}, and DATABASE_URL names {connection.vendor}.",
            code="other_database",
            hint=f"Set DATABASE_URL to a database of the kind {record.database}.",
        )
    database.refuse_unknown(record.migrations)
    database.check_programs()
    if database.is_in_use() and not replace:
        raise InvalidInput(
            "There is a site in this database already.",
            code="site_exists",
            hint="Stop its processes, and add --replace to put the backup in its place.",
        )
    verify(folder, record, report)
    names = [name for name in sorted(record.digests) if name.startswith(MEDIA)]
    media.check_room({name.removeprefix(MEDIA): folder / name for name in names})
    database.load(folder / database.file_name())
    for done, name in enumerate(names, 1):
        media.copy_in(name.removeprefix(MEDIA), folder / name)
        report(done, len(names))
    _restore_licences(folder, record)
    return record, _restore_secret_key(folder)


def _make_empty(folder: Path) -> None:
    with map_os_errors(BACKUP_FOLDER):
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
        if is_empty:
            folder.chmod(0o700)
    if not is_empty:
        raise InvalidInput(
            f"{folder} is not empty.", code="folder_not_empty", hint="Name a new folder for every backup."
        )


def _copy_media(folder: Path, record: BackupRecord, report: Report) -> None:
    files = list(media.stored_files())
    for done, file in enumerate(files, 1):
        name = f"{MEDIA}{file.name}"
        target = folder / name
        with map_os_errors(BACKUP_FOLDER):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                media.copy_out(file, target)
            except FileNotFoundError:
                target.unlink(missing_ok=True)  # a user deleted it while this ran
                continue
            record.digests[name] = sha256_of_file(target)
        if file.digest and file.digest != record.digests[name]:
            record.damaged.append(name)
        report(done, len(files))


def _copy_licences(folder: Path, record: BackupRecord) -> None:
    try:
        accepted = (Path(settings.CHECKPOINTS_DIR) / ACCEPTED_FILE).read_bytes()
    except FileNotFoundError:
        return
    (folder / ACCEPTED_FILE).write_bytes(accepted)
    record.digests[ACCEPTED_FILE] = sha256_of_file(folder / ACCEPTED_FILE)


def _restore_licences(folder: Path, record: BackupRecord) -> None:
    target = Path(settings.CHECKPOINTS_DIR) / ACCEPTED_FILE
    if ACCEPTED_FILE in record.digests:
        with map_os_errors(CHECKPOINTS_FOLDER):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((folder / ACCEPTED_FILE).read_bytes())


def _restore_secret_key(folder: Path) -> list[str]:
    """Put the key where a site keeps the one that it generated; a key in the environment is the administrator's."""
    key = (folder / SECRET_KEY).read_text()
    if hmac.compare_digest(key.encode(), settings.SECRET_KEY.encode()):
        return []
    if os.environ.get("SECRET_KEY"):
        return [
            f"SECRET_KEY is not the backup's: set it to the content of {folder / SECRET_KEY}, or users log in again."
        ]
    target = Path(settings.BASE_DIR) / KEY_FILE
    unfinished = target.with_name(f"{KEY_FILE}.restored")
    try:
        with _private_files():
            unfinished.write_text(key)
            unfinished.replace(target)
    except OSError:
        return [f"Set SECRET_KEY to the content of {folder / SECRET_KEY}, or users log in again."]
    return []


@contextmanager
def _private_files() -> Iterator[None]:
    """Keep what is written inside from other users of the machine: it holds passwords' hashes and voices."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
