"""Live messages between the processes of one machine, without a server: datagrams over Unix sockets.

Every event loop that has subscribers owns a hub (:mod:`talking_head.live.unix_receiver`) with a socket in the run
folder. A group message is put into the sender's own mailboxes and sent as one datagram to each of the other sockets
(:mod:`talking_head.live.unix_sender`), whose hubs put it into their own mailboxes. Senders need neither a loop nor a
socket of their own: a synchronous worker broadcasts with ``group_send_now``.

The sockets are of type SEQPACKET, which preserves message boundaries like DGRAM but bounds the unread messages by
bytes. DGRAM would also bound their number, and Linux's default for that is 10 (net.unix.max_dgram_qlen), which a busy
second exceeds.

Lossy by design: a datagram that does not fit, or whose receiver does not keep up, is dropped and no sender ever waits.
The database is authoritative and ``seq`` shows the gap (see :mod:`talking_head.live.consumers`). For several machines
use Redis (``REDIS_URL``).

The interface is that of Channels' layer specification with its ``groups`` and ``flush`` extensions:
https://channels.readthedocs.io/en/latest/channel_layer_spec.html
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import secrets
import threading
import weakref
from pathlib import Path
from typing import Any

import msgpack
from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer

from talking_head.errors import ResourceError
from talking_head.live.unix_receiver import Message, SocketReceiver
from talking_head.live.unix_sender import SocketSender

_layers: weakref.WeakSet[UnixSocketChannelLayer] = weakref.WeakSet()


class UnixSocketChannelLayer(BaseChannelLayer):
    """A channel layer over Unix sockets; see the module's docstring.

    Args:
        run_dir: folder of the sockets, created on demand with mode 0700; short, a socket's path has at most 107 bytes.
        expiry: seconds after which a full mailbox without a reader is removed.
        capacity: messages that a mailbox holds. A group drops the oldest, :meth:`send` raises ``ChannelFull``.
    """

    extensions = ["groups", "flush"]

    def __init__(
        self, run_dir: str | Path, expiry: float = 60, capacity: int = 100, channel_capacity: Any = None
    ) -> None:
        super().__init__(expiry=expiry, capacity=capacity)
        self.channel_capacity = self.compile_capacities(channel_capacity or {})
        self.run_dir = Path(run_dir)
        self._hubs: dict[asyncio.AbstractEventLoop, SocketReceiver] = {}
        self._peers = SocketSender(self.run_dir)
        self._lock = threading.Lock()
        _layers.add(self)

    # --- channels ---

    async def new_channel(self, prefix: str = "specific") -> str:
        """Return a name that reaches its mailbox from every process, because it contains the name of the socket."""
        hub = self._hub()
        with contextlib.suppress(ResourceError, OSError):  # without a socket it still works inside this loop
            hub.listen()
        return f"{prefix}.{hub.name}!{secrets.token_hex(6)}"

    async def send(self, channel: str, message: Message) -> None:
        """Send a message to one channel.

        Raises:
            ChannelFull: the mailbox, or the connection to its process, is full.
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
        """Add a channel to a group.

        Raises:
            ResourceError: the run folder cannot be used.
        """
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        self._hub().join(group, channel)

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
        """Send like :meth:`group_send`, for callers without an event loop. Never blocks; drops what does not fit."""
        if not isinstance(message, dict):
            raise TypeError("A message must be a dict.")
        self.require_valid_group_name(group)
        hub = self._running_hub()
        if hub is not None:
            hub.deliver_to_group(group, message)
        self._peers.send_to_all(msgpack.packb(("group", group, message)), except_name=hub.name if hub else "")

    def has_listeners(self, group: str) -> bool:
        """Return whether a channel of this or another process of the machine is in the group. One that joins during the
        call may be missed."""
        if any(group in hub.groups for hub in list(self._hubs.values())):
            return True
        hub = self._running_hub()
        return self._peers.has_listeners(group, except_name=hub.name if hub else "")

    # --- upkeep ---

    async def flush(self) -> None:
        for hub in self._hubs.values():
            hub.mailboxes.clear()
            hub.forget_groups()

    async def close(self) -> None:
        self.close_now()

    def close_now(self) -> None:
        """Remove every socket of this process."""
        with self._lock:
            while self._hubs:
                self._hubs.popitem()[1].stop_listening()
        self._peers.close()

    def abandon(self) -> None:
        """Discard the inherited state in a forked child: it belongs to the parent."""
        for hub in self._hubs.values():
            hub.abandon()
        self._hubs = {}
        self._lock = threading.Lock()  # the inherited one may be held by a thread that does not exist here
        self._peers.abandon()
        self._peers = SocketSender(self.run_dir)

    def _running_hub(self) -> SocketReceiver | None:
        try:
            return self._hubs.get(asyncio.get_running_loop())
        except RuntimeError:
            return None

    def _hub(self) -> SocketReceiver:
        loop = asyncio.get_running_loop()
        hub = self._hubs.get(loop)
        if hub is None:
            with self._lock:
                for closed_loop in [other for other in self._hubs if other.is_closed()]:
                    self._hubs.pop(closed_loop).stop_listening()
                hub = self._hubs[loop] = SocketReceiver(self, loop)
        return hub


def _abandon_all() -> None:
    for layer in list(_layers):
        layer.abandon()


def _close_all() -> None:
    for layer in list(_layers):
        layer.close_now()


os.register_at_fork(after_in_child=_abandon_all)
atexit.register(_close_all)
