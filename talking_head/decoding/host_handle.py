"""The web process's end of its decoder host: started when first needed, started again when it is gone."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The host gets these of our environment and nothing else: a decoder has no business with keys and addresses.
INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "SYSTEMROOT", "TZ", "VIRTUAL_ENV")
# One thread and one memory arena for each library: many would only cost address space, which is limited.
SINGLE_THREADED = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")
MAX_ENDING_BYTES = 4_096
EXIT_SECONDS = 1.0  # between the end of its channels and that of the host


class HostGoneError(Exception):
    """The host ended, or does not answer any more, before it said how the child ended."""


class HostHandle:
    """Starts the host and hands requests to it; may be used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner_pid = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def run(self, request: bytes, source: int, seconds: float) -> bytes:
        """Send a request with the descriptor of its file; return what the host says about the child's end.

        The child is ended when this returns or raises.

        Raises:
            HostGoneError: see there; the next call starts another host. OSError: none can be started.
        """
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                ours.sendall(request)
                host = self._send(theirs.fileno(), source)
            return self._ending(ours, host, seconds)

    def close(self) -> None:
        """End the host and all of its children."""
        with self._lock:
            self._forget()

    def _send(self, channel: int, source: int) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._owner_pid != os.getpid() or self._process is None or self._process.poll() is not None:
                self._start()
            assert self._control is not None
            assert self._process is not None
            try:
                socket.send_fds(self._control, [b"\0"], [channel, source])
            except OSError as error:
                self._forget()
                raise HostGoneError from error
            return self._process

    def _ending(self, channel: socket.socket, host: subprocess.Popen[bytes], seconds: float) -> bytes:
        channel.settimeout(seconds)
        try:
            ending = channel.recv(MAX_ENDING_BYTES)
        except TimeoutError:  # the host does not even end what is overdue: it was stopped, or is in a bad way
            self.close()
            raise HostGoneError from None
        except ConnectionError:
            ending = b""
        if not ending:
            with contextlib.suppress(subprocess.TimeoutExpired):  # it ended, or could not fork
                host.wait(EXIT_SECONDS)
            raise HostGoneError
        return ending

    def _start(self) -> None:
        self._forget()
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "talking_head.decoding.host"],
                stdin=theirs.fileno(),
                cwd=ROOT,
                env=environment | SINGLE_THREADED,
            )
        self._control, self._owner_pid = ours, os.getpid()

    def _forget(self) -> None:
        """Close our end, upon which the host ends, and reap it; a fork of the owner only closes its copy."""
        process, self._process = self._process, None
        control, self._control = self._control, None
        if control is not None:
            control.close()
        if process is not None and self._owner_pid == os.getpid():
            process.kill()  # its children end with it
            process.wait()
