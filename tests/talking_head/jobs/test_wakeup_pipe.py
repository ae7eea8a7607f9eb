"""Idle workers sleep on a pipe. The waits here would last an hour, so each ends for the reason that the test gives."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from talking_head.jobs import wakeup_pipe, wakeups
from talking_head.jobs.wakeup_pipe import WakeupListener

PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def run_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.RUN_DIR = tmp_path / "run"
    return tmp_path / "run"


@pytest.fixture
def listener() -> Iterator[WakeupListener]:
    listener = WakeupListener()
    listener.longest_seconds = 3_600.0
    yield listener
    listener.close()


def ends_the_wait(listener: WakeupListener, act: Callable[[], object]) -> bool:
    waiting = threading.Thread(target=listener.wait, daemon=True)
    waiting.start()
    act()
    waiting.join(PATIENCE_SECONDS)
    return not waiting.is_alive()


def test_a_ring_ends_the_wait(listener: WakeupListener) -> None:
    assert ends_the_wait(listener, wakeup_pipe.ring)


def test_a_ring_before_the_wait_is_not_lost(listener: WakeupListener) -> None:
    wakeup_pipe.ring()
    assert ends_the_wait(listener, lambda: None)


def test_an_interruption_ends_the_wait(listener: WakeupListener) -> None:
    assert ends_the_wait(listener, listener.interrupt)


@pytest.mark.django_db(transaction=True)
def test_a_wakeup_rings(listener: WakeupListener) -> None:
    assert ends_the_wait(listener, wakeups.wake_worker)


def test_without_a_ring_the_wait_ends_when_it_is_time_to_look(listener: WakeupListener) -> None:
    listener.longest_seconds = 0.01
    assert ends_the_wait(listener, lambda: None)


def test_a_ring_without_listeners_is_harmless(run_dir: Path) -> None:
    wakeup_pipe.ring()
    WakeupListener().close()  # leaves the pipe behind, as a killed worker does
    wakeup_pipe.ring()
    assert stat.S_ISFIFO((run_dir / "wakeups").stat().st_mode)
    assert stat.S_IMODE((run_dir / "wakeups").stat().st_mode) == 0o600


def test_each_of_two_workers_gets_its_own_ring(listener: WakeupListener) -> None:
    other = WakeupListener()
    other.longest_seconds = 3_600.0
    try:
        wakeup_pipe.ring()
        wakeup_pipe.ring()
        assert ends_the_wait(listener, lambda: None)
        assert ends_the_wait(other, lambda: None)
    finally:
        other.close()


def test_without_a_private_folder_workers_look_every_second(run_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    run_dir.mkdir()
    os.chmod(run_dir, 0o777)  # noqa: PTH101 - shared with everybody
    listener = WakeupListener()
    assert listener.longest_seconds == wakeup_pipe.SHARED_SECONDS
    assert "cannot be woken at once" in caplog.text
    listener.close()


def test_where_other_machines_may_fill_the_table_it_is_looked_at_more_often(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    listener = WakeupListener()
    assert listener.longest_seconds == wakeup_pipe.SHARED_SECONDS
    listener.close()
