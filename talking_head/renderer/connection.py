"""A running renderer process: its pipes, its messages, its log. Reading and writing never block."""

from __future__ import annotations

import json
import os
import select
import subprocess
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from talking_head.errors import mentions_out_of_memory
from talking_head.renderer.process_group import (
    COOKIE_VARIABLE,
    died_at_memory_limit,
    end_process_group,
    ending_signal,
    exit_description,
)
from talking_head.renderer.protocol import Decoder, Message
from talking_head.renderer.scratch import ScratchFolder

LOG_TAIL_BYTES = 8_000
PIPE_BYTES = 65_536
EXIT_WAIT_SECONDS = 1.0  # between the end of the pipe and the end of the process


@dataclass(frozen=True, slots=True)
class RendererCommand:
    """The command line: ``arguments``, then ``settings`` as a JSON argument with ``parent_pid`` and ``scratch`` added.

    Each process gets a folder of its own below ``scratch_root`` for unfinished files (it is also its TMPDIR), so what a
    killed process leaves behind can be distinguished from the files of other processes and is removed with it.
    """

    arguments: Sequence[str]
    folder: Path
    scratch_root: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)  # added to this process's own


class Connection:
    """A renderer process in a session of its own, so that it can be ended with everything it starts."""

    def __init__(self, command: RendererCommand) -> None:
        self._cookie = uuid.uuid4().hex
        self._decoder = Decoder()
        self._log: deque[bytes] = deque()
        self._scratch = ScratchFolder(command.scratch_root / self._cookie)
        scratch = str(self._scratch.path)
        settings = json.dumps({**command.settings, "parent_pid": os.getpid(), "scratch": scratch})
        self._process = subprocess.Popen(
            [*command.arguments, settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=command.folder,
            env={**os.environ, **command.environment, "TMPDIR": scratch, COOKIE_VARIABLE: self._cookie},
            start_new_session=True,
        )
        self.requests, self.messages, self.log = self._pipes()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
        pipes = self._process.stdin, self._process.stdout, self._process.stderr
        stdin, stdout, stderr = pipes
        assert stdin is not None
        assert stdout is not None
        assert stderr is not None
        for pipe in (stdin, stdout, stderr):
            os.set_blocking(pipe.fileno(), False)
        return stdin, stdout, stderr

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def write(self, data: memoryview) -> memoryview:
        """Write what the pipe takes now and return the rest, which is empty when the other side is gone."""
        try:
            return data[os.write(self.requests.fileno(), data[:PIPE_BYTES]) :]
        except BlockingIOError:
            return data
        except BrokenPipeError:
            return data[:0]

    def read_messages(self) -> list[Message] | None:
        """Return the messages that have arrived; None at the end of the pipe.

        Raises:
            ProtocolError: the data are no message.
        """
        data = _read(self.messages)
        if data is None:
            return []
        return list(self._decoder.feed(data)) if data else None

    def read_log(self) -> bool:
        """Store what has been logged; return False at the end of the pipe."""
        data = _read(self.log)
        if data:
            self._log.append(data)
            while sum(map(len, self._log)) - len(self._log[0]) >= LOG_TAIL_BYTES:
                self._log.popleft()
        return data != b""

    def log_tail(self) -> str:
        """Return the end of its log, including what has not been read yet: usually the reason why it ended."""
        while _has_more(self.log) and self.read_log():
            pass
        return b"".join(self._log)[-LOG_TAIL_BYTES:].decode(errors="replace")

    def exit_description(self) -> str:
        return exit_description(self._process, EXIT_WAIT_SECONDS)

    def ending_signal(self) -> int | None:
        """Return the signal that ended the process, if one did; call it after :meth:`exit_description`."""
        return ending_signal(self._process)

    def exited_out_of_memory(self) -> bool:
        """Return whether the process seems to have run out of memory, judging by its log, or its limit and its exit."""
        return mentions_out_of_memory(self.log_tail()) or died_at_memory_limit(self._process)

    def end(self, terminate_seconds: float) -> None:
        """End the process with everything it started, and remove its files; harmless when it has ended already."""
        end_process_group(self._process, self._cookie, terminate_seconds)
        self._scratch.remove()
        for pipe in (self.requests, self.messages, self.log):
            pipe.close()


def _read(pipe: IO[bytes]) -> bytes | None:
    """Return the data in a pipe; b"" at its end, None when there are none now."""
    try:
        return os.read(pipe.fileno(), PIPE_BYTES)
    except BlockingIOError:
        return None


def _has_more(pipe: IO[bytes]) -> bool:
    readable, _, _ = select.select([pipe], [], [], 0)
    return bool(readable)
