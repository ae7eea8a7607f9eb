"""Sites to break, and the record of what came of it."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.faults.invariants import RECORD_MOVES_SQLITE, Tally
from tests.scale_out.conftest import migrated, postgres, redis_server  # noqa: F401 - fixtures for these tests too
from tests.scale_out.servers import Postgres, Redis
from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import Site, wait_for

SETTINGS = "tests.faults.site_settings"


@dataclass(slots=True)
class FaultRecord:
    """What a test tells the table of its case."""

    lost: int | None = None
    doubled: int | None = None
    recovery_seconds: list[float] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    _injected_at: float = 0.0

    def inject(self) -> None:
        """The fault happens now."""
        self._injected_at = time.monotonic()

    def wait_for_recovery(self, condition: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
        """Until the work goes on; its time since the fault is what the table shows."""
        wait_for(condition, what, seconds)
        self.recovery_seconds.append(round(time.monotonic() - self._injected_at, 2))

    def add(self, tally: Tally) -> None:
        self.lost = (self.lost or 0) + tally.lost
        self.doubled = (self.doubled or 0) + tally.doubled


@pytest.fixture
def fault(record_property: Callable[[str, object], None]) -> Iterator[FaultRecord]:
    record = FaultRecord()
    yield record
    values = asdict(record)
    del values["_injected_at"]
    record_property("fault", values)


@pytest.fixture(scope="session")
def recording_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that records every change of a job's state."""
    site = new_site(tmp_path_factory.mktemp("template"))
    site.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")
    site.python(
        "import sys\nfrom django.db import connection\nconnection.ensure_connection()\n"
        "connection.connection.executescript(sys.argv[1])\n"
        "connection.cursor().execute('PRAGMA wal_checkpoint(TRUNCATE)')",
        RECORD_MOVES_SQLITE,
    )
    return site.database


def new_site(folder: Path, database: Path | None = None) -> Site:
    folder.mkdir(exist_ok=True)
    site = Site(folder, database)
    site.environment["DJANGO_SETTINGS_MODULE"] = SETTINGS
    return site


@pytest.fixture
def site(tmp_path: Path, recording_database: Path) -> Iterator[Site]:
    """A migrated site on SQLite whose processes all end with the test."""
    site = new_site(tmp_path / "site", recording_database)
    yield site
    site.end()


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory: pytest.TempPathFactory, recording_database: Path) -> Iterator[Site]:
    """A site that stays for all tests of this module, with a sweeper."""
    site = new_site(tmp_path_factory.mktemp("killed") / "site", recording_database)
    site.start("sweep", "--every", "0.3")
    yield site
    site.end()


@pytest.fixture(scope="module")
def accepted() -> list[UUID]:
    """Every job that the site of this module has ever promised."""
    return []


@pytest.fixture(scope="module")
def clusters() -> list[subprocess.Popen[bytes]]:
    return []


@pytest.fixture
def cluster(long_lived: Site, clusters: list[subprocess.Popen[bytes]]) -> int:
    """The process number of a running ``manage.py work``."""
    if not clusters or clusters[-1].poll() is not None:
        clusters.append(long_lived.start("work"))
    return int(clusters[-1].pid)


def new_shared_site(folder: Path, servers: tuple[Postgres, Redis], template: str) -> SharedSite:
    sql, queue = servers
    database = f"site_{uuid.uuid4().hex[:12]}"
    sql.execute(f"CREATE DATABASE {database} TEMPLATE {template}")
    queue.flush()
    (folder / "site").mkdir()
    site = SharedSite(folder / "site", sql, queue, database)
    site.environment["DJANGO_SETTINGS_MODULE"] = SETTINGS
    return site


@pytest.fixture
def shared_site(tmp_path: Path, postgres: Postgres, redis_server: Redis, migrated: str) -> Iterator[SharedSite]:  # noqa: F811
    """A site of this test alone on PostgreSQL and Redis."""
    site = new_shared_site(tmp_path, (postgres, redis_server), migrated)
    yield site
    site.end()
