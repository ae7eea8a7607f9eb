"""What clients do to the web server: bodies without end, half-sent requests, headers that are too long."""

from __future__ import annotations

import contextlib
import itertools
import json
import resource
import socket
from collections.abc import Iterator

import psutil
import pytest

from tests.faults.web import FIRST_TEACHER, Web
from tests.talking_head.jobs.site import Site, wait_for

pytestmark = pytest.mark.xdist_group("killed")

MEGABYTE = 1_000_000
HUGE_BYTES = 1_500 * MEGABYTE
MAX_GROWTH_BYTES = 20 * MEGABYTE
BLOCK = b"\0" * 65_536
CHUNK = b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK)
DESCRIPTORS = 1_024


@pytest.fixture
def web(site: Site) -> Iterator[Web]:
    with Web(site) as server:
        yield server


def send(web: Web, head: str, blocks: Iterator[bytes]) -> tuple[int, dict[str, str], bytes, int]:
    """Send a request for as long as the server takes it; return status, headers and body of the answer, and how much
    was sent before it came."""
    sent = 0
    with socket.create_connection(("127.0.0.1", web.port), timeout=60) as connection:
        connection.sendall(head.encode())
        connection.settimeout(0)
        answer = b""
        with contextlib.suppress(ConnectionError):
            for block in blocks:
                answer = received(connection)
                if answer:
                    break
                connection.settimeout(60)
                connection.sendall(block)
                connection.settimeout(0)
                sent += len(block)
        connection.settimeout(60)
        while data := receive(connection):
            answer += data
    head_bytes, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head_bytes.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body, sent


def received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except BlockingIOError:
        return b""


def receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionError:
        return b""


def blocks(block: bytes, total: int) -> Iterator[bytes]:
    for _ in range(total // len(block)):
        yield block


def head(path: str, *headers: str) -> str:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *headers, "", ""])


PATHS = ("/livez", "/accounts/login/", "/api/jobs/", "/api/avatar/upload", "/media/jobs/1/video.mp4")


def test_53_a_body_without_end_is_refused_at_once_and_nothing_of_it_kept(web: Web) -> None:
    assert web.process is not None
    process = psutil.Process(web.process.pid)
    web.get("/livez")
    for path, is_chunked in itertools.product(PATHS, (False, True)):
        before = process.memory_info().rss
        length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {HUGE_BYTES}"
        status, headers, body, sent = send(web, head(path, length), blocks(CHUNK if is_chunked else BLOCK, HUGE_BYTES))
        assert (path, status) == (path, 413)
        assert sent < 30 * MEGABYTE, "what the network's own buffers hold"
        assert process.memory_info().rss - before < MAX_GROWTH_BYTES
        assert [file.path for file in process.open_files() if "deleted" in file.path] == []
        if path.startswith("/api/"):
            assert json.loads(body)["code"] == "body_too_large"
        else:
            assert headers["Content-Type"].startswith("text/html")
    assert web.get("/livez").status == 200


def test_53_visitors_may_send_little_and_users_what_the_view_accepts(web: Web) -> None:
    cookie = f"Cookie: sessionid={web.sessions[FIRST_TEACHER]}"
    token = f"Authorization: Token {web.tokens[FIRST_TEACHER]}"
    form = "Content-Type: application/x-www-form-urlencoded"
    statuses = {}
    for name, path, size, *headers in (
        ("visitor", "/api/jobs/", 100_000),
        ("forged session", "/api/jobs/", 100_000, "Cookie: sessionid=forged"),
        ("forged token", "/api/jobs/", 100_000, "Authorization: Token forged"),
        ("token", "/api/jobs/", 100_000, token),
        ("token, too much for a form", "/api/jobs/", 3 * MEGABYTE, token),
        ("token, a picture", "/api/avatar/upload", 3 * MEGABYTE, token),
        ("token, too much for a picture", "/api/avatar/upload", 30 * MEGABYTE, token),
        ("session", "/accounts/login/", 100_000, cookie),
    ):
        lines = (form, f"Content-Length: {size}", "Accept: application/json", "Connection: close", *headers)
        statuses[name] = send(web, head(path, *lines), iter([b"a=" + b"b" * (size - 2)]))[0]
    refused = {name for name, status in statuses.items() if status == 413}
    assert refused == {
        "visitor", "forged session", "forged token", "token, too much for a form", "token, too much for a picture"
    }  # fmt: skip


def test_53_a_chunked_body_of_a_user_is_taken_whole(web: Web) -> None:
    """It is larger than a visitor's limit, so its sender is looked up while it arrives."""
    script = "Leaves are green. " * 6_000
    body = json.dumps({"script": script}).encode()
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    lines = (
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        f"Authorization: Token {web.tokens[FIRST_TEACHER]}",
    )
    status, _, answer, _ = send(web, head("/api/jobs/", *lines, "Connection: close"), iter([chunk]))
    assert status == 400
    assert json.loads(answer)["code"] == "script_too_long"


def test_66_headers_that_are_too_long_are_answered(web: Web) -> None:
    for request_head, status in (
        ("GET /" + "a" * 70_000 + " HTTP/1.1\r\n", 414),
        ("GET /livez HTTP/1.1\r\nX-Long: " + "a" * 70_000 + "\r\n", 431),
        ("GET /livez HTTP/1.1\r\n" + "".join(f"X-{n}: {'a' * 100}\r\n" for n in range(400)), 431),
    ):
        assert send(web, request_head, iter([]))[0] == status


def test_66_half_sent_requests_of_one_client_leave_room_for_others_and_end(site: Site) -> None:
    """At the common limit of 1,024 open files. The flood comes from 127.0.0.2, the others from 127.0.0.1."""
    with Web(site, prefix=("prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}")) as web, contextlib.ExitStack() as held:
        resource.setrlimit(resource.RLIMIT_NOFILE, (4_096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        flood = [half_sent(web, held) for _ in range(1_100)]
        assert web.get("/livez").status == 200
        assert web.get("/readyz").status in (200, 503)
        open_ones = [connection for connection in flood if connection is not None and not is_closed(connection)]
        assert 0 < len(open_ones) < DESCRIPTORS // 2
        wait_for(lambda: all(map(is_closed, open_ones)), "the server to give up on them")
        assert web.get("/livez").status == 200


def half_sent(web: Web, held: contextlib.ExitStack) -> socket.socket | None:
    """A connection on which a request has begun and does not go on; None when it is refused."""
    connection = held.enter_context(socket.socket())
    connection.bind(("127.0.0.2", 0))
    with contextlib.suppress(ConnectionError):
        connection.connect(("127.0.0.1", web.port))
        connection.sendall(b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        connection.setblocking(False)
        return connection
    return None


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has ended it, with an answer or without."""
    try:
        return connection.recv(1_024, socket.MSG_PEEK) is not None
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
