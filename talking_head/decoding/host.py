"""The warm parent of the decoders: ``python -m talking_head.decoding.host``, its standard input a Unix socket.

It imports the decoders once (0.5 s), decodes nothing, has one thread, and forks a child for each request (some
milliseconds). A request arrives as the descriptor of a channel and, beside it, that of the file. The host reads the
request from the channel, forks, and writes there how the child ended. It ends a child that exceeds its time or whose
client has hung up, and it ends with all of its children when the client's process is gone.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import time
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from talking_head.decoding.child import decode_and_exit
from talking_head.decoding.operations import PRELOADED

MAX_REQUEST_BYTES = 65_536
MAX_SECONDS_UNTIL_LOOK = 60.0


@dataclass(frozen=True, slots=True)
class _RunningChild:
    pid: int
    channel: socket.socket
    deadline: float


class DecoderHost:
    """Accepts requests, forks, watches, and reports."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, _RunningChild] = {}
        self._overdue: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._wakeup, wakeup_of_handler = socket.socketpair()
        for end in (self._wakeup, wakeup_of_handler):
            end.setblocking(False)
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        self._wakeup_of_handler = wakeup_of_handler  # kept open
        signal.set_wakeup_fd(wakeup_of_handler.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def serve(self) -> None:
        """Work until the client's process has closed its end."""
        while True:
            for key, _ in self._selector.select(self._seconds_until_look()):
                if key.fileobj is self._control:
                    if not self._accept():
                        self._end_all()
                        return
                elif key.fileobj is self._wakeup:
                    with contextlib.suppress(BlockingIOError):
                        self._wakeup.recv(4_096)
                elif key.data in self._children:  # its client hung up: nothing else is ever sent to us there
                    _kill_group(key.data)
            self._kill_overdue()
            self._reap()

    def _accept(self) -> bool:
        _, descriptors, _, _ = socket.recv_fds(self._control, 1, 2)
        if not descriptors:
            return False
        channel, source = socket.socket(fileno=descriptors[0]), descriptors[1]
        try:
            self._start(channel, source, json.loads(channel.recv(MAX_REQUEST_BYTES)))
        except (OSError, ValueError):  # no memory for a process, or the client is gone
            channel.close()  # without a word: the client sees the end and says that we are busy
        finally:
            os.close(source)
        return True

    def _start(self, channel: socket.socket, source: int, request: dict[str, Any]) -> None:
        host_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            decode_and_exit(request, source, host_pid)
        with contextlib.suppress(OSError):  # the child does it too, and either may come first
            os.setpgid(pid, pid)
        self._children[pid] = _RunningChild(pid, channel, time.monotonic() + float(request["wall_seconds"]))
        self._selector.register(channel, selectors.EVENT_READ, pid)

    def _reap(self) -> None:
        for child in list(self._children.values()):
            if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill_group(child.pid)  # what it may have started; before it is reaped its number belongs to no other group
            status = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
            ending = {"status": status, "overdue": child.pid in self._overdue}
            self._selector.unregister(child.channel)
            with contextlib.suppress(OSError):
                child.channel.sendall(json.dumps(ending).encode())
            child.channel.close()
            self._overdue.discard(child.pid)
            del self._children[child.pid]

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if now >= child.deadline and child.pid not in self._overdue:
                self._overdue.add(child.pid)
                _kill_group(child.pid)

    def _end_all(self) -> None:
        for child in self._children.values():
            _kill_group(child.pid)

    def _seconds_until_look(self) -> float:
        soonest = min((child.deadline for child in self._children.values()), default=float("inf"))
        return min(MAX_SECONDS_UNTIL_LOOK, max(0.0, soonest - time.monotonic()))


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Load the decoders, then serve."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # it ends with the process that it works for
        signal.signal(number, signal.SIG_IGN)
    for name in PRELOADED:
        import_module(name).preload()
    gc.freeze()  # what was loaded stays shared between the children
    with socket.socket(fileno=os.dup(0)) as control:
        DecoderHost(control).serve()


if __name__ == "__main__":
    main()
