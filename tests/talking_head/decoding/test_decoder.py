"""A decoder may crash, never end or want everything: the caller gets a named error, and lives."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from talking_head.decoding import slots
from talking_head.decoding.decoder import DecodedFile, MediaDecoder
from talking_head.decoding.operations import PORTRAIT, THUMBNAIL, DecodingOperation
from talking_head.errors import ResourceError, TalkingHeadError
from tests.talking_head.jobs.site import ROOT, wait_for

MODULE = "tests.talking_head.decoding.misbehaviour"
DATA = b"some bytes"


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaDecoder]:
    decoder = MediaDecoder(tmp_path_factory.mktemp("run"))
    yield decoder
    decoder.close()


def operation(function: str, **changes: Any) -> DecodingOperation:
    return replace(PORTRAIT, function=f"{MODULE}:{function}", **changes)


def run(decoder: MediaDecoder, folder: Path, function: str, **changes: Any) -> dict[str, Any]:
    with decoder.decoded(operation(function, **changes), DATA, folder / "tmp") as decoded:
        return decoded.values


def refusal(decoder: MediaDecoder, folder: Path, function: str, **changes: Any) -> str:
    with pytest.raises(TalkingHeadError) as caught:
        run(decoder, folder, function, **changes)
    assert caught.value.hint
    assert not list((folder / "tmp").iterdir())  # nothing is left behind
    return caught.value.code


@pytest.mark.parametrize("in_memory", [True, False])
def test_the_values_and_the_files_of_an_operation_come_back(
    decoder: MediaDecoder, tmp_path: Path, in_memory: bool
) -> None:
    (tmp_path / "upload").write_bytes(DATA)
    with (
        io.BytesIO(DATA) if in_memory else (tmp_path / "upload").open("rb") as source,
        decoder.decoded(operation("read_all"), source, tmp_path / "tmp", note="ü") as decoded,
    ):
        assert decoded.values["note"] == "ü"
        assert decoded.values["pid"] != os.getpid()
        assert decoded.values["nice"] > os.nice(0)
        assert (decoded.folder / "copy").read_bytes() == DATA
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("function", ["crash", "abort", "raise_nonsense", "answer_nonsense"])
def test_55_a_decoder_that_crashes_is_a_damaged_file(decoder: MediaDecoder, tmp_path: Path, function: str) -> None:
    assert refusal(decoder, tmp_path, function) == "image_unreadable"
    assert run(decoder, tmp_path, "read_all")["note"] == ""  # and the next one is served


def test_55_the_signal_is_logged(decoder: MediaDecoder, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        refusal(decoder, tmp_path, "crash")
    assert "was ended by SIGSEGV" in caplog.text
    assert "misbehaviour.py" in caplog.text  # where it was, from the child's own log


@pytest.mark.parametrize(
    ("function", "limit"),
    [("spin", {"cpu_seconds": 1}), ("take_memory", {}), ("fill_disk", {"output_bytes": 1_000_000})],
)
def test_54_a_decoder_that_wants_too_much_is_ended(
    decoder: MediaDecoder, tmp_path: Path, function: str, limit: dict[str, int]
) -> None:
    assert refusal(decoder, tmp_path, function, **limit) == "image_too_complex"


def test_54_a_decoder_that_is_slow_without_working_says_that_the_machine_is_busy(
    decoder: MediaDecoder, tmp_path: Path
) -> None:
    assert refusal(decoder, tmp_path, "sleep", wall_seconds=0.2) == "busy"


def test_54_what_finds_no_slot_in_time_is_told_that_the_machine_is_busy(tmp_path: Path) -> None:
    """Two decoders of two processes, as two web processes have them, share the slots."""
    (tmp_path / "run").mkdir()
    decoders = [MediaDecoder(tmp_path / "run"), MediaDecoder(tmp_path / "run")]
    end = tmp_path / "end"

    def occupy(number: int) -> DecodedFile:
        values = {"mark": str(tmp_path / f"runs-{number}"), "until": str(end)}
        with decoders[number].decoded(operation("wait_for"), DATA, tmp_path / "tmp", **values) as decoded:
            return decoded

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(occupy, number) for number in range(2)]
        for number in range(2):
            wait_for((tmp_path / f"runs-{number}").exists, f"decoder {number}")
        with pytest.raises(ResourceError) as caught:
            run(decoders[0], tmp_path, "read_all", wait_seconds=0.1)
        assert (caught.value.code, caught.value.permanent) == ("busy", False)
        end.touch()
        assert [each.result().values for each in running] == [{}, {}]
    assert run(decoders[1], tmp_path, "read_all")["note"] == ""
    for decoder in decoders:
        decoder.close()


def test_54_only_so_many_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "MAX_WAITING", 1)
    shared = slots.DecoderSlots(tmp_path)
    turn_taken, refused = threading.Event(), threading.Event()

    def wait_in_line() -> None:
        turn_taken.set()
        with shared.occupied((0,), 60.0):
            pass

    with ThreadPoolExecutor(1) as pool, shared.occupied((0,), 0.0):
        waiting = pool.submit(wait_in_line)
        turn_taken.wait()
        wait_for(lambda: shared._waiting == 1, "the first in line")
        with pytest.raises(ResourceError), shared.occupied((0,), 60.0):
            refused.set()
    waiting.result()
    assert not refused.is_set()


def test_recordings_leave_a_slot_to_pictures(tmp_path: Path) -> None:
    shared = slots.DecoderSlots(tmp_path)
    with shared.occupied((0,), 0.0):
        with pytest.raises(ResourceError), shared.occupied((0,), 0.0):
            pass
        with shared.occupied(THUMBNAIL.slots, 0.0):
            pass


def test_a_host_that_was_killed_is_replaced(decoder: MediaDecoder, tmp_path: Path) -> None:
    first = run(decoder, tmp_path, "read_all")["parent"]
    os.kill(first, signal.SIGKILL)
    second = run(decoder, tmp_path, "read_all")["parent"]
    assert second not in (first, os.getpid())


def test_a_decoder_cannot_leave_processes_behind(decoder: MediaDecoder, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    with (
        pytest.raises(TalkingHeadError),
        decoder.decoded(operation("start_another"), DATA, tmp_path / "tmp", mark=str(mark)),
    ):
        pass
    wait_for(lambda: not _is_running(int(mark.read_text())), "its process to be dead")


def test_nothing_survives_the_process_that_asked(tmp_path: Path) -> None:
    """It is killed while a decoder runs: the host and the decoder end, too."""
    mark = tmp_path / "pid"
    code = f"""
from pathlib import Path
from dataclasses import replace
from talking_head.decoding.decoder import MediaDecoder
from talking_head.decoding.operations import PORTRAIT
folder = Path({str(tmp_path)!r})
operation = replace(PORTRAIT, function="{MODULE}:sleep")
with MediaDecoder(folder).decoded(operation, b"x", folder / "tmp", mark={str(mark)!r}):
    pass
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as process:
        wait_for(lambda: mark.exists() and mark.read_text(), "the decoder")
        pid = int(mark.read_text())
        host = psutil.Process(pid).ppid()
        process.kill()
    wait_for(lambda: not _is_running(pid) and not _is_running(host), "both to be gone")


def test_a_decoder_sees_neither_secrets_nor_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "of the site")
    decoder = MediaDecoder(tmp_path)
    try:
        seen = run(decoder, tmp_path, "look_around")
    finally:
        decoder.close()
    assert "SECRET_KEY" not in seen["environment"] and "PATH" in seen["environment"]
    assert len(set(seen["descriptors"]) - {0, 1, 2, seen["source"]}) <= 1  # that of the listing itself
    assert (seen["group"], seen["core_limit"]) == (seen["pid"], [0, 0])


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
