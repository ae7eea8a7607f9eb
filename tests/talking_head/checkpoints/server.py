"""A real HTTP server that misbehaves as told: each request takes the next answer of its path, the last one repeats."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]


@dataclass
class Server:
    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # path, headers

    def serve(self, path: str, *answers: Answer) -> str:
        self.answers[path] = list(answers)
        return self.url + path

    def ranges(self) -> list[str]:
        return [headers.get("range", "") for _, headers in self.requests]

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    book: Server

    def do_GET(self) -> None:
        self.book.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        answers = self.book.answers.get(self.path, [status(404)])
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, format: str, *args: Any) -> None:
        """Not into the tests' output."""

    def asked_start(self) -> int:
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))

    def cut(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True


def whole(data: bytes) -> Answer:
    """A decent server: ranges and all."""

    def answer(handler: Handler) -> None:
        start = handler.asked_start()
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        handler.wfile.write(data[start:])

    return answer


def cut_after(data: bytes, count: int) -> Answer:
    """Promises everything, sends ``count`` bytes and is gone."""

    def answer(handler: Handler) -> None:
        start = handler.asked_start()
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        handler.wfile.write(data[start : start + count])
        handler.cut()

    return answer


def without_ranges(data: bytes, *, claimed_bytes: int | None = None) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data) if claimed_bytes is None else claimed_bytes))
        handler.end_headers()
        handler.wfile.write(data)
        if claimed_bytes is not None:
            handler.cut()

    return answer


def of_unknown_length(data: bytes) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(data)
        handler.cut()

    return answer


def status(code: int, **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what these tests are about."""


@contextmanager
def running_server(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    http_server = QuietServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if tls is not None:
        http_server.socket = tls.wrap_socket(http_server.socket, server_side=True)
        scheme = "https"
    book = Server(f"{scheme}://localhost:{http_server.server_port}")
    http_server.RequestHandlerClass = type("BookedHandler", (Handler,), {"book": book})
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield book
    finally:
        http_server.shutdown()
        http_server.server_close()
        thread.join(5)
