"""``manage.py serve``: the whole platform in one command: web server, workers, sweeper. A part that exits is restarted;
when this process ends, for any reason, all parts end."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from edu_platform.proxies import is_loopback
from edu_platform.sign_in import demo_accounts
from talking_head.renderer.parent_death import die_with_parent
from talking_head.timing import timing

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
SWEEP_EVERY_SECONDS = 5
FIRST_PAUSE_SECONDS = 1.0  # before a part is restarted; doubled while it keeps exiting at once
LONGEST_PAUSE_SECONDS = 30.0
STABLE_AFTER_SECONDS = 10.0
GRACE_SECONDS = 5.0  # on top of the time that a worker may take to give back its clip


@dataclass(slots=True)
class ServedProcess:
    """One of the processes, and when it may be restarted."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause_seconds: float = field(default=FIRST_PAUSE_SECONDS)

    def start(self) -> None:
        """Start the process."""
        # A session of its own: Ctrl-C at the terminal reaches only the parent, which then stops the parts in order.
        self.process = subprocess.Popen(
            self.command,
            cwd=settings.BASE_DIR,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        self.started_at = time.monotonic()

    def supervise(self) -> None:
        """Start the process when it is due, and schedule its restart when it has exited."""
        now = time.monotonic()
        if self.process is None and now >= self.start_at:
            self.start()
        elif self.process is not None and self.process.poll() is not None:
            is_stable = now - self.started_at > STABLE_AFTER_SECONDS
            self.pause_seconds = (
                FIRST_PAUSE_SECONDS if is_stable else min(self.pause_seconds * 2, LONGEST_PAUSE_SECONDS)
            )
            logger.error("%s exited with status %s; restarting it", self.name, self.process.returncode)
            _signal_group(self.process.pid, signal.SIGKILL)  # its remaining children
            self.process, self.start_at = None, now + self.pause_seconds

    def is_running(self) -> bool:
        """Return whether the process runs."""
        return self.process is not None and self.process.poll() is None


class Command(BaseCommand):
    help = "Runs the web server, the workers and the sweeper."
    requires_migrations_checks = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT")

    def handle(self, *args: Any, bind: str, **options: Any) -> None:
        host, port = _address(bind)
        os.environ["BIND_HOST"] = host  # tells the parts whether other machines can reach the site
        if text := demo_accounts.warning(is_local=settings.SITE_IS_LOCAL and is_loopback(host)):
            self.stderr.write(f"{text} {demo_accounts.HINT}")
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        parts = [
            ServedProcess(
                "web server", [sys.executable, "-m", "edu_platform.web", "-v", "0", "-b", host, "-p", str(port)]
            ),
            ServedProcess("workers", [*manage, "work"]),
            ServedProcess("sweeper", [*manage, "sweep", "--every", str(SWEEP_EVERY_SECONDS)]),
        ]
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGHUP, _interrupt)
        self.stdout.write(f"Serving on http://{host}:{port}/ (Ctrl-C to stop)")
        try:
            while True:
                for part in parts:
                    part.supervise()
                time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            self.stdout.write("Stopping ...")
        finally:
            stop(parts)


def stop(parts: list[ServedProcess]) -> None:
    """Send TERM, wait for the workers' grace period, then KILL the process group of every part."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for part in parts:
        if part.process is not None and part.is_running():
            part.process.terminate()
    deadline = time.monotonic() + timing().drain_seconds + GRACE_SECONDS
    while any(part.is_running() for part in parts) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS / 5)
    for part in parts:
        if part.process is not None:
            _signal_group(part.process.pid, signal.SIGKILL)
            part.process.wait()


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _address(bind: str) -> tuple[str, int]:
    """Return host and port, checked before anything is started: a port in use is the commonest mistake."""
    host, separator, port = bind.rpartition(":")
    host = host.strip("[]")
    if not separator or not host or not port.isdecimal() or int(port) > 65_535:
        raise CommandError(f"“{bind}” is not HOST:PORT, for example 127.0.0.1:8000.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, int(port)))
    except OSError as error:
        raise CommandError(f"{bind} cannot be used: {error.strerror}. Choose another address with --bind.") from error
    return host, int(port)
