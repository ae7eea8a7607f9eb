"""What hostile uploads cost the web process, and what they do to everyone else's pages.

``python -m benchmarks.hostile_uploads`` starts a site with a web server in a temporary folder, sends the files of
``tests/hostile_files.py`` and prints, for each kind: the answers, the slowest answer, how much the web process grew at
its peak, and how long pages took in the meantime. Needs what the tests need.
"""

from __future__ import annotations

import contextlib
import http.client
import secrets
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from tests.faults.web import FIRST_TEACHER, Web
from tests.hostile_files import MANY_CHANNELS, jpeg_with_scans, sound_with_channels, wide_webp
from tests.talking_head.jobs.site import Site

PORTRAITS, NARRATIONS = "/api/avatars/", "/api/narrations/"
PAGE = "/courses/"
AT_ONCE = 12
REQUEST_SECONDS = 600.0
LOOK_SECONDS = 0.02
GONE = "server gone"
STORE_PORTRAIT = """
import sys
from pathlib import Path
from django.contrib.auth.models import User
from avatars.models import Portrait
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
digest = uploads.store(UploadKind.PORTRAIT, Path(sys.argv[1]).read_bytes())
owner = User.objects.get(username=sys.argv[2])
print(Portrait.objects.create(owner=owner, name="x", digest=digest, width_px=1, height_px=1, report={}).pk)
"""


@dataclass(slots=True)
class Figures:
    """What was observed while one kind of file was sent. Times in seconds, growth in bytes."""

    what: str
    answers: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    growth_bytes: int = 0
    page_ms: list[float] = field(default_factory=list)

    @property
    def page_p95_ms(self) -> float:
        if len(self.page_ms) < 2:
            return self.page_ms[0] if self.page_ms else float("nan")
        return statistics.quantiles(self.page_ms, n=20, method="inclusive")[-1]


def hostile_uploads(web: Web) -> Iterator[Figures]:
    """Send every kind of file to a running server and yield what was observed; a server that ends is started again."""
    _post(web, PORTRAITS, "image_file", b"no picture")  # what is loaded once is not growth
    _post(web, NARRATIONS, "audio_file", sound_with_channels("wav", 1))
    jpeg, webp = jpeg_with_scans(1_500), wide_webp()
    yield observed(web, "JPEG of 1,500 scans", [partial(_post, web, PORTRAITS, "image_file", jpeg)])
    yield observed(web, "WebP of 16,383 x 1,500", [partial(_post, web, PORTRAITS, "image_file", webp)])
    yield observed(web, f"{AT_ONCE} such WebP at once", [partial(_post, web, PORTRAITS, "image_file", webp)] * AT_ONCE)
    yield observed(web, f"{AT_ONCE} such JPEG at once", [partial(_post, web, PORTRAITS, "image_file", jpeg)] * AT_ONCE)
    yield observed(web, "the JPEG as a recording", [partial(_post, web, NARRATIONS, "audio_file", jpeg)])
    for name, data in (("JPEG", jpeg), ("WebP", webp)):
        address = f"/portraits/{_stored_portrait(web, data)}/thumbnail.jpg"
        yield observed(web, f"the {name}'s thumbnail", [partial(_status_of_page, web, address)])
    for kind, channels in MANY_CHANNELS:
        sound = sound_with_channels(kind, channels)
        yield observed(web, f"{channels} channels in {kind}", [partial(_post, web, NARRATIONS, "audio_file", sound)])


def observed(web: Web, what: str, requests: Sequence[Callable[[], int]]) -> Figures:
    """Send the requests at once while pages are visited and the server's memory is watched."""
    figures = Figures(what)
    assert web.process is not None
    server = psutil.Process(web.process.pid)
    before = server.memory_info().rss
    done = threading.Event()

    def send(request: Callable[[], int]) -> tuple[str, float]:
        started = time.monotonic()
        try:
            answer = str(request())
        except (OSError, http.client.HTTPException):
            answer = GONE
        return answer, time.monotonic() - started

    def watch() -> None:
        while not done.wait(LOOK_SECONDS):
            with contextlib.suppress(psutil.Error):
                figures.growth_bytes = max(figures.growth_bytes, server.memory_info().rss - before)

    def visit() -> None:
        while not done.is_set():
            started = time.monotonic()
            with contextlib.suppress(OSError, http.client.HTTPException):
                web.get_page(PAGE)
                figures.page_ms.append(1_000 * (time.monotonic() - started))

    with ThreadPoolExecutor(len(requests) + 2) as pool:
        others = [pool.submit(watch), pool.submit(visit)]
        for answer, seconds in [sent.result() for sent in [pool.submit(send, request) for request in requests]]:
            figures.answers[answer] += 1
            figures.slowest_seconds = max(figures.slowest_seconds, seconds)
        done.set()
        for other in others:
            other.result()
    if web.process.poll() is not None:
        web.start()
    return figures


def _status_of_page(web: Web, address: str) -> int:
    return web.get_page(address).status


def _post(web: Web, path: str, field_name: str, data: bytes) -> int:
    boundary = secrets.token_hex(16)
    # The same bytes twice are one file, and a voice's row: so that every answer is that of a first upload.
    values = {"consent_given_by": "The person shown", "name": uuid.uuid4().hex}
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
             for name, value in values.items()]  # fmt: skip
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field_name}"; filename="x"\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Authorization": f"Token {web.tokens[FIRST_TEACHER]}",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=REQUEST_SECONDS)
    with contextlib.closing(connection):
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def _stored_portrait(web: Web, data: bytes) -> str:
    """As a row of former days, or a file that was put into the media folder by hand."""
    path = web.site.folder / "hostile"
    path.write_bytes(data)
    return web.site.python(STORE_PORTRAIT, str(path), FIRST_TEACHER).strip()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        site.environment |= {"DJANGO_SETTINGS_MODULE": "tests.faults.site_settings", "LOG_LEVEL": "ERROR"}
        site.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")
        try:
            with Web(site) as web:
                print("| upload | answers | slowest answer s | web process grew by MB | pages p95 ms |")
                print("|---|---|---|---|---|")
                for each in hostile_uploads(web):
                    answers = ", ".join(f"{count} x {answer}" for answer, count in sorted(each.answers.items()))
                    print(
                        f"| {each.what} | {answers} | {each.slowest_seconds:.1f} | {each.growth_bytes / 1e6:.0f} | "
                        f"{each.page_p95_ms:.0f} |"
                    )
                    sys.stdout.flush()
        finally:
            site.end()


if __name__ == "__main__":
    main()
