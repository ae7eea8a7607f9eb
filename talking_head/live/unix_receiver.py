"""Receiving from the sockets of the run folder: the counterpart of :mod:`talking_head.live.unix_sender`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import msgpack
from channels.exceptions import ChannelFull

from talking_head.errors import ResourceError
from talking_head.files.runtime_dir import private_folder
from talking_head.live.unix_sender import GROUPS_SUFFIX, MAX_DATAGRAM_BYTES, SUFFIX

if TYPE_CHECKING:
    from talking_head.live.unix_layer import UnixSocketChannelLayer

logger = logging.getLogger(__name__)

Message = dict[str, Any]

MAX_SOCKET_PATH_BYTES = 107  # sun_path of unix(7), less the terminating zero
MAX_PENDING_CONNECTIONS = 128
DATAGRAMS_PER_WAKEUP = 64  # then the event loop does other work


class Mailbox:
    """The unread messages of one channel, bounded because its reader may never fetch them."""

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


class SocketReceiver:
    """The subscribers of one event loop and the socket through which other processes reach them."""

    def __init__(self, layer: UnixSocketChannelLayer, loop: asyncio.AbstractEventLoop) -> None:
        self.layer = layer
        self.loop = loop
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self.mailboxes: dict[str, Mailbox] = {}
        self.groups: dict[str, set[str]] = {}
        self.path = layer.run_dir / (self.name + SUFFIX)
        self.groups_folder = self.path.with_suffix(GROUPS_SUFFIX)
        self.socket: socket.socket | None = None
        self.connections: set[socket.socket] = set()  # one per process that has sent a message

    def listen(self) -> None:
        """Bind the socket, and bind it again if its file was removed.

        Raises:
            ResourceError: the folder cannot be used, or its path is too long for a socket.
        """
        if self.socket is not None and self.path.exists():
            return
        self.stop_listening()
        private_folder(self.layer.run_dir)
        if len(os.fsencode(self.path)) > MAX_SOCKET_PATH_BYTES:
            raise ResourceError(
                "The path of the run folder is too long for a socket.",
                code="run_dir_too_long",
                hint=f"Set RUN_DIR to a path of at most {MAX_SOCKET_PATH_BYTES - len(self.path.name) - 1} bytes.",
                permanent=True,
            )
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        # Bound under a name without the suffix and then renamed: otherwise a sender could find the file before it is
        # ready, take this process for dead and remove the file.
        unpublished_path = self.path.with_suffix("")
        try:
            for group in self.groups:
                self._show(group)
            listener.bind(os.fspath(unpublished_path))
            listener.listen(MAX_PENDING_CONNECTIONS)
            unpublished_path.rename(self.path)
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
        shutil.rmtree(self.groups_folder, ignore_errors=True)

    def _show(self, group: str) -> None:
        """Show senders that this socket listens to the group: they build no message that would reach no viewer."""
        self.groups_folder.mkdir(mode=0o700, exist_ok=True)
        (self.groups_folder / group).touch()

    def abandon(self) -> None:
        """Close the sockets without touching the file or the loop, which a forked child shares with its parent."""
        for connection in self.connections:
            connection.close()
        self.connections.clear()
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _accept(self) -> None:
        try:
            connection = self.socket.accept()[0] if self.socket else None
        except OSError:  # the sender has already disconnected, or this process has no file descriptor left
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
            if not datagram:  # the sender disconnected
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
        """Deliver to the group's channels; the newest messages win: a reader that lags sees the gap and requests a
        snapshot."""
        for channel in list(self.groups.get(group, ())):
            mailbox = self.mailbox(channel)
            if len(mailbox.messages) >= self.layer.get_capacity(channel):
                if mailbox.is_abandoned(self.layer.expiry):
                    self.remove_channel(channel)  # its reader has gone without leaving the group
                    continue
                mailbox.messages.popleft()
            mailbox.put(message)

    def deliver(self, channel: str, message: Message) -> None:
        mailbox = self.mailbox(channel)
        if len(mailbox.messages) >= self.layer.get_capacity(channel):
            raise ChannelFull(channel)
        mailbox.put(message)

    def mailbox(self, channel: str) -> Mailbox:
        mailbox = self.mailboxes.get(channel)
        if mailbox is None:
            mailbox = self.mailboxes[channel] = Mailbox()
        return mailbox

    def join(self, group: str, channel: str) -> None:
        """Add a channel to a group.

        Raises:
            ResourceError, OSError: the run folder cannot be used.
        """
        self.listen()
        if group not in self.groups:
            self._show(group)
        self.groups.setdefault(group, set()).add(channel)

    def leave(self, group: str, channel: str) -> None:
        members = self.groups.get(group)
        if members:
            members.discard(channel)
            if not members:
                self._forget_group(group)

    def forget_groups(self) -> None:
        for group in list(self.groups):
            self._forget_group(group)

    def _forget_group(self, group: str) -> None:
        del self.groups[group]
        with contextlib.suppress(OSError):  # left behind, it only costs messages that no process receives
            (self.groups_folder / group).unlink(missing_ok=True)

    def remove_channel(self, channel: str) -> None:
        self.mailboxes.pop(channel, None)
        for group in list(self.groups):
            self.leave(group, channel)
