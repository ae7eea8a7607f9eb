"""Sending to the sockets of the run folder: the counterpart of :mod:`talking_head.live.unix_receiver`. Never waits."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import threading
from pathlib import Path

from talking_head.files.runtime_dir import is_private_folder

logger = logging.getLogger(__name__)

SUFFIX = ".sock"
GROUPS_SUFFIX = ".groups"  # of the folder beside a socket, with an empty file for each group that it listens to
# What a receiver has not read yet counts against the sender's buffer. Linux's default is 208 KiB
# (net.core.wmem_default), and it doubles a requested size up to its limit; a datagram must leave room for others.
SEND_BUFFER_BYTES = 500_000
MAX_DATAGRAM_BYTES = 100_000


class SocketSender:
    """The connections to the sockets of the other loops and processes, one each: what a receiver has not read counts
    against its own connection's buffer, so a stopped process cannot block the others."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._connections: dict[str, socket.socket] = {}
        self._lock = threading.Lock()  # workers broadcast from several threads

    def send_to_all(self, datagram: bytes, except_name: str) -> None:
        if len(datagram) > MAX_DATAGRAM_BYTES:
            logger.debug("A message of %d bytes is too large for other processes.", len(datagram))
            return
        with self._lock:
            names = self._socket_names()
            for name in self._connections.keys() - names:
                self._connections.pop(name).close()
            for name in names - {except_name}:
                self._send(name, datagram)

    def send_to(self, name: str, datagram: bytes) -> bool:
        """Send to one socket; return False when the message was dropped."""
        with self._lock:
            return len(datagram) <= MAX_DATAGRAM_BYTES and self._send(name, datagram)

    def has_listeners(self, group: str, except_name: str) -> bool:
        """Return whether another socket listens to the group; costs reading a small folder, no message."""
        names = self._socket_names() - {except_name}
        return any((self._run_dir / (name + GROUPS_SUFFIX) / group).exists() for name in names)

    def close(self) -> None:
        with self._lock:
            while self._connections:
                self._connections.popitem()[1].close()

    def abandon(self) -> None:
        """Close the connections in a forked child, where the lock may be held by a thread that was not forked."""
        for connection in self._connections.values():
            connection.close()

    def _socket_names(self) -> set[str]:
        try:
            if not is_private_folder(self._run_dir):
                return set()  # the folder belongs to another user: send nothing there
            return {path.stem for path in self._run_dir.iterdir() if path.suffix == SUFFIX}
        except OSError:  # no receiver has created the folder yet
            return set()

    def _send(self, name: str, datagram: bytes) -> bool:
        path = self._run_dir / (name + SUFFIX)
        for _attempt in range(2):
            try:
                connection = self._connections.get(name) or self._connect(name, path)
                connection.send(datagram)
                return True
            except BlockingIOError:  # the receiver does not keep up
                return False
            except (BrokenPipeError, ConnectionResetError):  # closed for good, or reopened under the same name
                self._disconnect(name)
            except ConnectionRefusedError:  # its process ended without removing the socket
                path.unlink(missing_ok=True)
                shutil.rmtree(path.with_suffix(GROUPS_SUFFIX), ignore_errors=True)
                return False
            except OSError as error:
                self._disconnect(name)
                logger.debug("A message to %s was dropped: %s", name, error.strerror)
                return False
        return False

    def _disconnect(self, name: str) -> None:
        connection = self._connections.pop(name, None)
        if connection is not None:
            connection.close()

    def _connect(self, name: str, path: Path) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            connection.connect(os.fspath(path))
        except OSError:
            connection.close()
            raise
        self._connections[name] = connection
        return connection
