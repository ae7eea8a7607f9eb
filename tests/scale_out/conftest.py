"""The servers are started once; every test gets an empty database of its own and an empty Redis."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scale_out.servers import Postgres, Redis, Server, ServerMissingError
from tests.scale_out.site import RECORD_MOVES, SharedSite
from tests.talking_head.jobs.site import wait_for

TEMPLATE = "template_of_sites"


def _started(kind: type[Server]) -> Server:
    try:
        server = kind()
    except ServerMissingError as missing:
        if os.environ.get("CI"):
            raise  # there it must be installed: a check that silently checks nothing is worse than none
        pytest.skip(str(missing))
    try:
        server.start()
    except BaseException:
        server.end()
        raise
    return server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    server = _started(Postgres)
    yield server
    server.end()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    server = _started(Redis)
    yield server
    server.end()


@pytest.fixture(scope="session")
def migrated(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a migrated database that no client is connected to: CREATE DATABASE copies it in no time."""
    postgres.execute(f"CREATE DATABASE {TEMPLATE}")
    site = SharedSite(tmp_path_factory.mktemp("template"), postgres, None, TEMPLATE)
    site.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")
    site.python(f'from django.db import connection; connection.cursor().execute("""{RECORD_MOVES}""")')
    return TEMPLATE


@pytest.fixture
def site(tmp_path: Path, postgres: Postgres, redis_server: Redis, migrated: str) -> Iterator[SharedSite]:
    database = f"site_{uuid.uuid4().hex[:12]}"
    postgres.execute(f"CREATE DATABASE {database} TEMPLATE {migrated}")
    redis_server.flush()
    (tmp_path / "site").mkdir()
    site = SharedSite(tmp_path / "site", postgres, redis_server, database)
    yield site
    site.end()
    for server in (postgres, redis_server):  # however the test left them
        server.thaw()
        if server.process is None:
            server.start()
    wait_for(lambda: _dropped(postgres, database), "the database to be left by everybody")


def _dropped(postgres: Postgres, database: str) -> bool:
    postgres.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    return True
