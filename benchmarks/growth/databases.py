"""Empty, migrated sites that only one measurement uses: a database and folders that are gone afterwards."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

Database = Literal["sqlite", "postgres"]
ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def empty_site(database: Database) -> Iterator[dict[str, str]]:
    """Yield the environment of a process that uses a new site."""
    with tempfile.TemporaryDirectory(prefix="lectern-growth-") as folder, _database_url(database, folder) as url:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "edu_platform.settings"),
            "DATABASE_URL": url,
            "MEDIA_ROOT": f"{folder}/media",
            "RUN_DIR": f"{folder}/run",
            "SECRET_KEY": "a secret of the benchmark",
            "DEBUG": "0",
            "ALLOWED_HOSTS": "*",
            "REDIS_URL": "",
            "LOG_LEVEL": "ERROR",
            "TALKING_HEAD_JOBS_IN_FLIGHT": "0",
            "TALKING_HEAD_MINUTES_A_DAY": "0",
            "TALKING_HEAD_MAX_WAIT_SECONDS": "0",
        }
        (Path(folder) / "media").mkdir()
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        yield environment


@contextlib.contextmanager
def _database_url(database: Database, folder: str) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{folder}/db.sqlite3"
        return
    from tests.scale_out.servers import Postgres

    server = Postgres(durable=True)
    try:
        server.start()
        yield server.url("postgres")
    finally:
        server.end()
