"""One file over HTTP into its ``.part`` file: goes on where it was cut (RFC 9110, section 14), waits and tries again
when that can help, and stops early when the server has something else.

httpx does the transport: proxies from the environment (``HTTPS_PROXY``, ``NO_PROXY``), TLS with ``SSL_CERT_FILE`` for
networks with an authority of their own, a limit on redirects. What arrives is trusted only by its digest, which the
caller checks.
"""

from __future__ import annotations

import random
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path

import httpx

from talking_head.checkpoints.folder import CHECKPOINTS_FOLDER
from talking_head.checkpoints.sources import SourceError
from talking_head.errors import map_os_errors

CONNECT_SECONDS = 20.0
SILENCE_SECONDS = 60.0  # a server that sends nothing for so long is taken for gone
MAX_REDIRECTS = 5
ATTEMPTS = 5  # without getting on in between
GOT_ON_BYTES = 1_000_000  # an attempt that brought so much was no failure
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
LONGEST_ASKED_WAIT_SECONDS = 300.0  # a server that asks for more is left for the next one
TRY_AGAIN_STATUS = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Progress = Callable[[int], None]  # bytes that are there now


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait between attempts: doubling, with jitter so that a classroom of machines does not come back at
    the same moment (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)."""

    attempts: int = ATTEMPTS
    sleep: Callable[[float], None] = time.sleep
    spread: Callable[[float, float], float] = random.uniform

    def seconds_before(self, attempt: int) -> float:
        """``attempt`` counts from 1, the first repetition."""
        full = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
        return self.spread(full / 2, full)


def make_client() -> httpx.Client:
    """A client that never leaves TLS once it began with it."""
    return httpx.Client(
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
        headers={"User-Agent": "lectern", "Accept-Encoding": "identity"},
        event_hooks={"response": [_refuse_downgrade]},
    )


def fetch(
    client: httpx.Client,
    url: str,
    part: Path,
    expected_bytes: int,
    *,
    patience: Patience,
    on_progress: Progress,
    on_wait: Callable[[str], None],
) -> None:
    """Fills ``part`` up to ``expected_bytes``, starting from what it already holds.

    Raises:
        SourceError: this server does not give the file (any more). ResourceError: the folder refuses it.
    """
    failures = 0
    while True:
        before = _size(part)
        try:
            return _fetch_once(client, url, part, expected_bytes, on_progress)
        except SourceError as error:
            failures = 1 if _size(part) - before >= GOT_ON_BYTES else failures + 1
            hopeless = error.permanent or error.retry_after_seconds > LONGEST_ASKED_WAIT_SECONDS
            if hopeless or failures >= patience.attempts:
                raise
            wait_seconds = max(error.retry_after_seconds, patience.seconds_before(failures))
            on_wait(f"{error.message} Trying again in {wait_seconds:.0f} s.")
            patience.sleep(wait_seconds)


def _fetch_once(client: httpx.Client, url: str, part: Path, expected_bytes: int, on_progress: Progress) -> None:
    have_bytes = _size(part)
    if have_bytes == expected_bytes:
        return
    headers = {"Range": f"bytes={have_bytes}-"} if 0 < have_bytes < expected_bytes else {}
    try:
        with client.stream("GET", url, headers=headers) as response:
            start = _start_of(response, have_bytes if headers else 0, expected_bytes)
            _write(response, part, start, expected_bytes, on_progress)
    except httpx.HTTPError as error:
        raise _map_errors(error) from error
    except httpx.InvalidURL as error:
        raise SourceError("Its address is not one.", permanent=True) from error
    if _size(part) < expected_bytes:
        raise SourceError("The server ended before the file did.", permanent=False)


def _start_of(response: httpx.Response, asked_start: int, expected_bytes: int) -> int:
    """Where in the file the answer's first byte belongs.

    Raises:
        SourceError: the answer is not (this part of) the file.
    """
    status = response.status_code
    if status == HTTPStatus.PARTIAL_CONTENT and asked_start:
        match = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        if match and match[2] not in ("*", str(expected_bytes)):
            raise SourceError(f"The server has another file ({match[2]} bytes).", permanent=True)
        if not match or int(match[1]) != asked_start:
            raise SourceError("The server sends another part than the one asked for.", permanent=True)
        return asked_start
    if status == HTTPStatus.OK:  # also from a server that knows no ranges: then from the beginning
        _check_whole(response, expected_bytes)
        return 0
    if status in TRY_AGAIN_STATUS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        asked_seconds = _retry_after_seconds(response.headers.get("Retry-After", ""))
        raise SourceError(f"The server says {_words(status)}.", permanent=False, retry_after_seconds=asked_seconds)
    raise SourceError(f"The server says {_words(status)}.", permanent=True)


def _check_whole(response: httpx.Response, expected_bytes: int) -> None:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise SourceError("The server sends the file compressed although it was not asked to.", permanent=True)
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) != expected_bytes:  # a page that asks for a login, for one
        raise SourceError(f"The server has another file ({length} bytes).", permanent=True)


def _write(response: httpx.Response, part: Path, start: int, expected_bytes: int, on_progress: Progress) -> None:
    have_bytes = start
    with map_os_errors(CHECKPOINTS_FOLDER):
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            if file.tell() != start:
                file.truncate(start)
            for chunk in response.iter_raw():
                have_bytes += len(chunk)
                if have_bytes > expected_bytes:  # never fills the disk with what cannot be right
                    file.truncate(0)
                    raise SourceError("The server sends more than the file has.", permanent=True)
                file.write(chunk)
                on_progress(have_bytes)


def _map_errors(error: httpx.HTTPError) -> SourceError:
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return SourceError(
                "The server's certificate is not trusted (SSL_CERT_FILE names other authorities).", permanent=True
            )
        reason = reason.__cause__ or reason.__context__
    if isinstance(error, httpx.TooManyRedirects):
        return SourceError("The server redirects in circles.", permanent=True)
    if isinstance(error, httpx.UnsupportedProtocol):
        return SourceError("Its address is not one of http or https.", permanent=True)
    if isinstance(error, httpx.TimeoutException):
        return SourceError("The server does not answer.", permanent=False)
    if isinstance(error, httpx.ConnectError):
        return SourceError("The server cannot be reached.", permanent=False)
    return SourceError("The connection was cut.", permanent=False)


def _refuse_downgrade(response: httpx.Response) -> None:
    """
    Raises:
        SourceError: an answer under TLS points to an address without.
    """
    if response.has_redirect_location and response.request.url.scheme == "https":
        target = response.request.url.join(response.headers["Location"])
        if target.scheme != "https":
            raise SourceError("The server redirects to an address without TLS.", permanent=True)


def _retry_after_seconds(value: str) -> float:
    """Seconds or an HTTP date (RFC 9110, section 10.2.3); 0 for anything else."""
    if value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _words(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0
