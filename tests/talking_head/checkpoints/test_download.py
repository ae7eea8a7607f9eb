"""Downloads from servers that misbehave end with the right bytes or with a reason, never with a wrong file."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from talking_head.checkpoints import folder as folder_module
from talking_head.checkpoints.download import Result
from talking_head.checkpoints.folder import LOCK_FILE, FileState, state_of
from talking_head.checkpoints.licences import accept
from talking_head.digests import sha256_of_file
from talking_head.errors import ResourceError, from_os_error
from tests.talking_head.checkpoints.conftest import DATA, STRICT, Bench, checkpoint
from tests.talking_head.checkpoints.server import (
    Handler,
    Server,
    cut_after,
    of_unknown_length,
    status,
    whole,
    without_ranges,
)

WRONG = bytes(len(DATA))  # the right length, other bytes


def test_a_missing_file_arrives_whole_and_leaves_only_its_digest_beside_it(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert bench.file().read_bytes() == DATA
    assert {path.name for path in bench.folder.iterdir()} == {"net.pth", "net.pth.sha256", LOCK_FILE}
    assert bench.watcher.positions[-1] == len(DATA)


def test_a_sound_file_is_kept_and_nobody_is_asked(bench: Bench, server: Server) -> None:
    bench.folder.mkdir()
    bench.file().write_bytes(DATA)
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.KEPT
    assert server.requests == []


def test_force_fetches_a_sound_file_again(bench: Bench, server: Server) -> None:
    bench.folder.mkdir()
    bench.file().write_bytes(DATA)
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    (outcome,) = bench.downloader(one, force=True).run([one])
    assert outcome.result == Result.FETCHED
    assert server.paths() == ["/net.pth"]


@pytest.mark.parametrize("damaged", [DATA[:-1], DATA + b"x", b"", bytes([DATA[0] ^ 1]) + DATA[1:]])
def test_a_damaged_file_is_replaced(bench: Bench, server: Server, damaged: bytes) -> None:
    bench.folder.mkdir()
    bench.file().write_bytes(damaged)
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert bench.file().read_bytes() == DATA
    assert any("damaged" in note for note in bench.watcher.notes)


def test_a_damaged_file_stays_until_there_is_a_better_one(bench: Bench, server: Server) -> None:
    bench.folder.mkdir()
    bench.file().write_bytes(WRONG)
    one = checkpoint(server.serve("/net.pth", status(404)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FAILED
    assert bench.file().read_bytes() == WRONG


def test_weights_of_ones_own_are_replaced_only_by_force(bench: Bench, server: Server) -> None:
    own = b"my own training"
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    bench.folder.mkdir()
    bench.file().write_bytes(own)
    bench.file("net.pth.sha256").write_text(f"{sha256_of_file(bench.file())}  net.pth\n")
    assert state_of(one, bench.folder) == FileState.OWN
    (outcome,) = bench.downloader(one).run([one])
    assert (outcome.result, bench.file().read_bytes()) == (Result.KEPT, own)
    (outcome,) = bench.downloader(one, force=True).run([one])
    assert (outcome.result, bench.file().read_bytes()) == (Result.FETCHED, DATA)


def test_the_digest_lies_beside_what_was_fetched_and_tells_of_a_flipped_bit(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    bench.downloader(one).run([one])
    assert bench.file("net.pth.sha256").read_text() == f"{one.sha256}  net.pth\n"
    assert state_of(one, bench.folder) == FileState.GOOD
    bench.file().write_bytes(bytes([DATA[0] ^ 1]) + DATA[1:])
    assert state_of(one, bench.folder) == FileState.CORRUPT
    bench.file().write_bytes(DATA[:-1])  # the digest beside it does not make them an administrator's own weights
    assert state_of(one, bench.folder, deep=False) == FileState.CORRUPT


def test_a_sound_file_brought_by_other_means_gets_its_digest(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", status(404)))
    bench.folder.mkdir()
    bench.file().write_bytes(DATA)
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.KEPT
    assert bench.file("net.pth.sha256").read_text().split()[0] == one.sha256


# --- cuts and resuming ---


def test_a_cut_connection_goes_on_where_it_was_cut(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", cut_after(DATA, 70_000), cut_after(DATA, 50_000), whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert bench.file().read_bytes() == DATA
    assert server.ranges() == ["", "bytes=70000-", "bytes=120000-"]
    assert bench.waits == [1.0, 2.0]


def test_the_next_run_goes_on_where_the_last_one_ended(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", cut_after(DATA, 70_000), status(404)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FAILED
    assert bench.part().stat().st_size == 70_000
    server.serve("/net.pth", whole(DATA))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert server.ranges()[-1] == "bytes=70000-"
    assert bench.watcher.begun[-1] == ("net.pth", 70_000)


def test_the_next_source_goes_on_where_the_last_one_ended(bench: Bench, server: Server) -> None:
    first = server.serve("/first", cut_after(DATA, 70_000), status(403))
    one = checkpoint(first, server.serve("/second", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert server.requests[-1][0] == "/second"
    assert server.ranges()[-1] == "bytes=70000-"


def test_a_server_that_knows_no_ranges_begins_again(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", cut_after(DATA, 70_000), without_ranges(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert bench.file().read_bytes() == DATA


def test_a_wrong_first_half_is_thrown_away_once(bench: Bench, server: Server) -> None:
    bench.folder.mkdir()
    bench.part().write_bytes(WRONG[:90_000])
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert server.ranges() == ["bytes=90000-", ""]


def test_a_part_that_is_too_long_is_no_part_of_the_file(bench: Bench, server: Server) -> None:
    bench.folder.mkdir()
    bench.part().write_bytes(DATA + DATA)
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert bench.file().read_bytes() == DATA


def test_a_finished_part_needs_no_server(bench: Bench, server: Server) -> None:
    bench.folder.mkdir()
    bench.part().write_bytes(DATA)
    one = checkpoint(server.serve("/net.pth", status(404)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert server.requests == []


def test_a_server_that_sends_another_part_is_left(bench: Bench, server: Server) -> None:
    def other_part(handler: Handler) -> None:
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 0-9/{len(DATA)}")
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(DATA[:10])

    bench.folder.mkdir()
    bench.part().write_bytes(DATA[:500])
    one = checkpoint(server.serve("/bad", other_part), server.serve("/good", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert bench.file().read_bytes() == DATA


# --- servers that cannot or lie ---


def test_an_unavailable_server_is_asked_again_with_longer_and_longer_waits(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", status(503), status(500), status(502), whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert bench.waits == [1.0, 2.0, 4.0]


def test_patience_ends_and_the_next_source_is_asked(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/down", status(503)), server.serve("/up", whole(DATA)))
    (outcome,) = bench.downloader(one, attempts=3).run([one])
    assert outcome.result == Result.FETCHED
    assert server.paths() == ["/down", "/down", "/down", "/up"]


def test_a_server_that_says_when_is_taken_at_its_word(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", status(429, Retry_After="17"), whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert bench.waits == [17.0]


def test_a_server_that_wants_an_hour_is_left_for_the_next(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/busy", status(429, Retry_After="3600")), server.serve("/free", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert bench.waits == []
    assert server.paths() == ["/busy", "/free"]


@pytest.mark.parametrize("code", [401, 403, 404, 410, 416])
def test_a_final_no_is_not_asked_twice(bench: Bench, server: Server, code: int) -> None:
    one = checkpoint(server.serve("/net.pth", status(code)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FAILED
    assert len(server.requests) == 1
    assert str(code) in outcome.reasons[0]


def test_another_file_under_the_name_is_noticed_before_it_comes(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/login", without_ranges(b"<html>please log in</html>")))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FAILED
    assert "different file" in outcome.reasons[0]
    assert not bench.part().exists()


def test_the_wrong_bytes_never_get_the_name(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/bad", whole(WRONG)), server.serve("/good", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert bench.file().read_bytes() == DATA
    assert any("digest" in note for note in bench.watcher.notes)

    shutil.rmtree(bench.folder)
    only_bad = checkpoint(f"{server.url}/bad")
    (outcome,) = bench.downloader(only_bad).run([only_bad])
    assert outcome.result == Result.FAILED
    assert not bench.file().exists()
    assert not bench.part().exists()


def test_a_server_that_promises_the_length_and_sends_less_is_asked_for_the_rest(bench: Bench, server: Server) -> None:
    short = without_ranges(DATA[:1_000], claimed_bytes=len(DATA))
    one = checkpoint(server.serve("/net.pth", short, whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert server.ranges() == ["", "bytes=1000-"]


def test_a_short_file_of_unknown_length_is_not_taken_for_whole(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", of_unknown_length(DATA[:1_000])))
    (outcome,) = bench.downloader(one, attempts=2).run([one])
    assert outcome.result == Result.FAILED
    assert not bench.file().exists()


def test_an_endless_file_does_not_fill_the_disk(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", of_unknown_length(DATA * 20)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FAILED
    assert "more bytes than the file has" in outcome.reasons[0]
    assert bench.part().stat().st_size == 0


def test_redirects_are_followed_but_not_in_circles(bench: Bench, server: Server) -> None:
    server.serve("/there", whole(DATA))
    one = checkpoint(server.serve("/circle", status(302, Location="/circle")), f"{server.url}/here")
    server.serve("/here", status(302, Location="/there"))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED
    assert server.paths().count("/circle") == 6
    assert any("redirects too often" in note for note in bench.watcher.notes)


def test_nobody_there_is_a_reason(bench: Bench, server: Server) -> None:
    one = checkpoint("http://127.0.0.1:9/net.pth", "gopher://example.org/net.pth")
    (outcome,) = bench.downloader(one, attempts=2).run([one])
    assert outcome.result == Result.FAILED
    assert "cannot be reached" in outcome.reasons[0]
    assert "neither http nor https" in outcome.reasons[1]


def test_the_proxy_of_the_environment_is_used(bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    server.serve("http://weights.invalid/net.pth", whole(DATA))
    one = checkpoint("http://weights.invalid/net.pth")
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED


# --- mirrors ---


def test_a_folder_takes_the_place_of_every_address(bench: Bench, server: Server, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    (stick / "sub").mkdir(parents=True)
    (stick / "net.pth").write_bytes(DATA)
    (stick / "other.pth").write_bytes(DATA)  # without the subfolder it has at home
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    two = checkpoint(name="other", file="sub/other.pth")
    three = checkpoint(name="absent", file="absent.pth")
    outcomes = bench.downloader(one, two, three, mirror=stick).run([one, two, three])
    assert [outcome.result for outcome in outcomes] == [Result.FETCHED, Result.FETCHED, Result.FAILED]
    assert (bench.folder / "sub" / "other.pth").read_bytes() == DATA
    assert "does not exist" in outcomes[2].reasons[0]
    assert server.requests == []


def test_a_mirror_may_not_bring_other_bytes(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(WRONG)
    one = checkpoint()
    (outcome,) = bench.downloader(one, mirror=tmp_path).run([one])
    assert outcome.result == Result.FAILED
    assert not bench.file().exists()


def test_a_mirror_address_takes_the_place_of_every_other(bench: Bench, server: Server) -> None:
    server.serve("/mirror/net.pth", whole(DATA))
    one = checkpoint(f"{server.url}/official")
    (outcome,) = bench.downloader(one, mirror=f"{server.url}/mirror/").run([one])
    assert outcome.result == Result.FETCHED
    assert server.paths() == ["/mirror/net.pth"]


# --- the folder ---


def test_too_little_space_is_said_before_anything_comes(
    bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    exactly = SimpleNamespace(free=int(len(DATA) * 1.1))
    monkeypatch.setattr(folder_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=exactly.free - 1))
    with pytest.raises(ResourceError) as caught:
        bench.downloader(one).run([one])
    assert caught.value.code == "no_space"
    assert server.requests == []

    monkeypatch.setattr(folder_module.shutil, "disk_usage", lambda _: exactly)
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED


def test_what_is_here_already_needs_no_space(bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.folder.mkdir()
    bench.part().write_bytes(DATA[:-1_000])
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    monkeypatch.setattr(folder_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_100))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED


def test_a_disk_that_fills_up_ends_the_run_with_a_reason_for_each_file(bench: Bench, server: Server) -> None:
    bench.folder.mkdir()
    bench.part().symlink_to("/dev/full")  # every write fails with ENOSPC, as on a full disk
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    two = checkpoint(server.serve("/two", whole(DATA)), name="two", file="two.pth")
    outcomes = bench.downloader(one, two).run([one, two])
    assert [outcome.result for outcome in outcomes] == [Result.FAILED, Result.FAILED]
    assert all("disk is full" in outcome.reasons[0] for outcome in outcomes)
    assert server.paths() == ["/net.pth"]


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    real_user = os.geteuid()
    if real_user == 0:
        os.seteuid(65_534)  # root may write everywhere
    yield folder
    if real_user == 0:
        os.seteuid(0)
    shutil.rmtree(folder)


def test_a_read_only_folder_is_named_as_the_reason(server: Server, read_only_folder: Path) -> None:
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    with pytest.raises(ResourceError) as caught:
        Bench(read_only_folder).downloader(one).run([one])
    assert caught.value.code == "storage_denied"
    assert "CHECKPOINTS_DIR" in caught.value.hint
    assert server.requests == []


def test_a_file_where_the_folder_should_be_is_a_reason(bench: Bench) -> None:
    bench.folder.write_text("not a folder")
    with pytest.raises(ResourceError):
        bench.downloader(checkpoint()).run([checkpoint()])


def test_a_second_download_into_the_folder_is_refused(bench: Bench, server: Server) -> None:
    one = checkpoint(server.serve("/net.pth", whole(DATA)))
    bench.folder.mkdir()
    with (bench.folder / LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ResourceError) as caught:
            bench.downloader(one).run([one])
    assert caught.value.code == "download_running"
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED


# --- licences ---


def test_what_was_not_accepted_is_not_fetched(bench: Bench, server: Server) -> None:
    free = checkpoint(server.serve("/net.pth", whole(DATA)))
    strict = checkpoint(server.serve("/strict", whole(DATA)), name="strict", file="strict.pth", licence=STRICT)
    outcomes = bench.downloader(free, strict).run([free, strict])
    assert [outcome.result for outcome in outcomes] == [Result.FETCHED, Result.LICENCE]
    accept([STRICT], bench.folder)
    outcomes = bench.downloader(free, strict).run([free, strict])
    assert [outcome.result for outcome in outcomes] == [Result.KEPT, Result.FETCHED]


def test_other_errors_of_the_disk_keep_their_words() -> None:
    assert (
        "Input/output"
        in from_os_error(OSError(errno.EIO, "Input/output error"), folder_module.CHECKPOINTS_FOLDER).message
    )
