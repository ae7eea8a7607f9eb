"""Ending a process with everything it started: TERM, a grace period, then KILL for all that remain."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import time

import psutil

COOKIE_VARIABLE = "LECTERN_RENDERER"  # in the environment of a renderer, and so of everything that it starts
POLL_SECONDS = 0.02
MEMORY_SIGNALS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGTRAP)


def end_process_group(process: subprocess.Popen[bytes], cookie: str, terminate_seconds: float) -> None:
    """End ``process`` (the leader of its own session) and all its descendants, and reap it.

    The leader is only reaped after its group got KILL: until then its id cannot be reused for another group.
    Descendants that moved to a session of their own are found by the cookie in their environment.
    """
    if not _has_exited(process):
        _signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + terminate_seconds
        while not _has_exited(process) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    if process.returncode is None:
        _signal_group(process.pid, signal.SIGKILL)
    process.wait()
    _kill_by_cookie(cookie)


def seems_stuck(pid: int, cpu_seconds_before: float | None) -> tuple[bool, float | None]:
    """Distinguish a process that does nothing from one that is merely silent (a long call into C holds Python's lock,
    and with it the heartbeat). Return whether it is stopped, gone or used no processor time since
    ``cpu_seconds_before``, and the processor seconds it has used so far."""
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        stopped = process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP, psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True, None
    used = times.user + times.system
    return stopped or (cpu_seconds_before is not None and used <= cpu_seconds_before), used


def exit_description(process: subprocess.Popen[bytes], wait_seconds: float) -> str:
    """Describe how a process ended; wait a moment for it and leave it unreaped (see :func:`end_process_group`)."""
    deadline = time.monotonic() + wait_seconds
    while not _has_exited(process) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    if not _has_exited(process):
        return "stopped unexpectedly"
    if process.returncode is not None:
        killed, status = process.returncode < 0, abs(process.returncode)
    else:
        info = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        assert info is not None
        killed, status = info.si_code != os.CLD_EXITED, info.si_status
    return f"was killed by signal {status}" if killed else f"exited with status {status}"


def ending_signal(process: subprocess.Popen[bytes]) -> int | None:
    """Return the signal that ended a process, reaped or not; None when it exited by itself or still runs."""
    if process.returncode is not None:
        return -process.returncode if process.returncode < 0 else None
    try:
        info = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return info.si_status if info is not None and info.si_code != os.CLD_EXITED else None


def died_at_memory_limit(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process with a limit of its own (RLIMIT_AS) has just crashed on a memory access or aborted, as
    native code does that does not check its allocations. Call it before the process is reaped."""
    try:
        info = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        limit_bytes, _ = resource.prlimit(process.pid, resource.RLIMIT_AS)
    except (OSError, AttributeError):  # gone, or not Linux
        return False
    crashed = info is not None and info.si_code != os.CLD_EXITED and info.si_status in MEMORY_SIGNALS
    return crashed and limit_bytes != resource.RLIM_INFINITY


def _has_exited(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the process has exited, like ``poll()``, but leave it unreaped."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _kill_by_cookie(cookie: str) -> None:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(COOKIE_VARIABLE) == cookie:
                process.kill()
