"""Answers and sockets wait for clients that read slowly, instead of piling up in the server's memory."""

from __future__ import annotations

import base64
import http.client
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.edu_platform.slow_client_app import BLOCK, BLOCKS

SECONDS = 30.0
FLAT_BYTES = 50_000_000  # a fifth of what is sent


class Server:
    """Daphne in a process of its own, on a socket in a folder."""

    def __init__(self, folder: str) -> None:
        self.path = Path(folder) / "web.sock"
        application = "tests.edu_platform.slow_client_app:application"
        words = [sys.executable, "-m", "daphne", "-v", "0", "-u", str(self.path), application]
        self.process = subprocess.Popen(words)
        deadline = time.monotonic() + SECONDS
        while not self._listens():
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        self.memory_bytes = self._memory()

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        try:
            connection.connect(str(self.path))
        except OSError:
            connection.close()
            raise
        return connection

    def ask(self, request: bytes) -> socket.socket:
        connection = self.connect()
        connection.sendall(request)
        return connection

    def waits_for_its_client(self) -> bool:
        """Answered once the application was made to wait."""
        with self.ask(b"GET /waits HTTP/1.0\r\n\r\n") as connection:
            return connection.makefile("rb").read().endswith(b"yes")

    def grew_bytes(self) -> int:
        return self._memory() - self.memory_bytes

    def _listens(self) -> bool:
        try:
            self.connect().close()
        except OSError:
            return False
        return True

    def _memory(self) -> int:
        return psutil.Process(self.process.pid).memory_info().rss


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="flow-") as folder:
        server = Server(folder)
        yield server
        server.process.kill()
        server.process.communicate()


def test_a_slow_download_costs_no_memory_and_arrives_whole(server: Server) -> None:
    with server.ask(b"GET /file HTTP/1.0\r\n\r\n") as connection:
        assert server.waits_for_its_client()
        assert server.grew_bytes() < FLAT_BYTES
        response = http.client.HTTPResponse(connection)
        response.begin()
        received = 0
        while block := response.read(1 << 20):
            received += len(block)
        assert received == BLOCKS * len(BLOCK)
        assert server.grew_bytes() < FLAT_BYTES


def test_a_sleeping_socket_costs_no_memory(server: Server) -> None:
    key = base64.b64encode(b"0123456789abcdef")
    headers = (
        b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    )
    with server.ask(b"GET / HTTP/1.1\r\n" + headers + key + b"\r\n\r\n") as connection:
        assert connection.recv(12) == b"HTTP/1.1 101"
        assert server.waits_for_its_client()
        assert server.grew_bytes() < FLAT_BYTES


def test_a_client_that_hangs_up_while_it_is_waited_for_leaves_nothing_behind(server: Server) -> None:
    with server.ask(b"GET /file HTTP/1.0\r\n\r\n"):
        assert server.waits_for_its_client()
    with server.ask(b"GET /waits HTTP/1.0\r\n\r\n") as connection:
        assert connection.makefile("rb").read().endswith(b"yes")
    assert server.grew_bytes() < FLAT_BYTES
