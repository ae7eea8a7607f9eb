"""The parent's side of a renderer process: starts it, feeds it, watches it, and ends it when it misbehaves.

Nothing here trusts the child: every wait has a deadline on this process's monotonic clock, writes to it never block,
and a child that crashed, stalled, took too long or spoke nonsense is ended together with everything it had started.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from talking_head.errors import OUT_OF_MEMORY, RendererError, TalkingHeadError, out_of_memory
from talking_head.renderer.connection import Connection, RendererCommand
from talking_head.renderer.process_group import seems_stuck
from talking_head.renderer.protocol import Message, ProtocolError, encode, error_from_json


class End(Enum):
    """How a request ended."""

    DONE = "done"
    FAILED = "failed"  # an orderly refusal: the process may live on
    CRASHED = "crashed"
    STALLED = "stalled"
    TIMEOUT = "timeout"
    STOPPED = "stopped"  # because ``keep_going`` said so


@dataclass(frozen=True, slots=True)
class RenderOutcome:
    end: End
    values: dict[str, Any] = field(default_factory=dict)  # the result, when done
    usage: dict[str, Any] = field(default_factory=dict)
    error: TalkingHeadError | None = None
    log_tail: str = ""


@dataclass(frozen=True, slots=True)
class RendererLimits:
    """Seconds; see :mod:`talking_head.timing` for what they mean."""

    poll_seconds: float = 0.3
    stall_seconds: float = 20.0
    start_seconds: float = 60.0
    terminate_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Watcher:
    """What the caller wants to be asked and told while a request runs.

    ``keep_going`` is asked every ``poll_seconds``; False ends the request. ``on_progress`` gets stage, frame, frames
    and a JPEG or nothing. ``on_started`` gets the process's number.
    """

    keep_going: Callable[[], bool] = lambda: True
    on_progress: Callable[[str, int, int, bytes], None] = lambda stage, frame, frames, jpeg: None
    on_started: Callable[[int], None] = lambda pid: None


class RendererProcess:
    """One renderer process at a time, started when needed and kept warm between requests."""

    def __init__(self, command: RendererCommand, limits: RendererLimits | None = None) -> None:
        self._command = command
        self._limits = limits or RendererLimits()
        self._connection: Connection | None = None
        self.requests_served = 0  # by the process that runs now

    @property
    def pid(self) -> int | None:
        return self._connection.pid if self._connection else None

    def run(self, type_: str, request: dict[str, Any], seconds_allowed: float, watcher: Watcher) -> RenderOutcome:
        """Sends one request and waits for its end. After anything but DONE and FAILED the process is gone.

        Starting a process, when there is none, has its own time limit and does not count against ``seconds_allowed``.
        """
        try:
            outcome = self._make_ready(watcher)
            if outcome is None and self._connection is not None:
                watcher.on_started(self._connection.pid)
                data = encode(Message(type_, {"request": request}))
                exchange = _Exchange(self._connection, self._limits, watcher, {"done", "failed"})
                outcome = exchange.run(seconds_allowed, data)
                self.requests_served += 1
        except BaseException:
            self.close()  # whatever interrupted us (a signal, a lost database): nothing may go on unwatched
            raise
        assert outcome is not None
        if outcome.end is not End.DONE and (outcome.end is not End.FAILED or _leaves_doubt(outcome.error)):
            self.close()
        return outcome

    def close(self) -> None:
        """Ends the process, if there is one, with everything it started."""
        connection, self._connection = self._connection, None
        self.requests_served = 0
        if connection is not None:
            connection.end(self._limits.terminate_seconds)

    def _make_ready(self, watcher: Watcher) -> RenderOutcome | None:
        """A process that waits for requests; an outcome if there is none to be had."""
        if self._connection is not None and self._connection.is_alive:
            return None
        self.close()
        self._connection = Connection(self._command)
        outcome = _Exchange(self._connection, self._limits, watcher, {"ready"}).run(self._limits.start_seconds)
        return None if outcome.end is End.DONE else outcome


def _leaves_doubt(error: TalkingHeadError | None) -> bool:
    """Whether a process that answered with this error may be in a bad state: memory it could not get or give back, or
    a failure that nobody foresaw."""
    return error is not None and (error.code == OUT_OF_MEMORY or type(error) is RendererError)


class _Exchange:
    """Waits for one answer, reads everything that comes before it, and decides when it has gone on for too long."""

    def __init__(self, connection: Connection, limits: RendererLimits, watcher: Watcher, answers: set[str]) -> None:
        self._connection = connection
        self._limits = limits
        self._watcher = watcher
        self._answers = answers
        self._heart = _Heart(connection.pid, limits.stall_seconds)
        self._pending = memoryview(b"")

    def run(self, seconds: float, data: bytes = b"") -> RenderOutcome:
        """Sends ``data`` and returns when an answer came or when something went wrong."""
        deadline = time.monotonic() + seconds
        next_question = 0.0
        self._pending = memoryview(data)
        with selectors.DefaultSelector() as selector:
            self._register(selector)
            while True:
                if time.monotonic() >= next_question:
                    if not self._watcher.keep_going():
                        return self._over(End.STOPPED)
                    next_question = time.monotonic() + self._limits.poll_seconds
                if time.monotonic() >= deadline:
                    return self._over(End.TIMEOUT, _took_too_long(seconds))
                if self._heart.has_stopped():
                    return self._over(End.STALLED, _stopped_responding())
                ready = selector.select(max(0.0, min(next_question, deadline) - time.monotonic()))
                for key, _ in ready:
                    outcome = self._handle(key, selector)
                    if outcome is not None:
                        return outcome

    def _register(self, selector: selectors.BaseSelector) -> None:
        selector.register(self._connection.messages, selectors.EVENT_READ)
        selector.register(self._connection.log, selectors.EVENT_READ)
        if self._pending:
            selector.register(self._connection.requests, selectors.EVENT_WRITE)

    def _handle(self, key: selectors.SelectorKey, selector: selectors.BaseSelector) -> RenderOutcome | None:
        if key.fileobj is self._connection.messages:
            return self._take_messages()
        if key.fileobj is self._connection.log:
            is_open = self._connection.read_log()
        else:
            self._pending = self._connection.write(self._pending)
            is_open = bool(self._pending)
        if not is_open:
            selector.unregister(key.fileobj)
        return None

    def _take_messages(self) -> RenderOutcome | None:
        try:
            messages = self._connection.read_messages()
            if messages is None:
                return self._crashed()
            self._heart.beat()
            for message in messages:
                if message.type in self._answers:
                    return self._answered(message)
                if message.type == "progress":
                    self._pass_on(message)
        except (ProtocolError, KeyError, ValueError, TypeError) as error:
            return self._over(End.CRASHED, RendererError(f"The renderer spoke nonsense: {error}", code="protocol"))
        return None

    def _pass_on(self, message: Message) -> None:
        values = message.values
        self._watcher.on_progress(str(values["stage"]), int(values["frame"]), int(values["frames"]), message.binary)

    def _answered(self, answer: Message) -> RenderOutcome:
        usage = dict(answer.values.get("usage") or {})
        if answer.type == "failed":
            error = error_from_json(answer.values["error"])
            return RenderOutcome(End.FAILED, {}, usage, error, self._connection.log_tail())
        return RenderOutcome(End.DONE, dict(answer.values.get("result") or {}), usage)

    def _crashed(self) -> RenderOutcome:
        """C++ and a starting Python cannot report that memory ran out: they die of it."""
        how = self._connection.how_it_ended()
        if self._connection.exited_out_of_memory():
            return self._over(End.CRASHED, out_of_memory())
        return self._over(End.CRASHED, RendererError(f"The renderer {how}.", code="renderer_crashed"))

    def _over(self, end: End, error: TalkingHeadError | None = None) -> RenderOutcome:
        return RenderOutcome(end, error=error, log_tail=self._connection.log_tail())


class _Heart:
    """Says when a process has been silent for too long and does nothing either."""

    def __init__(self, pid: int, stall_seconds: float) -> None:
        self._pid = pid
        self._stall_seconds = stall_seconds
        self.beat()

    def beat(self) -> None:
        self._silent_since = self._looked_at = time.monotonic()
        self._cpu_seconds: float | None = None

    def has_stopped(self) -> bool:
        """Looks at a silent process several times, half the limit apart: in between it must have used the processor."""
        now = time.monotonic()
        if now - self._looked_at < self._stall_seconds / 2:
            return False
        is_stuck, self._cpu_seconds = seems_stuck(self._pid, self._cpu_seconds)
        self._looked_at = now
        return is_stuck and now - self._silent_since >= self._stall_seconds


def _took_too_long(seconds: float) -> RendererError:
    message = f"The renderer did not finish within {seconds:.0f} seconds."
    return RendererError(message, code="clip_timeout", hint="Try a faster profile.")


def _stopped_responding() -> RendererError:
    return RendererError("The renderer stopped responding.", code="renderer_stalled")
