"""The supervisor against real processes that crash, stop, hang, ignore TERM, swallow exceptions and leave children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from talking_head.errors import EngineError, ResourceError
from talking_head.renderer.connection import RendererCommand
from talking_head.renderer.process_group import COOKIE_VARIABLE
from talking_head.renderer.supervisor import End, RendererProcess, RenderOutcome, Watcher
from tests.talking_head.worker.conftest import QUICK, ROOT

PATIENT_SECONDS = 30.0


def render(
    renderer: RendererProcess, text: str, seconds: float = PATIENT_SECONDS, watcher: Watcher | None = None
) -> RenderOutcome:
    request: dict[str, Any] = {"text": text, "fallback": False}
    return renderer.run("render", request, seconds, watcher or Watcher())


def survivors(command: RendererCommand) -> list[int]:
    """Processes that belong to a renderer of this test: their scratch folder lies below the test's own."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        mine = environment.get("TMPDIR", "").startswith(str(command.scratch_root))
        if mine and COOKIE_VARIABLE in environment and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def assert_nothing_is_left(command: RendererCommand) -> None:
    assert survivors(command) == []
    assert not command.scratch_root.exists() or list(command.scratch_root.iterdir()) == []


def test_a_warm_process_serves_one_clip_after_the_other(renderer: RendererProcess) -> None:
    reported: list[tuple[str, int, int, bytes]] = []
    first = render(renderer, "One.", watcher=Watcher(on_progress=lambda *values: reported.append(values)))
    pid = renderer.pid
    second = render(renderer, "Two.")
    assert (first.end, second.end) == (End.DONE, End.DONE)
    assert first.values["clip_key"] != second.values["clip_key"]
    assert renderer.pid == pid
    assert reported == [("speech", 0, 0, b""), ("frames", 1, 24, b"\xff\xd8jpeg")]
    assert first.usage["rss_peak_bytes"] > 5_000_000
    assert first.usage["gpu"] == {"available": False, "name": None, "memory_peak_bytes": None}


def test_prints_of_libraries_go_to_the_log_and_not_between_the_messages(renderer: RendererProcess) -> None:
    assert render(renderer, "chatty").end is End.DONE
    outcome = render(renderer, "chatty refuse")
    assert outcome.end is End.FAILED
    assert "even on the bare file descriptor" in outcome.log_tail


def test_a_refusal_is_orderly_and_the_process_stays(renderer: RendererProcess) -> None:
    outcome = render(renderer, "refuse")
    assert outcome.end is End.FAILED
    assert isinstance(outcome.error, EngineError)
    assert (outcome.error.code, outcome.error.permanent) == ("checkpoint_corrupt", True)
    pid = renderer.pid
    assert render(renderer, "Fine.").end is End.DONE
    assert renderer.pid == pid


@pytest.mark.parametrize(
    ("text", "end"),
    [("memory", End.FAILED), ("limit", End.FAILED), ("cuda", End.FAILED), ("badalloc", End.CRASHED)],
)
def test_a_process_that_ran_out_of_memory_is_not_used_again(renderer: RendererProcess, text: str, end: End) -> None:
    render(renderer, "Warm.")
    outcome = render(renderer, text)
    assert outcome.end is end
    assert isinstance(outcome.error, ResourceError)
    assert outcome.error.code == "out_of_memory"
    assert renderer.pid is None
    assert render(renderer, "Fine.").end is End.DONE


def test_a_killed_process_is_noticed_and_replaced(renderer: RendererProcess, command: RendererCommand) -> None:
    outcome = render(renderer, "crash")
    assert outcome.end is End.CRASHED
    assert outcome.error is not None
    assert outcome.error.code == "renderer_crashed"
    assert outcome.error.hint  # an empty one would leave the teacher with nothing to do
    assert "signal 6" in outcome.error.message
    assert_nothing_is_left(command)
    assert render(renderer, "Fine.").end is End.DONE


