"""Live messages between the processes of one machine, without a server: datagrams over Unix sockets.

Every event loop that has subscribers owns a :class:`_Hub` with a socket in the run folder. A group message is put into
the sender's own mailboxes and sent as one datagram to each of the other sockets, whose hubs put it into theirs.
Senders need neither a loop nor a socket of their own: a synchronous worker broadcasts with ``group_send_now``.

The sockets are of type SEQPACKET, which keeps the boundaries of messages like DGRAM but bounds what waits by bytes.
DGRAM would also bound it by count, and Linux's own default for that is 10 (net.unix.max_dgram_qlen): a busy second.

Lossy by design: a datagram that does not fit, or whose receiver does not keep up, is dropped and nobody ever waits.
The database holds the truth and ``seq`` shows the gap (see :mod:`talking_head.consumers`). For several machines use
Redis (``REDIS_URL``).

The interface is the one of Channels' layer specification with its ``groups`` and ``flush`` extensions:
https://channels.readthedocs.io/en/latest/channel_layer_spec.html
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import secrets
import socket
import threading
import time
import weakref
from collections import deque
from pathlib import Path
from typing import Any

import msgpack
from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer

from talking_head.datagram_peers import MAX_DATAGRAM_BYTES, SUFFIX, Peers
from talking_head.errors import ResourceError
from talking_head.run_dir import private_folder

logger = logging.getLogger(__name__)

Message = dict[str, Any]

MAX_SOCKET_PATH_BYTES = 107  # sun_path of unix(7), less the closing zero
WAITING_CONNECTIONS = 128
DATAGRAMS_PER_WAKEUP = 64  # then the loop's other work gets its turn


class _Mailbox:
    """What waits for one channel. Messages that nobody fetches are the reason why it is bounded."""

    __slots__ = ("arrived", "last_read", "messages", "readers")

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()
        self.arrived = asyncio.Event()
        self.readers = 0
        self.last_read = time.monotonic()

    def put(self, message: Message) -> None:
        self.messages.append(dict(message))  # every reader gets a dict of its own
        self.arrived.set()

    async def get(self) -> Message:
        self.readers += 1
        try:
            while not self.messages:
                self.arrived.clear()
                await self.arrived.wait()
            return self.messages.popleft()
        finally:
            self.readers -= 1
            self.last_read = time.monotonic()

    def is_abandoned(self, expiry_seconds: float) -> bool:
        return not self.readers and time.monotonic() - self.last_read > expiry_seconds


class _Hub:
    """The subscribers of one event loop and the socket through which other processes reach them."""

    def __init__(self, layer: DatagramChannelLayer, loop: asyncio.AbstractEventLoop) -> None:
        self.layer = layer
        self.loop = loop
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self.mailboxes: dict[str, _Mailbox] = {}
        self.groups: dict[str, set[str]] = {}
        self.path = layer.run_dir / (self.name + SUFFIX)
        self.socket: socket.socket | None = None
        self.connections: set[socket.socket] = set()  # one from every process that ever sent something

    def listen(self) -> None:
        """Binds the socket; again when something cleaned it away.

        Raises:
            ResourceError: the folder cannot be used, or its name is too long for a socket.
        """
        if self.socket is not None and self.path.exists():
            return
        self.stop_listening()
        private_folder(self.layer.run_dir)
        if len(os.fsencode(self.path)) > MAX_SOCKET_PATH_BYTES:
            raise ResourceError(
                "The name of the run folder is too long for a socket.",
                code="run_dir_too_long",
                hint=f"Set RUN_DIR to a path of at most {MAX_SOCKET_PATH_BYTES - len(self.path.name) - 1} bytes.",
                permanent=True,
            )
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        # Bound under a name without the suffix and renamed: a sender never meets the instant between the file's
        # creation and its readiness, in which it would take us for dead and remove the file.
        unborn = self.path.with_suffix("")
        try:
            listener.bind(os.fspath(unborn))
            listener.listen(WAITING_CONNECTIONS)
            unborn.rename(self.path)
        except OSError:
            listener.close()
            raise
        self.socket = listener
        self.loop.add_reader(listener.fileno(), self._accept)

    def stop_listening(self) -> None:
        if self.socket is None:
            return
        for open_socket in (self.socket, *self.connections):
            if not self.loop.is_closed():
                self.loop.remove_reader(open_socket.fileno())
        self.abandon()
        self.path.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Lets go of the sockets without touching the file or the loop, which a forked child shares with its parent."""
        for connection in self.connections:
            connection.close()
        self.connections.clear()
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _accept(self) -> None:
        try:
            connection = self.socket.accept()[0] if self.socket else None
        except OSError:  # the sender is gone again, or this process has no file descriptor left
            return
        if connection is not None:
            connection.setblocking(False)
            self.connections.add(connection)
            self.loop.add_reader(connection.fileno(), self._read, connection)

    def _read(self, connection: socket.socket) -> None:
        for _ in range(DATAGRAMS_PER_WAKEUP):
            try:
                datagram = connection.recv(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                datagram = b""
            if not datagram:  # the sender ended
                self.loop.remove_reader(connection.fileno())
                self.connections.discard(connection)
                connection.close()
                return
            self._deliver_datagram(datagram)

    def _deliver_datagram(self, datagram: bytes) -> None:
        try:
            kind, target, message = msgpack.unpackb(datagram)
        except (ValueError, TypeError, msgpack.UnpackException):
            kind, target, message = "", "", None
        if not isinstance(message, dict) or not isinstance(target, str):
            logger.debug("A datagram of another version was ignored.")
        elif kind == "group":
            self.deliver_to_group(target, message)
        elif kind == "channel":
            with contextlib.suppress(ChannelFull):
                self.deliver(target, message)

    def deliver_to_group(self, group: str, message: Message) -> None:
        """The newest messages win: whoever lags sees the gap in what is left and asks for the whole."""
        for channel in list(self.groups.get(group, ())):
            mailbox = self.mailbox(channel)
            if len(mailbox.messages) >= self.layer.get_capacity(channel):
                if mailbox.is_abandoned(self.layer.expiry):
                    self.forget(channel)  # its reader is gone without saying goodbye
                    continue
                mailbox.messages.popleft()
            mailbox.put(message)

    def deliver(self, channel: str, message: Message) -> None:
        mailbox = self.mailbox(channel)
        if len(mailbox.messages) >= self.layer.get_capacity(channel):
            raise ChannelFull(channel)
        mailbox.put(message)

    def mailbox(self, channel: str) -> _Mailbox:
        mailbox = self.mailboxes.get(channel)
        if mailbox is None:
            mailbox = self.mailboxes[channel] = _Mailbox()
        return mailbox

    def leave(self, group: str, channel: str) -> None:
        members = self.groups.get(group)
        if members:
            members.discard(channel)
            if not members:
                del self.groups[group]

    def forget(self, channel: str) -> None:
        self.mailboxes.pop(channel, None)
        for group in list(self.groups):
            self.leave(group, channel)


_layers: weakref.WeakSet[DatagramChannelLayer] = weakref.WeakSet()


class DatagramChannelLayer(BaseChannelLayer):
    """See the module's description.

    Args:
        run_dir: folder of the sockets, made on demand with mode 0700; short, a socket's path has at most 107 bytes.
        expiry: seconds after which a full mailbox that nobody reads is given up.
        capacity: messages a mailbox holds. A group drops the oldest, :meth:`send` raises ``ChannelFull``.
    """

    extensions = ["groups", "flush"]

    def __init__(
        self, run_dir: str | Path, expiry: float = 60, capacity: int = 100, channel_capacity: Any = None
    ) -> None:
        super().__init__(expiry=expiry, capacity=capacity)
        self.channel_capacity = self.compile_capacities(channel_capacity or {})
        self.run_dir = Path(run_dir)
        self._hubs: dict[asyncio.AbstractEventLoop, _Hub] = {}
        self._peers = Peers(self.run_dir)
        self._lock = threading.Lock()
        _layers.add(self)

    # --- channels ---

    async def new_channel(self, prefix: str = "specific") -> str:
        """A name that reaches its mailbox from every process, because it carries the name of the socket."""
        hub = self._hub()
        with contextlib.suppress(ResourceError, OSError):  # without a socket it still works inside this loop
            hub.listen()
        return f"{prefix}.{hub.name}!{secrets.token_hex(6)}"

    async def send(self, channel: str, message: Message) -> None:
        """Raises:
        ChannelFull: the mailbox, or the way to its process, is full.
        """
        if not isinstance(message, dict):
            raise TypeError("A message must be a dict.")
        self.require_valid_channel_name(channel)
        hub = self._hub()
        owner = channel.partition("!")[0].rpartition(".")[2] if "!" in channel else hub.name
        if owner == hub.name:
            hub.deliver(channel, message)
        elif not self._peers.send_to(owner, msgpack.packb(("channel", channel, message))):
            raise ChannelFull(channel)

    async def receive(self, channel: str) -> Message:
        self.require_valid_channel_name(channel)
        hub = self._hub()
        mailbox = hub.mailbox(channel)
        try:
            return await mailbox.get()
        finally:
            if not mailbox.messages and not mailbox.readers and hub.mailboxes.get(channel) is mailbox:
                del hub.mailboxes[channel]

    # --- groups ---

    async def group_add(self, group: str, channel: str) -> None:
        """Raises:
        ResourceError: the run folder cannot be used.
        """
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        hub = self._hub()
        hub.listen()
        hub.groups.setdefault(group, set()).add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        hub = self._hub()
        hub.leave(group, channel)
        if not any(channel in members for members in hub.groups.values()):
            hub.mailboxes.pop(channel, None)

    async def group_send(self, group: str, message: Message) -> None:
        self.group_send_now(group, message)

    def group_send_now(self, group: str, message: Message) -> None:
        """:meth:`group_send` for callers without an event loop. Never blocks, drops what does not fit."""
        if not isinstance(message, dict):
            raise TypeError("A message must be a dict.")
        self.require_valid_group_name(group)
        hub = self._running_hub()
        if hub is not None:
            hub.deliver_to_group(group, message)
        self._peers.send_to_all(msgpack.packb(("group", group, message)), except_name=hub.name if hub else "")

    # --- upkeep ---

    async def flush(self) -> None:
        for hub in self._hubs.values():
            hub.mailboxes.clear()
            hub.groups.clear()

    async def close(self) -> None:
        self.close_now()

    def close_now(self) -> None:
        """Removes every socket of this process."""
        with self._lock:
            while self._hubs:
                self._hubs.popitem()[1].stop_listening()
        self._peers.close()

    def abandon(self) -> None:
        """In a forked child: what was inherited belongs to the parent."""
        for hub in self._hubs.values():
            hub.abandon()
        self._hubs = {}
        self._lock = threading.Lock()  # the inherited ones may be held by a thread that does not exist here
        self._peers.abandon()
        self._peers = Peers(self.run_dir)

    def _running_hub(self) -> _Hub | None:
        try:
            return self._hubs.get(asyncio.get_running_loop())
        except RuntimeError:
            return None

    def _hub(self) -> _Hub:
        loop = asyncio.get_running_loop()
        hub = self._hubs.get(loop)
        if hub is None:
            with self._lock:
                for ended in [other for other in self._hubs if other.is_closed()]:
                    self._hubs.pop(ended).stop_listening()
                hub = self._hubs[loop] = _Hub(self, loop)
        return hub


def _abandon_all() -> None:
    for layer in list(_layers):
        layer.abandon()


def _close_all() -> None:
    for layer in list(_layers):
        layer.close_now()


os.register_at_fork(after_in_child=_abandon_all)
atexit.register(_close_all)
