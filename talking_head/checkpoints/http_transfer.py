"""Downloading one file over HTTP into its ``.part`` file.

An interrupted download is resumed (RFC 9110, section 14), retried with a backoff where that can help, and given up
early when the server has a different file.

httpx does the transport: proxies from the environment (``HTTPS_PROXY``, ``NO_PROXY``), TLS with ``SSL_CERT_FILE`` for
networks with a certificate authority of their own, a limit on redirects. The content is trusted only by its digest,
which the caller checks.
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
READ_TIMEOUT_SECONDS = 60.0  # a server that sends nothing for so long is considered down
MAX_REDIRECTS = 5
ATTEMPTS = 5  # in a row without progress
PROGRESS_BYTES = 1_000_000  # an attempt that downloaded so much starts the count again
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
LONGEST_RETRY_AFTER_SECONDS = 300.0  # a server that asks for more is given up for the next one
RETRYABLE_STATUS = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Progress = Callable[[int], None]  # bytes downloaded so far


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to retry and how long to wait between attempts.

    The wait doubles, with jitter so that the machines of a classroom do not retry at the same moment
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """

    attempts: int = ATTEMPTS
    sleep: Callable[[float], None] = time.sleep
    spread: Callable[[float, float], float] = random.uniform

    def seconds_before(self, attempt: int) -> float:
        """Return the wait before a retry; ``attempt`` counts from 1, the first retry."""
        full = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
        return self.spread(full / 2, full)


def make_client() -> httpx.Client:
    """Return a client that never follows a redirect from TLS to plain HTTP."""
    return httpx.Client(
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        timeout=httpx.Timeout(READ_TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
        headers={"User-Agent": "lectern", "Accept-Encoding": "identity"},
        event_hooks={"response": [_refuse_downgrade]},
    )


def fetch(
    client: httpx.Client,
    url: str,
    part: Path,
    expected_bytes: int,
    *,
    retry_policy: RetryPolicy,
    on_progress: Progress,
    on_wait: Callable[[str], None],
) -> None:
    """Download the file into ``part`` up to ``expected_bytes``, resuming after the bytes it already has.

    Raises:
        SourceError: this server does not deliver the file (any more). ResourceError: the folder refuses it.
    """
    failures = 0
    while True:
        previous_bytes = _size(part)
        try:
            return _fetch_once(client, url, part, expected_bytes, on_progress)
        except SourceError as error:
            failures = 1 if _size(part) - previous_bytes >= PROGRESS_BYTES else failures + 1
            hopeless = error.permanent or error.retry_after_seconds > LONGEST_RETRY_AFTER_SECONDS
            if hopeless or failures >= retry_policy.attempts:
                raise
            wait_seconds = max(error.retry_after_seconds, retry_policy.seconds_before(failures))
            on_wait(f"{error.message} Retrying in {wait_seconds:.0f} s.")
            retry_policy.sleep(wait_seconds)


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
        raise SourceError("The URL is not valid.", permanent=True) from error
    if _size(part) < expected_bytes:
        raise SourceError("The server closed the connection before the end of the file.", permanent=False)


def _start_of(response: httpx.Response, requested_start: int, expected_bytes: int) -> int:
    """Return the offset in the file at which the response body begins.

    Raises:
        SourceError: the response is not (this part of) the file.
    """
    status = response.status_code
    if status == HTTPStatus.PARTIAL_CONTENT and requested_start:
        match = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        if match and match[2] not in ("*", str(expected_bytes)):
            raise SourceError(f"The server has a different file ({match[2]} bytes).", permanent=True)
        if not match or int(match[1]) != requested_start:
            raise SourceError("The server sent a different part than the requested one.", permanent=True)
        return requested_start
    if status == HTTPStatus.OK:  # also from a server without range support: start from the beginning
        _check_whole(response, expected_bytes)
        return 0
    if status in RETRYABLE_STATUS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        retry_after_seconds = _retry_after_seconds(response.headers.get("Retry-After", ""))
        raise SourceError(
            f"The server answered {_status_text(status)}.", permanent=False, retry_after_seconds=retry_after_seconds
        )
    raise SourceError(f"The server answered {_status_text(status)}.", permanent=True)


def _check_whole(response: httpx.Response, expected_bytes: int) -> None:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise SourceError("The server sent the file compressed, which was not requested.", permanent=True)
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) != expected_bytes:  # a login page, for example
        raise SourceError(f"The server has a different file ({length} bytes).", permanent=True)


def _write(response: httpx.Response, part: Path, start: int, expected_bytes: int, on_progress: Progress) -> None:
    have_bytes = start
    with map_os_errors(CHECKPOINTS_FOLDER):
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            if file.tell() != start:
                file.truncate(start)
            for chunk in response.iter_raw():
                have_bytes += len(chunk)
                if have_bytes > expected_bytes:  # never fill the disk with the wrong file
                    file.truncate(0)
                    raise SourceError("The server sent more bytes than the file has.", permanent=True)
                file.write(chunk)
                on_progress(have_bytes)


def _map_errors(error: httpx.HTTPError) -> SourceError:
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return SourceError(
                "The server's certificate is not trusted (set SSL_CERT_FILE to trust another authority).",
                permanent=True,
            )
        reason = reason.__cause__ or reason.__context__
    if isinstance(error, httpx.TooManyRedirects):
        return SourceError("The server redirects too often.", permanent=True)
    if isinstance(error, httpx.UnsupportedProtocol):
        return SourceError("The URL is neither http nor https.", permanent=True)
    if isinstance(error, httpx.TimeoutException):
        return SourceError("The server does not respond.", permanent=False)
    if isinstance(error, httpx.ConnectError):
        return SourceError("The server cannot be reached.", permanent=False)
    return SourceError("The connection was interrupted.", permanent=False)


def _refuse_downgrade(response: httpx.Response) -> None:
    """Refuse a redirect from TLS to plain HTTP.

    Raises:
        SourceError: a response over TLS redirects to a URL without TLS.
    """
    if response.has_redirect_location and response.request.url.scheme == "https":
        target = response.request.url.join(response.headers["Location"])
        if target.scheme != "https":
            raise SourceError("The server redirects to a URL without TLS.", permanent=True)


def _retry_after_seconds(value: str) -> float:
    """Return the seconds to wait from seconds or an HTTP date (RFC 9110, section 10.2.3); 0 for anything else."""
    if value.isdigit():
        return float(value)
    try:
        retry_at = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (retry_at.replace(tzinfo=retry_at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _status_text(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0