def test_a_process_killed_between_two_clips_is_replaced(renderer: RendererProcess) -> None:
    render(renderer, "One.")
    pid = renderer.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert render(renderer, "Two.").end is End.DONE
    assert renderer.pid != pid


def test_a_stopped_process_is_found_to_be_stalled_and_killed(
    renderer: RendererProcess, command: RendererCommand
) -> None:
    outcome = render(renderer, "freeze")
    assert outcome.end is End.STALLED
    assert outcome.error is not None
    assert outcome.error.code == "renderer_stalled"
    assert outcome.error.hint
    assert_nothing_is_left(command)


@pytest.mark.parametrize("text", ["hang", "stubborn", "swallow", "grind", "parent"])
def test_whatever_takes_too_long_is_dead_afterwards_with_all_it_started(
    renderer: RendererProcess, command: RendererCommand, text: str
) -> None:
    """A sleeping call, one that ignores TERM, one that swallows every exception, one that holds Python's lock, and one
    that started children, of which one left for a session of its own."""
    outcome = render(renderer, text, seconds=1.0)
    assert outcome.end is End.TIMEOUT
    assert outcome.error is not None
    assert outcome.error.code == "clip_timeout"
    assert_nothing_is_left(command)


def test_work_ends_soon_after_it_is_no_longer_wanted(renderer: RendererProcess, command: RendererCommand) -> None:
    answers = iter([True, True, True, False])
    outcome = render(renderer, "hang", watcher=Watcher(keep_going=lambda: next(answers)))
    assert outcome.end is End.STOPPED
    assert_nothing_is_left(command)


def test_nonsense_on_the_pipe_ends_the_process(renderer: RendererProcess, command: RendererCommand) -> None:
    outcome = render(renderer, "nonsense")
    assert outcome.end is End.CRASHED
    assert outcome.error is not None
    assert outcome.error.code == "protocol"
    assert_nothing_is_left(command)


def test_an_exception_in_the_parent_leaves_no_process_behind(
    renderer: RendererProcess, command: RendererCommand
) -> None:
    def explode() -> bool:
        raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError, match="the database is gone"):
        render(renderer, "hang", watcher=Watcher(keep_going=explode))
    assert_nothing_is_left(command)


def test_a_command_that_cannot_start_is_a_crash_with_its_last_words(command: RendererCommand) -> None:
    broken = RendererCommand([sys.executable, "-m", "no.such.module"], ROOT, command.scratch_root)
    renderer = RendererProcess(broken, QUICK)
    outcome = render(renderer, "One.")
    assert outcome.end is End.CRASHED
    assert "No module named" in outcome.log_tail


def test_the_renderer_dies_with_its_supervisor(command: RendererCommand, tmp_path: Path) -> None:
    """The supervisor's process gets SIGKILL in mid-clip; neither the renderer nor what it started goes on."""
    script = f"""
import sys
from pathlib import Path
from talking_head.renderer.connection import RendererCommand
from talking_head.renderer.supervisor import RendererProcess, Watcher
command = RendererCommand(
    {list(command.arguments)!r}, Path({str(ROOT)!r}), Path({str(command.scratch_root)!r}), {dict(command.settings)!r}
)
RendererProcess(command).run(
    "render", {{"text": "hang", "fallback": False}}, 60.0, Watcher(on_started=lambda pid: print(pid, flush=True))
)
"""
    supervisor = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    renderer = psutil.Process(pid)
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    psutil.wait_procs([renderer], timeout=5.0)
    assert survivors(command) == []


@pytest.mark.parametrize("text", ["hang", "spin"])
def test_only_silence_without_work_counts_as_a_stall(renderer: RendererProcess, text: str) -> None:
    """A clip that takes longer than the stall limit is left alone while its heartbeat comes (``hang``) or it keeps
    the processor busy inside a call that lets no heartbeat through (``spin``)."""
    started = time.monotonic()
    outcome = render(renderer, text, seconds=QUICK.stall_seconds + 1.0)
    assert outcome.end is End.TIMEOUT
    assert time.monotonic() - started > QUICK.stall_seconds
