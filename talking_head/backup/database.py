"""The database in a backup: SQLite through its backup API, PostgreSQL through pg_dump and pg_restore."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from talking_head.errors import EngineError, InvalidInput, ResourceError

FILES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
LAST_LINES = 5
FULL_DISK = re.compile(r"disk is full|no space left on device", re.IGNORECASE)  # what both databases say
FREE_SPACE = "Free some space where the copy is written, and start again."


def file_name() -> str:
    """Return the name of the database's file in a backup of this site.

    Raises:
        EngineError: ``backup_unsupported``, for databases other than SQLite and PostgreSQL.
    """
    try:
        return FILES[connection.vendor]
    except KeyError as error:
        raise EngineError(
            f"Databases of the kind {connection.vendor} cannot be backed up here.",
            code="backup_unsupported",
            hint="Use the database's own tools, and copy the media as docs/operations.md says.",
        ) from error


def dump(path: Path) -> None:
    """Write the database as it is at one moment, while others may write to it.

    Raises:
        EngineError: ``program_missing``. ResourceError: ``database_failed``.
    """
    if connection.vendor == "postgresql":
        _run("pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={path}")
        return
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(path)) as copy:
            connection.connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, not three
            problems = [row[0] for row in copy.execute("PRAGMA integrity_check")]
    except sqlite3.Error as error:
        raise _failed(str(error)) from error
    if problems != ["ok"]:
        raise _failed("; ".join(problems[:LAST_LINES]))


def load(path: Path) -> None:
    """Replace the database's content with a copy, and migrate it to this release.

    Raises:
        EngineError: ``program_missing``. ResourceError: ``database_failed``.
    """
    if connection.vendor == "postgresql":
        connection.close()
        options = ("--clean", "--if-exists", "--no-owner", "--no-acl", "--single-transaction", "--exit-on-error")
        _run("pg_restore", *options, f"--dbname={connection.settings_dict['NAME']}", str(path))
    else:
        connection.ensure_connection()
        try:
            with closing(sqlite3.connect(path)) as copy:
                copy.backup(connection.connection)
        except sqlite3.Error as error:
            raise _failed(str(error)) from error
        connection.close()
    call_command("migrate", verbosity=0, interactive=False)


def check_programs() -> None:
    """Refuse to begin when a program is missing.

    Raises:
        EngineError: ``program_missing``.
    """
    if connection.vendor == "postgresql":
        for program in ("pg_dump", "pg_restore"):
            _find(program)


def is_in_use() -> bool:
    """Return whether there is a site in this database: it has users."""
    user = get_user_model()
    return user._meta.db_table in connection.introspection.table_names() and user.objects.exists()


def applied_migrations() -> list[str]:
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def refuse_unknown(migrations: list[str]) -> None:
    """Refuse a database of a newer release.

    Raises:
        InvalidInput: ``newer_backup``.
    """
    loader = MigrationLoader(None)
    known = {f"{app}.{name}" for app, name in loader.disk_migrations}
    if unknown := sorted(set(migrations) - known):
        raise InvalidInput(
            f"This backup was made by a newer release of Lectern (it has {unknown[-1]}).",
            code="newer_backup",
            hint="Install that release here, then restore.",
        )


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run([_find(program), *arguments], env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise _failed(" ".join(done.stderr.strip().splitlines()[-LAST_LINES:]))


def _find(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise EngineError(
            f"The program {program} is not installed on this machine.",
            code="program_missing",
            hint="Install PostgreSQL's client programs of the server's version or a newer one "
            "(Debian: apt-get install postgresql-client).",
        )
    return found


def _environment() -> dict[str, str]:
    """Return the environment in which PostgreSQL's programs find this database; a password is in no argument."""
    _, extra = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    names = {"PGDATABASE": "NAME", "PGUSER": "USER", "PGHOST": "HOST", "PGPORT": "PORT"}
    values = {variable: str(connection.settings_dict[name]) for variable, name in names.items()}
    return {**os.environ, **{variable: value for variable, value in values.items() if value}, **(extra or {})}


def _failed(reason: str) -> ResourceError:
    if FULL_DISK.search(reason):
        return ResourceError("The disk is full.", code="no_space", hint=FREE_SPACE)
    return ResourceError(
        f"The database could not be copied: {reason.rstrip('.')}.",
        code="database_failed",
        hint="Look into the database's log.",
    )
