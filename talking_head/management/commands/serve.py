"""``manage.py serve``: the whole platform in one command: web server, workers, sweeper. A part that exits is restarted;
when this process ends, for any reason, all parts end.

The parts are forked from this process, so that they share the memory of what is loaded, and start at once; each loads
the rest of what it needs by itself. This process then only sleeps.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser

from edu_platform.proxies import is_loopback
from edu_platform.sign_in import demo_accounts
from talking_head.checks import RENDERING
from talking_head.timing import timing
from talking_head.worker.forking import ForkedProcess, seconds_to_next_start, send, send_to_group

logger = logging.getLogger(__name__)

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
SIGNALS = {*STOP_SIGNALS, signal.SIGCHLD}
SWEEP_EVERY_SECONDS = 5
FIRST_PAUSE_SECONDS = 1.0  # before a part is restarted; doubled while it keeps exiting at once
LONGEST_PAUSE_SECONDS = 30.0
GRACE_SECONDS = 5.0  # on top of the time that a worker may take to give back its clip


def _in_session(act: Callable[[], None]) -> None:
    """Run a part in a session of its own: Ctrl-C at the terminal reaches only the parent, which then stops the parts in
    order."""
    os.setsid()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    act()


class Command(BaseCommand):
    help = "Runs the web server, the workers and the sweeper."
    requires_migrations_checks = True
    requires_system_checks = [RENDERING, Tags.security]  # those of the pages would load them into every part

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT")

    def handle(self, *args: Any, bind: str, **options: Any) -> None:
        host, port = _address(bind)
        bound_to(host)
        if text := demo_accounts.warning(is_local=settings.SITE_IS_LOCAL):
            self.stderr.write(f"{text} {demo_accounts.HINT}")
        parts = [
            _part("web", partial(_web, host, port)),
            _part("workers", _workers),
            _part("sweeper", _sweeper),
        ]
        self.stdout.write(f"Serving on http://{host}:{port}/ (Ctrl-C to stop)")
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        gc.collect()
        gc.freeze()  # a collection in a part would copy every page that it looks at
        while True:
            for part in parts:
                part.start_if_due()
            received = _next_signal(parts)
            for part in parts:
                _bury(part)
            if received in STOP_SIGNALS:
                self.stdout.write("Stopping ...")
                stop(parts)
                return


def _part(name: str, act: Callable[[], None]) -> ForkedProcess:
    return ForkedProcess(name, partial(_in_session, act), FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)


def _bury(part: ForkedProcess) -> None:
    """Note that a part has ended, if it has, and end what is left of it."""
    if ended := part.bury():
        group, status = ended
        logger.error("%s exited with status %s; restarting it", part.name, status)
        send_to_group(group, signal.SIGKILL)


def _next_signal(parts: list[ForkedProcess]) -> int | None:
    """Sleep until a part ends, a signal says stop, or a part is to be started again."""
    seconds = seconds_to_next_start(parts)
    if seconds is None:
        return signal.sigwait(SIGNALS)
    received = signal.sigtimedwait(SIGNALS, seconds)
    return received.si_signo if received else None


def _web(host: str, port: int) -> None:
    from edu_platform.web.__main__ import serve

    serve(["-v", "0", "-b", host, "-p", str(port)])


def _workers() -> None:
    from talking_head.worker.pool import WorkerPool

    WorkerPool().run()


def _sweeper() -> None:
    from talking_head.management.commands.sweep import sweep_until_stopped

    sweep_until_stopped(SWEEP_EVERY_SECONDS)


def bound_to(host: str) -> None:
    """Tell this process, and those that it starts, whether other machines can reach the site."""
    os.environ["BIND_HOST"] = settings.BIND_HOST = host
    settings.SITE_IS_LOCAL = settings.SITE_IS_LOCAL and is_loopback(host)


def stop(parts: list[ForkedProcess]) -> None:
    """Send TERM, wait for the workers' grace period, then KILL the process group of every part."""
    for part in parts:
        if part.pid:
            send(part.pid, signal.SIGTERM)
    deadline = time.monotonic() + timing().drain_seconds + GRACE_SECONDS
    running = {part.pid for part in parts if part.pid}
    while running and (seconds := deadline - time.monotonic()) > 0:
        signal.sigtimedwait({signal.SIGCHLD}, seconds)
        running -= {pid for pid in running if os.waitpid(pid, os.WNOHANG)[0]}
    for part in parts:
        if part.pid:
            send_to_group(part.pid, signal.SIGKILL)
    for pid in running:
        os.waitpid(pid, 0)


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
