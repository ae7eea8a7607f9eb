"""One renderer process that runs: its pipes, its messages, its log. Reading and writing never block."""

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

from talking_head.errors import speaks_of_memory
from talking_head.renderer.process_group import (
    COOKIE_VARIABLE,
    end_process_group,
    exit_description,
    fell_at_memory_limit,
)
from talking_head.renderer.protocol import Decoder, Message
from talking_head.renderer.scratch import ScratchFolder

LOG_TAIL_BYTES = 8_000
PIPE_BYTES = 65_536
EXIT_WAIT_SECONDS = 1.0  # between the end of the pipe and the end of the process


@dataclass(frozen=True, slots=True)
class RendererCommand:
    """What to start: ``words`` and then ``settings`` as one JSON argument, with ``parent_pid`` and ``scratch`` added.

    Each process gets a folder of its own below ``scratch_root`` for whatever is unfinished (it is also its TMPDIR), so
    what a killed one leaves behind can be told from everybody else's and goes with it.
    """

    words: Sequence[str]
    folder: Path
    scratch_root: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)  # added to this process's own


class Connection:
    """Starts the process in a session of its own, so that it can be ended with everything it starts."""

    def __init__(self, command: RendererCommand) -> None:
        self._cookie = uuid.uuid4().hex
        self._decoder = Decoder()
        self._log: deque[bytes] = deque()
        self._scratch = ScratchFolder(command.scratch_root / self._cookie)
        scratch = str(self._scratch.path)
        settings = json.dumps({**command.settings, "parent_pid": os.getpid(), "scratch": scratch})
        self._process = subprocess.Popen(
            [*command.words, settings],
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
        """Writes what the pipe takes now and returns the rest; nothing remains when the other side is gone."""
        try:
            return data[os.write(self.requests.fileno(), data[:PIPE_BYTES]) :]
        except BlockingIOError:
            return data
        except BrokenPipeError:
            return data[:0]

    def read_messages(self) -> list[Message] | None:
        """What has arrived; None at the end of the pipe.

        Raises:
            ProtocolError: what arrived is no message.
        """
        data = _read(self.messages)
        if data is None:
            return []
        return list(self._decoder.feed(data)) if data else None

    def read_log(self) -> bool:
        """Keeps what has been logged; False at the end of the pipe."""
        data = _read(self.log)
        if data:
            self._log.append(data)
            while sum(map(len, self._log)) - len(self._log[0]) >= LOG_TAIL_BYTES:
                self._log.popleft()
        return data != b""

    def log_tail(self) -> str:
        """The end of what it has logged, including what nobody has read yet: usually why it ended."""
        while _has_more(self.log) and self.read_log():
            pass
        return b"".join(self._log)[-LOG_TAIL_BYTES:].decode(errors="replace")

    def how_it_ended(self) -> str:
        return exit_description(self._process, EXIT_WAIT_SECONDS)

    def exited_out_of_memory(self) -> bool:
        """As far as it can be told from outside: by its last words, or by a memory limit and the way it ended."""
        return speaks_of_memory(self.log_tail()) or fell_at_memory_limit(self._process)

    def end(self, terminate_seconds: float) -> None:
        """Ends it with everything it started and left lying about; harmless when it has ended already."""
        end_process_group(self._process, self._cookie, terminate_seconds)
        self._scratch.remove()
        for pipe in (self.requests, self.messages, self.log):
            pipe.close()


def _read(pipe: IO[bytes]) -> bytes | None:
    """What a pipe holds; b"" at its end, None when there is nothing now."""
    try:
        return os.read(pipe.fileno(), PIPE_BYTES)
    except BlockingIOError:
        return None


def _has_more(pipe: IO[bytes]) -> bool:
    readable, _, _ = select.select([pipe], [], [], 0)
    return bool(readable)
