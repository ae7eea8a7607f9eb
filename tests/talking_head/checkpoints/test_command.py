"""``manage.py download_checkpoints``: what people see, and what scripts read from the exit status."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from talking_head.checkpoints.http_transfer import RetryPolicy
from talking_head.checkpoints.licences import ACCEPTED_FILE
from talking_head.management.commands import download_checkpoints
from talking_head.management.commands.download_checkpoints import Command, DownloadBar
from tests.talking_head.checkpoints.conftest import DATA, STRICT, checkpoint, write_manifest
from tests.talking_head.checkpoints.server import Server, status, whole


@dataclass
class Said:
    status: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(tmp_path: Path, server: Server, checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(Command, "retry_policy", RetryPolicy(sleep=lambda _: None))
    manifest = write_manifest(
        tmp_path / "manifest.json",
        checkpoint(server.serve("/net.pth", whole(DATA))),
        checkpoint(server.serve("/strict.pth", whole(DATA)), name="strict", file="strict.pth", licence=STRICT),
        checkpoint(
            server.serve("/extra.pth", whole(DATA)),
            name="extra",
            file="sub/extra.pth",
            optional=True,
            needed_by=("more",),
        ),
    )

    def run(*arguments: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        status_ = 0
        try:
            call_command("download_checkpoints", "--manifest", manifest, *arguments, stdout=out, stderr=err)
        except SystemExit as end:
            status_ = int(str(end.code))
        return Said(status_, out.getvalue(), err.getvalue())

    return run


def test_everything_there_is_status_0(run: Run, checkpoints_dir: Path, server: Server) -> None:
    said = run("--accept-licences")
    assert said.status == 0, said.err
    assert "net.pth: downloaded" in said.out
    assert "100%" in said.err
    assert (checkpoints_dir / "net.pth").read_bytes() == DATA
    assert not (checkpoints_dir / "sub").exists(), "optional files come only when they are named"
    again = run()
    assert (again.status, "net.pth: already present" in again.out) == (0, True)
    assert server.paths() == ["/net.pth", "/strict.pth"]


def test_a_licence_is_shown_and_accepted_once(run: Run, checkpoints_dir: Path) -> None:
    said = run()
    assert said.status == 1
    assert STRICT.terms in said.err and STRICT.url in said.err
    assert "--only strict --accept-licences" in said.err
    assert (checkpoints_dir / "net.pth").exists()
    assert not (checkpoints_dir / "strict.pth").exists()

    assert run("--only", "strict", "--accept-licences").status == 0
    record = json.loads((checkpoints_dir / ACCEPTED_FILE).read_text())["strict"]
    assert record["terms"] == STRICT.terms and record["accepted_at"]

    (checkpoints_dir / "strict.pth").unlink()
    said = run("--only", "strict")
    assert said.status == 0
    assert STRICT.terms not in said.err


def test_a_person_at_a_terminal_is_asked(run: Run, checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Command, "_is_interactive", lambda self: True)
    monkeypatch.setattr(download_checkpoints.sys, "stdin", io.StringIO("no\nyes\n"))
    assert run("--only", "strict").status == 1
    assert run("--only", "strict").status == 0
    assert (checkpoints_dir / "strict.pth").exists()


def test_other_terms_have_to_be_accepted_anew(run: Run, checkpoints_dir: Path) -> None:
    assert run("--only", "strict", "--accept-licences").status == 0
    accepted = checkpoints_dir / ACCEPTED_FILE
    records = json.loads(accepted.read_text())
    records["strict"]["terms"] = "Do as you like."
    accepted.write_text(json.dumps(records))
    (checkpoints_dir / "strict.pth").unlink()
    assert run("--only", "strict").status == 1


def test_what_is_missing_ends_as_a_to_do_list(run: Run, server: Server) -> None:
    server.serve("/net.pth", status(404))
    said = run("--only", "net")
    assert said.status == 1
    assert "- net.pth" in said.err
    assert f"{server.url}/net.pth: The server answered 404 (Not Found)." in said.err
    assert "--mirror FOLDER" in said.err


def test_verify_tells_missing_corrupt_and_good_apart_and_fetches_nothing(
    run: Run, checkpoints_dir: Path, server: Server
) -> None:
    said = run("--verify")
    assert said.status == 1
    assert "missing    net.pth" in said.out
    assert not checkpoints_dir.exists()

    checkpoints_dir.mkdir()
    (checkpoints_dir / "net.pth").write_bytes(DATA)
    (checkpoints_dir / "strict.pth").write_bytes(bytes(len(DATA)))
    said = run("--verify")
    assert said.status == 1
    assert "good       net.pth" in said.out
    assert "corrupt    strict.pth" in said.out

    (checkpoints_dir / "strict.pth").write_bytes(DATA)
    said = run("--verify")
    assert (said.status, said.err) == (0, "")
    assert "optional   sub/extra.pth" in said.out
    assert run("--verify", "--only", "extra").status == 1
    assert server.requests == []


def test_a_folder_brings_everything_without_a_network(run: Run, checkpoints_dir: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    for name in ("net.pth", "extra.pth"):
        (stick / name).write_bytes(DATA)
    said = run("--mirror", str(stick), "--only", "net", "--only", "more")
    assert said.status == 0, said.err
    assert (checkpoints_dir / "sub" / "extra.pth").read_bytes() == DATA


@pytest.mark.parametrize("arguments", [("--only", "nothing"), ("--mirror", "/absent/folder")])
def test_wrong_options_are_status_2_and_one_line(run: Run, arguments: tuple[str, ...]) -> None:
    said = run(*arguments)
    assert said.status == 2
    assert len(said.err.strip().splitlines()) == 1


def test_verify_and_force_exclude_each_other(run: Run) -> None:
    with pytest.raises(CommandError):
        run("--verify", "--force")


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_has_come(
    run: Run, checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch, signal_: signal.Signals
) -> None:
    def interrupt(self: DownloadBar, have_bytes: int) -> None:
        os.kill(os.getpid(), signal_)

    with monkeypatch.context() as patched:
        patched.setattr(DownloadBar, "advance", interrupt)
        said = run("--only", "net")
    assert said.status == 130
    assert "run the same command again to resume" in said.err
    assert 0 < (checkpoints_dir / "net.pth.part").stat().st_size <= len(DATA)
    said = run("--only", "net")
    assert said.status == 0
    assert "already downloaded" in said.err


class Terminal(io.StringIO):
    def write(self, text: str, ending: str = "") -> int:
        return super().write(text + ending)


def test_the_bar_says_how_far_how_fast_and_how_long() -> None:
    now = [0.0]
    screen: Any = Terminal()
    bar = DownloadBar(screen, True, clock=lambda: now[0])
    bar.begin(checkpoint(), 0)
    now[0] = 10.0
    bar.advance(50_000)
    line = screen.getvalue().rpartition("\r")[2]
    assert "25%" in line and "5 kB/s" in line and "30 s left" in line
    assert line.count("█") == 6 and line.count("░") == 18
    now[0] = 10.1
    before = screen.getvalue()
    bar.advance(50_001)
    assert screen.getvalue() == before, "not redrawn more often than anybody can see"
    bar.end()
    assert screen.getvalue().endswith("\r\x1b[K")
