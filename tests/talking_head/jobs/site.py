"""A whole site in a folder of its own: database file, media, and real processes that tests may kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[3]
SITE_VARIABLE = "LECTERN_TEST_SITE"
PATIENCE_SECONDS = 60.0
MAKE_JOBS = """
import json, sys
from talking_head.models import Clip, Job
for texts in json.loads(sys.argv[1]):
    job = Job.objects.create(script=" ".join(texts), speech="fake", face="fake", profile="fast", timeout_seconds=120.0)
    Clip.objects.bulk_create(
        Clip(job=job, index=index, text=text, spoken=text, start=0, end=1) for index, text in enumerate(texts)
    )
    print(job.pk)
"""


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Polls until ``condition`` gives something true: the processes under test can only be watched from outside."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")


class Site:
    def __init__(self, folder: Path, template: Path | None = None) -> None:
        self.folder = folder
        self.database = folder / "db.sqlite3"
        if template is not None:
            shutil.copyfile(template, self.database)
        self.media = folder / "media"
        self.media.mkdir(parents=True, exist_ok=True)
        self.started: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.talking_head.jobs.site_settings",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "MEDIA_ROOT": str(self.media),
            "RUN_DIR": str(folder / "run"),
            "SECRET_KEY": "a secret of the tests",
            "LOG_LEVEL": "WARNING",
            SITE_VARIABLE: str(folder),
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """``manage.py`` with these arguments, in a process group of its own."""
        log = (self.folder / "log.txt").open("ab")
        with log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.started.append(process)
        return process

    def python(self, code: str, *arguments: str) -> str:
        """Runs code inside the site and returns what it printed."""
        code = f"import django; django.setup()\n{code}"
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make_jobs(self, *jobs: list[str]) -> list[str]:
        return self.python(MAKE_JOBS, json.dumps(jobs)).split()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.database, timeout=20)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def states(self) -> list[str]:
        return [state for (state,) in self.rows("SELECT state FROM talking_head_job ORDER BY created_at")]

    def attempts(self) -> list[tuple[str, str]]:
        return self.rows("SELECT outcome, error_code FROM talking_head_attempt ORDER BY id")

    def wait_until_all_ended(self) -> None:
        ended = {"completed", "fallback", "failed", "cancelled"}
        wait_for(lambda: set(self.states()) <= ended, f"the end of all jobs; {self.states()}\n{self.log()}")

    def wait_for_lease(self) -> int:
        """The process number of the worker that has claimed a clip."""
        sql = "SELECT leased_by FROM talking_head_clip WHERE state = 'leased'"
        rows = wait_for(lambda: self.rows(sql), "a claimed clip")
        return int(rows[0][0].rpartition(":")[2])

    def wait_for_render(self, text: str) -> None:
        """Until the renderer really works on that clip."""
        notes = self.media / "cache" / "rendered.txt"
        wait_for(lambda: notes.exists() and text in notes.read_text(), f"the rendering of {text}")

    def processes(self) -> list[psutil.Process]:
        """Everything alive that was started, directly or not, for this site."""
        found = []
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get(SITE_VARIABLE) == str(self.folder)
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def log(self) -> str:
        path = self.folder / "log.txt"
        return path.read_text(errors="replace")[-4_000:] if path.exists() else ""

    def end(self) -> None:
        for process in self.processes():
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        for started in self.started:
            started.wait()
