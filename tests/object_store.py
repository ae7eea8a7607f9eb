"""A real S3 server (moto's, in a process of its own), and a network in front of it that can be told to misbehave."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from talking_head.files import bucket
from tests.scale_out.servers import Server

KEYS = {"AWS_ACCESS_KEY_ID": "lectern", "AWS_SECRET_ACCESS_KEY": "a secret of the tests"}
REGION = "eu-central-1"
QUICK_TRANSFERS = {"bucket_seconds": 0.5, "bucket_attempts": 3}


class ObjectStore(Server):
    def command(self) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> Any:
        import boto3  # when used: most tests know of no bucket
        from botocore.config import Config

        config = Config(s3={"addressing_style": "path"})
        return boto3.client(
            "s3", endpoint_url=self.url, region_name=REGION, config=config,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip

    def make_bucket(self) -> str:
        name = f"lectern-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name


@dataclass
class Network:
    """Between the platform and the store. ``misbehave("PUT", "video.mp4", times=2, how=answer_500)`` makes it do so
    with the next two requests that fit; ``seen`` are the requests that came, as "METHOD /path"."""

    store_port: int
    seen: list[str] = field(default_factory=list)
    _plans: list[list[Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        network = self

        class Handler(_Handler):
            pass

        Handler.network = network
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def misbehave(self, method: str, path: str, *, how: Callable[[_Handler], None], times: int = 1) -> None:
        with self._lock:
            self._plans.append([method, path, how, times])

    def behave(self) -> None:
        with self._lock:
            self._plans.clear()

    def requests(self, method: str, path: str) -> list[str]:
        return [line for line in self.seen if line.startswith(f"{method} ") and path in line]

    def plan_for(self, method: str, path: str) -> Callable[[_Handler], None] | None:
        with self._lock:
            self.seen.append(f"{method} {path}")
            for plan in self._plans:
                if plan[0] == method and plan[1] in path and plan[3] > 0:
                    plan[3] -= 1
                    how: Callable[[_Handler], None] = plan[2]
                    return how
        return None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    network: Network

    def handle_any(self) -> None:
        misbehave = self.network.plan_for(self.command, self.path)
        if misbehave is None:
            self.forward()
        else:
            misbehave(self)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any  # noqa: N815 - the server asks for these names

    def forward(self, change: Callable[[bytes], bytes] = bytes, cut: Callable[[bytes], bytes] = bytes) -> None:
        """Passes the request on and the answer back; ``change`` may alter the request's body, ``cut`` what is sent of
        the answer's, whose headers stay as they were."""
        status, headers, content = self.ask_the_store(change)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.end_headers()
        part = cut(content)
        self.wfile.write(part)
        if len(part) < len(content):
            self.hang_up()

    def ask_the_store(self, change: Callable[[bytes], bytes] = bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        with contextlib.closing(HTTPConnection("127.0.0.1", self.network.store_port, timeout=30)) as connection:
            connection.request(self.command, self.path, change(self.body()), headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """The tests have their own record."""


def answer_500(handler: _Handler) -> None:
    handler.body()
    handler.send_response_only(500)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def never_answer(handler: _Handler) -> None:
    """Keeps the line open and says nothing until the other end has had enough."""
    handler.body()
    handler.connection.recv(1)
    handler.hang_up()


def cut_upload(handler: _Handler) -> None:
    """The line breaks in the middle of the request's body."""
    handler.rfile.read(int(handler.headers.get("Content-Length", 0)) // 2)
    handler.hang_up()


def cut_download(handler: _Handler) -> None:
    """The line breaks in the middle of the answer's body."""
    handler.forward(cut=lambda content: content[: len(content) // 2])


def lose_the_answer(handler: _Handler) -> None:
    """The store does what it was asked to, and its client hears nothing of it."""
    handler.ask_the_store()
    handler.hang_up()


def flip_a_bit(handler: _Handler) -> None:
    """Of what is uploaded: sizes agree, bytes do not."""
    handler.forward(change=lambda body: bytes([body[0] ^ 1]) + body[1:])


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    store = ObjectStore()
    store.start()
    yield store
    store.end()


@pytest.fixture
def network(object_store: ObjectStore) -> Iterator[Network]:
    network = Network(object_store.port)
    yield network
    network.close()


@pytest.fixture
def bucket_name(
    object_store: ObjectStore, network: Network, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The settings speak of a bucket of this test's own, behind the network."""
    monkeypatch.setattr(bucket, "_is_failing", threading.Event())  # regardless of what an earlier test met
    settings.AWS_STORAGE_BUCKET_NAME = object_store.make_bucket()
    settings.AWS_S3_ENDPOINT_URL = network.url
    settings.AWS_S3_REGION_NAME = REGION
    settings.AWS_S3_ADDRESSING_STYLE = "path"
    settings.AWS_ACCESS_KEY_ID, settings.AWS_SECRET_ACCESS_KEY = KEYS.values()
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "talking_head.files.s3_backend.VerifiedS3Storage"}}
    settings.TALKING_HEAD_TIMING = {**getattr(settings, "TALKING_HEAD_TIMING", {}), **QUICK_TRANSFERS}
    return str(settings.AWS_STORAGE_BUCKET_NAME)
