"""The datagram layer: groups inside a process, across processes, and everything that may go wrong on the way."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from channels.exceptions import ChannelFull

from talking_head.errors import ResourceError
from talking_head.live.unix_layer import UnixSocketChannelLayer
from talking_head.live.unix_sender import MAX_DATAGRAM_BYTES

SECONDS = 10.0  # the longest any test waits; none of them waits on purpose

SENDER = """
import sys
from talking_head.live.unix_layer import UnixSocketChannelLayer
layer = UnixSocketChannelLayer(run_dir=sys.argv[1])
for number in range(int(sys.argv[2])):
    layer.group_send_now("job.1", {"type": "job.event", "number": number, "jpeg": bytes([255, 0, number % 256])})
"""

SUBSCRIBER = """
import asyncio, sys
from talking_head.live.unix_layer import UnixSocketChannelLayer

async def main():
    layer = UnixSocketChannelLayer(run_dir=sys.argv[1])
    channel = await layer.new_channel()
    await layer.group_add("job.1", channel)
    print("ready", channel, flush=True)
    while True:
        print((await layer.receive(channel))["number"], flush=True)

asyncio.run(main())
"""


@pytest.fixture
async def layer(run_dir: Path) -> AsyncIterator[UnixSocketChannelLayer]:
    layer = UnixSocketChannelLayer(run_dir=run_dir, capacity=10)
    yield layer
    await layer.close()


@pytest.fixture
async def subscriber(run_dir: Path) -> AsyncIterator[subprocess.Popen[str]]:
    """Another process that watches job.1 and prints the numbers that it hears."""
    process = _python(SUBSCRIBER, str(run_dir))
    yield process
    process.kill()
    process.communicate()


def _python(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)


async def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), SECONDS)).strip()


async def _receive(layer: UnixSocketChannelLayer, channel: str) -> dict[str, Any]:
    return await asyncio.wait_for(layer.receive(channel), SECONDS)


async def _join(layer: UnixSocketChannelLayer, group: str = "job.1") -> str:
    channel = await layer.new_channel()
    await layer.group_add(group, channel)
    return channel


class TestInsideOneProcess:
    async def test_every_member_of_the_group_hears_it_and_nobody_else(self, layer: UnixSocketChannelLayer) -> None:
        members = [await _join(layer) for _ in range(3)]
        stranger = await _join(layer, "job.2")
        await layer.group_send("job.1", {"type": "hello", "jpeg": b"\xff\x00"})
        await layer.group_send("job.2", {"type": "other"})
        for member in members:
            assert await _receive(layer, member) == {"type": "hello", "jpeg": b"\xff\x00"}
        assert await _receive(layer, stranger) == {"type": "other"}

    async def test_who_left_hears_nothing_more(self, layer: UnixSocketChannelLayer) -> None:
        left, stayed = await _join(layer), await _join(layer)
        await layer.group_discard("job.1", left)
        await layer.group_send("job.1", {"type": "hello"})
        assert await _receive(layer, stayed) == {"type": "hello"}
        receiving = asyncio.ensure_future(layer.receive(left))
        await asyncio.sleep(0)
        assert not receiving.done()
        receiving.cancel()

    async def test_a_message_can_be_sent_to_one_channel(self, layer: UnixSocketChannelLayer) -> None:
        channel = await layer.new_channel()
        await layer.send(channel, {"type": "hello"})
        assert await _receive(layer, channel) == {"type": "hello"}

    async def test_receivers_get_dicts_of_their_own(self, layer: UnixSocketChannelLayer) -> None:
        one, two = await _join(layer), await _join(layer)
        await layer.group_send("job.1", {"type": "hello"})
        (await _receive(layer, one))["type"] = "changed"
        assert await _receive(layer, two) == {"type": "hello"}

    async def test_two_readers_of_one_channel_share_its_messages(self, layer: UnixSocketChannelLayer) -> None:
        channel = await layer.new_channel()
        readers = [asyncio.ensure_future(_receive(layer, channel)) for _ in range(2)]
        await asyncio.sleep(0)
        await layer.send(channel, {"type": "first"})
        await asyncio.sleep(0)
        await layer.send(channel, {"type": "second"})
        assert {message["type"] for message in await asyncio.gather(*readers)} == {"first", "second"}

    async def test_a_cancelled_receive_loses_nothing(self, layer: UnixSocketChannelLayer) -> None:
        channel = await _join(layer)
        receiving = asyncio.ensure_future(layer.receive(channel))
        await asyncio.sleep(0)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        await layer.group_send("job.1", {"type": "after"})
        assert await _receive(layer, channel) == {"type": "after"}

    async def test_flush_forgets_groups_and_messages(self, layer: UnixSocketChannelLayer) -> None:
        channel = await _join(layer)
        await layer.group_send("job.1", {"type": "before"})
        await layer.flush()
        await layer.group_send("job.1", {"type": "to nobody"})
        await layer.group_add("job.1", channel)
        await layer.group_send("job.1", {"type": "after"})
        assert await _receive(layer, channel) == {"type": "after"}

    @pytest.mark.parametrize("name", ["", "with space", "x" * 200, "slash/es"])
    async def test_bad_names_are_refused(self, layer: UnixSocketChannelLayer, name: str) -> None:
        with pytest.raises(TypeError):
            await layer.group_send(name, {"type": "hello"})
        with pytest.raises(TypeError):
            await layer.group_add(name, "channel")
        with pytest.raises(TypeError):
            await layer.send(name, {"type": "hello"})


class TestSlowReaders:
    async def test_a_full_group_mailbox_keeps_the_newest(self, layer: UnixSocketChannelLayer) -> None:
        channel = await _join(layer)
        for number in range(1_000):
            await layer.group_send("job.1", {"type": "job.event", "number": number})
        received = [(await _receive(layer, channel))["number"] for _ in range(10)]
        assert received == list(range(990, 1_000))

    async def test_a_full_channel_says_so(self, layer: UnixSocketChannelLayer) -> None:
        channel = await layer.new_channel()
        for _ in range(10):
            await layer.send(channel, {"type": "hello"})
        with pytest.raises(ChannelFull):
            await layer.send(channel, {"type": "one too many"})

    async def test_a_member_that_stopped_reading_is_given_up(self, run_dir: Path) -> None:
        layer = UnixSocketChannelLayer(run_dir=run_dir, capacity=3, expiry=0)
        channel = await _join(layer)
        for number in range(10):
            await layer.group_send("job.1", {"type": "job.event", "number": number})
        receiving = asyncio.ensure_future(layer.receive(channel))
        await asyncio.sleep(0)
        await layer.group_send("job.1", {"type": "job.event", "number": 11})
        assert not receiving.done()
        receiving.cancel()
        await layer.close()


class TestAcrossProcesses:
    async def test_a_process_without_a_loop_reaches_subscribers_elsewhere(
        self, layer: UnixSocketChannelLayer, run_dir: Path
    ) -> None:
        channel = await _join(layer)
        sender = _python(SENDER, str(run_dir), "5")
        messages = [await _receive(layer, channel) for _ in range(5)]
        sender.communicate()
        assert [message["number"] for message in messages] == [0, 1, 2, 3, 4]
        assert messages[4]["jpeg"] == bytes([255, 0, 4])

    async def test_one_broadcast_reaches_own_and_foreign_subscribers(
        self, layer: UnixSocketChannelLayer, subscriber: subprocess.Popen[str]
    ) -> None:
        channel = await _join(layer)
        assert (await _line(subscriber)).startswith("ready")
        await layer.group_send("job.1", {"type": "job.event", "number": 7})
        assert (await _receive(layer, channel))["number"] == 7
        assert await _line(subscriber) == "7"

    async def test_a_channel_of_another_process_can_be_addressed(
        self, layer: UnixSocketChannelLayer, subscriber: subprocess.Popen[str]
    ) -> None:
        channel = (await _line(subscriber)).split()[1]
        await layer.send(channel, {"type": "job.event", "number": 3})
        assert await _line(subscriber) == "3"

    async def test_other_groups_do_not_reach_it(
        self, layer: UnixSocketChannelLayer, subscriber: subprocess.Popen[str]
    ) -> None:
        await _line(subscriber)
        for number in range(100):
            await layer.group_send(f"job.other-{number}", {"type": "job.event", "number": number})
        await layer.group_send("job.1", {"type": "job.event", "number": -1})
        assert await _line(subscriber) == "-1"

    async def test_the_socket_of_a_killed_process_is_removed_and_the_others_still_hear(
        self, layer: UnixSocketChannelLayer, run_dir: Path, subscriber: subprocess.Popen[str]
    ) -> None:
        channel = await _join(layer)
        await _line(subscriber)
        assert len(list(run_dir.glob("*.sock"))) == 2
        subscriber.kill()
        subscriber.wait(SECONDS)
        await layer.group_send("job.1", {"type": "job.event", "number": 1})
        assert (await _receive(layer, channel))["number"] == 1
        assert len(list(run_dir.glob("*.sock"))) == 1

    async def test_a_peer_that_does_not_read_blocks_neither_sender_nor_others(
        self, layer: UnixSocketChannelLayer, run_dir: Path, subscriber: subprocess.Popen[str]
    ) -> None:
        await _line(subscriber)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stopped:  # accepts nothing, reads nothing
            stopped.bind(str(run_dir / "0-stopped.sock"))
            stopped.listen()
            while layer._peers.send_to("0-stopped", bytes(50_000)):
                pass  # until nothing more fits
            await layer.group_send("job.1", {"type": "job.event", "number": 9})
            assert await _line(subscriber) == "9"

    async def test_what_is_too_large_for_a_datagram_still_reaches_the_own_process(
        self, layer: UnixSocketChannelLayer, subscriber: subprocess.Popen[str]
    ) -> None:
        channel = await _join(layer)
        await _line(subscriber)
        await layer.group_send("job.1", {"type": "job.event", "number": 1, "jpeg": bytes(MAX_DATAGRAM_BYTES)})
        await layer.group_send("job.1", {"type": "job.event", "number": 2})
        assert await _line(subscriber) == "2"
        assert [(await _receive(layer, channel))["number"] for _ in range(2)] == [1, 2]

    async def test_garbage_on_the_socket_is_ignored(self, layer: UnixSocketChannelLayer, run_dir: Path) -> None:
        channel = await _join(layer)
        (path,) = run_dir.glob("*.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sender:
            sender.connect(str(path))
            for datagram in (b"\xc1", b"not msgpack", b"\x93\x01\x02\x03", b"\x00" * 1000, b"\xdd\xff\xff\xff\xff"):
                sender.send(datagram)
            sender.send(msgpack.packb(("group", "job.1", {"type": "valid"})))
        assert await _receive(layer, channel) == {"type": "valid"}

    async def test_a_forked_child_neither_removes_nor_keeps_the_parents_socket(
        self, layer: UnixSocketChannelLayer, run_dir: Path
    ) -> None:
        await _join(layer)
        (path,) = run_dir.glob("*.sock")
        child = os.fork()
        if child == 0:
            layer.close_now()
            os._exit(0 if path.exists() and not layer._hubs else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert path.exists()

    async def test_a_socket_that_was_cleaned_away_comes_back_with_the_next_viewer(
        self, layer: UnixSocketChannelLayer, run_dir: Path
    ) -> None:
        await _join(layer)
        (path,) = run_dir.glob("*.sock")
        path.unlink()
        channel = await _join(layer)
        sender = _python(SENDER, str(run_dir), "1")
        assert (await _receive(layer, channel))["number"] == 0
        sender.communicate()

    async def test_a_socket_that_was_opened_anew_is_reached_by_who_knew_the_old_one(
        self, layer: UnixSocketChannelLayer, run_dir: Path
    ) -> None:
        other = UnixSocketChannelLayer(run_dir=run_dir)
        channel = await _join(layer)
        other._peers.send_to_all(msgpack.packb(("group", "job.1", {"type": "before"})), except_name="")
        assert await _receive(layer, channel) == {"type": "before"}
        (path,) = run_dir.glob("*.sock")
        path.unlink()
        await layer.group_add("job.1", channel)
        other._peers.send_to_all(msgpack.packb(("group", "job.1", {"type": "after"})), except_name="")
        assert await _receive(layer, channel) == {"type": "after"}

    async def test_closing_leaves_no_socket_behind(self, layer: UnixSocketChannelLayer, run_dir: Path) -> None:
        await _join(layer)
        await layer.close()
        assert list(run_dir.iterdir()) == []


class TestListeners:
    """Senders ask first whether a message would reach a receiver: building one costs more than asking."""

    async def test_of_the_own_process(self, layer: UnixSocketChannelLayer) -> None:
        assert not layer.has_listeners("job.1")
        channel = await _join(layer)
        assert layer.has_listeners("job.1")
        assert not layer.has_listeners("job.2")
        await layer.group_discard("job.1", channel)
        assert not layer.has_listeners("job.1")

    async def test_of_another_process(
        self, layer: UnixSocketChannelLayer, subscriber: subprocess.Popen[str], run_dir: Path
    ) -> None:
        await _line(subscriber)
        sender = UnixSocketChannelLayer(run_dir=run_dir)
        assert sender.has_listeners("job.1")
        assert not sender.has_listeners("job.2")

    async def test_a_killed_process_is_no_listener_after_one_message(
        self, layer: UnixSocketChannelLayer, subscriber: subprocess.Popen[str], run_dir: Path
    ) -> None:
        await _line(subscriber)
        subscriber.kill()
        subscriber.wait(SECONDS)
        sender = UnixSocketChannelLayer(run_dir=run_dir)
        sender.group_send_now("job.1", {"type": "hello"})
        assert not sender.has_listeners("job.1")
        assert list(run_dir.glob("*.groups")) == []

    async def test_one_member_of_two_leaves(self, layer: UnixSocketChannelLayer, run_dir: Path) -> None:
        first, _second = await _join(layer), await _join(layer)
        await layer.group_discard("job.1", first)
        assert UnixSocketChannelLayer(run_dir=run_dir).has_listeners("job.1")

    async def test_a_cleaned_run_folder_shows_them_again_with_the_next_viewer(
        self, layer: UnixSocketChannelLayer, run_dir: Path
    ) -> None:
        await _join(layer)
        shutil.rmtree(run_dir)
        sender = UnixSocketChannelLayer(run_dir=run_dir)
        assert not sender.has_listeners("job.1")
        await _join(layer, "job.2")
        assert sender.has_listeners("job.1")
        assert sender.has_listeners("job.2")

    async def test_without_a_run_folder_there_are_none(self, tmp_path: Path) -> None:
        assert not UnixSocketChannelLayer(run_dir=tmp_path / "missing").has_listeners("job.1")


class TestRunFolder:
    async def test_it_is_made_for_its_owner_alone(self, layer: UnixSocketChannelLayer, run_dir: Path) -> None:
        await _join(layer)
        assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700

    async def test_a_folder_that_others_may_enter_is_refused(
        self, layer: UnixSocketChannelLayer, run_dir: Path
    ) -> None:
        run_dir.mkdir()
        run_dir.chmod(0o755)
        with pytest.raises(ResourceError) as caught:
            await _join(layer)
        assert caught.value.code == "run_dir_refused"

    async def test_a_link_under_its_name_is_refused(self, layer: UnixSocketChannelLayer, run_dir: Path) -> None:
        elsewhere = run_dir.with_name("elsewhere")
        elsewhere.mkdir(mode=0o700)
        run_dir.symlink_to(elsewhere)
        with pytest.raises(ResourceError) as caught:
            await _join(layer)
        assert caught.value.code == "run_dir_refused"

    async def test_somebody_elses_folder_is_refused_and_told_nothing(
        self, layer: UnixSocketChannelLayer, run_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run_dir.mkdir(mode=0o700)
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as spy:
            spy.bind(str(run_dir / "0-spy.sock"))
            spy.listen()
            layer.group_send_now("job.1", {"type": "secret"})
            with pytest.raises(BlockingIOError):
                spy.accept()
        with pytest.raises(ResourceError) as caught:
            await _join(layer)
        assert caught.value.code == "run_dir_refused"

    async def test_a_path_too_long_for_a_socket_says_so(self, run_dir: Path) -> None:
        layer = UnixSocketChannelLayer(run_dir=run_dir / ("x" * 100))
        with pytest.raises(ResourceError) as caught:
            await _join(layer)
        assert caught.value.code == "run_dir_too_long"

    async def test_sending_without_any_listener_is_silent(self, layer: UnixSocketChannelLayer, run_dir: Path) -> None:
        layer.group_send_now("job.1", {"type": "hello"})
        assert not run_dir.exists()
