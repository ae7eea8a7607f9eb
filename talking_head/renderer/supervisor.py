"""The supervisor of a renderer process: starts it, sends it requests, watches it, and ends it when it misbehaves.

Nothing here trusts the child: every wait has a deadline on this process's monotonic clock, writes to it never block,
and a child that crashed, stalled, took too long or broke the protocol is ended together with everything it had started.
"""

from __future__ import annotations

import logging
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from talking_head.errors import OUT_OF_MEMORY, RendererError, TalkingHeadError, out_of_memory
from talking_head.renderer.connection import Connection, RendererCommand
from talking_head.renderer.process_group import seems_stuck
from talking_head.renderer.protocol import Message, ProtocolError, encode, error_from_json

logger = logging.getLogger(__name__)

SHUTDOWN_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # only another process sends these


class End(Enum):
    """How a request ended."""

    DONE = "done"
    FAILED = "failed"  # the process reported an error and may live on
    CRASHED = "crashed"
    STALLED = "stalled"
    TIMEOUT = "timeout"
    TERMINATED = "terminated"  # asked to end by another process, as at a shutdown: no fault of anything
    STOPPED = "stopped"  # because ``keep_going`` returned False


@dataclass(frozen=True, slots=True)
class RenderOutcome:
    end: End
    values: dict[str, Any] = field(default_factory=dict)  # the result, when done
    usage: dict[str, Any] = field(default_factory=dict)
    error: TalkingHeadError | None = None
    log_tail: str = ""
    is_outside: bool = False  # a crash whose cause lies outside the request: the process was killed

    @property
    def is_done(self) -> bool:
        return self.end is End.DONE

    @property
    def is_answer(self) -> bool:
        """Return whether the process itself reported the end."""
        return self.end in (End.DONE, End.FAILED)


