"""A site that several machines share: its rows in PostgreSQL, its rings in Redis, its media in one folder or in a
bucket."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from talking_head.jobs.state_machine import JOB_TRANSITIONS
from talking_head.models import TERMINAL_JOB_STATES
from tests.scale_out.servers import Postgres, Redis, free_port
from tests.talking_head.jobs.site import ROOT, Site, wait_for

# The database itself keeps the record: no change of a job's state gets past a trigger, by any code.
RECORD_MOVES = """
CREATE TABLE recorded_move (number bigserial PRIMARY KEY, job uuid, source text, target text);
CREATE FUNCTION record_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO recorded_move (job, source, target) VALUES (NEW.id, OLD.state, NEW.state);
    RETURN NULL;
END $$;
CREATE TRIGGER record_move AFTER UPDATE ON talking_head_job
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION record_move();
"""

SIGN_IN = """
import sys
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from talking_head.models import Job
user = User.objects.create_user(sys.argv[1])
if sys.argv[2] == "owner":
    Job.objects.update(owner=user)
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(session.session_key)
"""


class SharedSite(Site):
    def __init__(self, folder: Path, postgres: Postgres, redis: Redis | None, database: str) -> None:
        super().__init__(folder)
        self.postgres = postgres
        self.database_name = database
        self.environment |= {
            "DATABASE_URL": postgres.url(database),
            "REDIS_URL": redis.url if redis else "",
        }

    def start_on(self, machine: str, *arguments: str) -> subprocess.Popen[bytes]:
        """``manage.py`` as on a machine of its own: nothing is shared but database, Redis and media (or the bucket)."""
        return self._start(machine, "manage.py", *arguments)

    def start_web(self) -> int:
        """The web process of a machine of its own; returns its port once it listens."""
        port = free_port()
        self._start("web", "-m", "edu_platform.web", "-v", "0", "-p", str(port))
        wait_for(lambda: _listens(port), "the web server")
        return port

    def sign_in_owner_of_all_jobs(self) -> dict[str, str]:
        """The header that a browser of theirs would send."""
        return self._sign_in("teacher", "owner")

    def sign_in_stranger(self) -> dict[str, str]:
        return self._sign_in("stranger", "of nothing")

    def _sign_in(self, name: str, role: str) -> dict[str, str]:
        return {"Cookie": f"sessionid={self.python(SIGN_IN, name, role).strip()}"}

    def media_of(self, machine: str) -> Path:
        """What a machine has at hand. With a bucket every one has a folder of its own."""
        return self.folder / machine / "media" if self.environment.get("AWS_STORAGE_BUCKET_NAME") else self.media

    def _start(self, machine: str, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env={
                    **self.environment,
                    "RUN_DIR": str(self.folder / machine),
                    "MEDIA_ROOT": str(self.media_of(machine)),
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def run(self, *words: str) -> str:
        """Python with these words in the site's environment; returns what it printed."""
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url(self.database_name), connect_timeout=5) as connection:
            return connection.execute(sql.encode(), values or None).fetchall()

    def renderer_of(self, text: str) -> int:
        """The process that rendered this clip first."""
        lines = (self.media / "cache" / "rendered.txt").read_text().splitlines()
        return next(int(line.split()[0]) for line in lines if line.endswith(text))

    def has_logged(self, words: str) -> bool:
        return words in (self.folder / "log.txt").read_text(errors="replace")

    def assert_invariants(self) -> None:
        """What must hold when every job has ended, after every fault on the way."""
        self._assert_moves_as_in_the_table()
        assert self.rows("SELECT 1 FROM talking_head_clip WHERE state = 'leased'") == []
        unexplained = "outcome NOT IN ('done', 'released') AND error_code = ''"
        assert self.rows(f"SELECT 1 FROM talking_head_attempt WHERE {unexplained}") == []
        (attempts,) = self.rows("SELECT COUNT(*) FROM talking_head_attempt")
        assert [attempts] == self.rows("SELECT SUM(fence) FROM talking_head_clip"), "an attempt row for every claim"
        assert list(self.media.glob("results_*.staging-*")) == []
        watchable = "SELECT id FROM talking_head_job WHERE state IN ('completed', 'fallback')"
        videos = {UUID(path.parent.name.removeprefix("results_")) for path in self.media.glob("results_*/video.mp4")}
        assert videos == {job for (job,) in self.rows(watchable)}

    def _assert_moves_as_in_the_table(self) -> None:
        allowed = {(source, move.target) for move in JOB_TRANSITIONS.values() for source in move.sources}
        moves = self.rows("SELECT job, source, target FROM recorded_move ORDER BY number")
        assert {(source, target) for _job, source, target in moves} <= allowed
        ends = [job for job, _source, target in moves if target in TERMINAL_JOB_STATES]
        assert len(ends) == len(set(ends)), "a job ended twice"
        assert set(ends) == {job for (job,) in self.rows("SELECT id FROM talking_head_job")}
        notifications = self.rows("SELECT job_id, COUNT(*) FROM talking_head_notification GROUP BY job_id")
        assert {count for _job, count in notifications} == {1}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