@dataclass(frozen=True, slots=True)
class RendererLimits:
    """Seconds; see :mod:`talking_head.timing` for what they mean."""

    poll_seconds: float = 0.3
    stall_seconds: float = 20.0
    start_seconds: float = 60.0
    terminate_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Watcher:
    """The caller's callbacks while a request runs.

    ``keep_going`` is called every ``poll_seconds``; False ends the request. ``on_progress`` gets stage, frame, frames
    and a JPEG or nothing. ``on_started`` gets the process id.
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
        self.requests_served = 0  # by the current process

    @property
    def pid(self) -> int | None:
        return self._connection.pid if self._connection else None

    def run(self, type_: str, request: dict[str, Any], seconds_allowed: float, watcher: Watcher) -> RenderOutcome:
        """Send one request and wait for its end. After any outcome but DONE and FAILED the process is gone.

        Starting a process, when there is none, has its own time limit and does not count against ``seconds_allowed``.
        """
        try:
            outcome = self._ensure_ready(watcher)
            if outcome is None and self._connection is not None:
                watcher.on_started(self._connection.pid)
                data = encode(Message(type_, {"request": request}))
                exchange = _Exchange(self._connection, self._limits, watcher, {"done", "failed"})
                outcome = exchange.run(seconds_allowed, data)
                self.requests_served += 1
        except BaseException:
            self.close()  # interrupted (a signal, a lost database): the renderer must not go on unsupervised
            raise
        assert outcome is not None
        if outcome.end is not End.DONE and (outcome.end is not End.FAILED or _may_be_corrupted(outcome.error)):
            self.close()
        return outcome

    def close(self) -> None:
        """End the process, if there is one, with everything it started."""
        connection, self._connection = self._connection, None
        self.requests_served = 0
        if connection is not None:
            connection.end(self._limits.terminate_seconds)

    def _ensure_ready(self, watcher: Watcher) -> RenderOutcome | None:
        """Ensure that a process waits for requests; return the outcome if none could be started."""
        if self._connection is not None and self._connection.is_alive:
            return None
        self.close()
        self._connection = Connection(self._command)
        outcome = _Exchange(self._connection, self._limits, watcher, {"ready"}).run(self._limits.start_seconds)
        return None if outcome.end is End.DONE else outcome


def _may_be_corrupted(error: TalkingHeadError | None) -> bool:
    """Return whether a process that answered with this error may be in a bad state: memory it could not get or free, or
    an unforeseen failure."""
    return error is not None and (error.code == OUT_OF_MEMORY or type(error) is RendererError)


class _Exchange:
    """One request and its answer: reads every message until then, and decides when the request has taken too long."""

    def __init__(self, connection: Connection, limits: RendererLimits, watcher: Watcher, answers: set[str]) -> None:
        self._connection = connection
        self._limits = limits
        self._watcher = watcher
        self._answers = answers
        self._stall_detector = _StallDetector(connection.pid, limits.stall_seconds)
        self._pending = memoryview(b"")

    def run(self, seconds: float, data: bytes = b"") -> RenderOutcome:
        """Send ``data``; return when the answer has come or the request has failed."""
        deadline = time.monotonic() + seconds
        next_poll = 0.0
        self._pending = memoryview(data)
        with selectors.DefaultSelector() as selector:
            self._register(selector)
            while True:
                if time.monotonic() >= next_poll:
                    if not self._watcher.keep_going():
                        return self._outcome(End.STOPPED)
                    next_poll = time.monotonic() + self._limits.poll_seconds
                if time.monotonic() >= deadline:
                    return self._outcome(End.TIMEOUT, _timeout_error(seconds))
                if self._stall_detector.has_stalled():
                    return self._outcome(End.STALLED, _stall_error())
                ready = selector.select(max(0.0, min(next_poll, deadline) - time.monotonic()))
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
                return self._crash_outcome()
            self._stall_detector.beat()
            for message in messages:
                if message.type in self._answers:
                    return self._answer_outcome(message)
                if message.type == "progress":
                    self._forward_progress(message)
        except (ProtocolError, KeyError, ValueError, TypeError) as error:
            logger.warning("The renderer broke the protocol: %s", error)
            reason = "The renderer sent a message that cannot be read."
            return self._outcome(End.CRASHED, RendererError(reason, code="protocol"))
        return None

    def _forward_progress(self, message: Message) -> None:
        values = message.values
        self._watcher.on_progress(str(values["stage"]), int(values["frame"]), int(values["frames"]), message.binary)

    def _answer_outcome(self, answer: Message) -> RenderOutcome:
        usage = dict(answer.values.get("usage") or {})
        if answer.type == "failed":
            error = error_from_json(answer.values["error"])
            return RenderOutcome(End.FAILED, {}, usage, error, self._connection.log_tail())
        return RenderOutcome(End.DONE, dict(answer.values.get("result") or {}), usage)

    def _crash_outcome(self) -> RenderOutcome:
        """Return the outcome of a crash. C++ and a starting Python cannot report that memory ran out: they die."""
        description = self._connection.exit_description()
        if self._connection.exited_out_of_memory():
            return self._outcome(End.CRASHED, out_of_memory())
        number = self._connection.ending_signal()
        if number in SHUTDOWN_SIGNALS:
            return self._outcome(End.TERMINATED)
        error = RendererError(f"The renderer {description}.", code="renderer_crashed")
        return replace(self._outcome(End.CRASHED, error), is_outside=number == signal.SIGKILL)

    def _outcome(self, end: End, error: TalkingHeadError | None = None) -> RenderOutcome:
        return RenderOutcome(end, error=error, log_tail=self._connection.log_tail())


class _StallDetector:
    """Detects a process that has been silent for too long and does nothing either."""

    def __init__(self, pid: int, stall_seconds: float) -> None:
        self._pid = pid
        self._stall_seconds = stall_seconds
        self.beat()

    def beat(self) -> None:
        self._silent_since = self._checked_at = time.monotonic()
        self._cpu_seconds: float | None = None

    def has_stalled(self) -> bool:
        """Return whether the process is stuck: checked every half limit, it must have used the processor in between."""
        now = time.monotonic()
        if now - self._checked_at < self._stall_seconds / 2:
            return False
        is_stuck, self._cpu_seconds = seems_stuck(self._pid, self._cpu_seconds)
        self._checked_at = now
        return is_stuck and now - self._silent_since >= self._stall_seconds


def _timeout_error(seconds: float) -> RendererError:
    message = f"The renderer did not finish within {seconds:.0f} seconds."
    return RendererError(message, code="clip_timeout", hint="Try a faster profile.")


def _stall_error() -> RendererError:
    return RendererError("The renderer stopped responding.", code="renderer_stalled")
