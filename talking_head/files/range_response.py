"""Private files over HTTP, from the media folder or from the bucket, for users whom a view has already authorised.

Byte ranges, conditions and entity tags follow RFC 9110 (sections 13 and 14): players seek with ranges, and Safari plays
nothing without them. The body is streamed in blocks, so a long lesson costs no more memory than a short one. Behind a
proxy that can send files itself, set ``MEDIA_ACCEL_PREFIX`` to the name of its internal location.

Clients are never redirected to the bucket. Browsers use such a URL for all later ranges of a video: it would have to
stay valid as long as a viewer may watch, the right to watch could not be revoked meanwhile, and the bucket would need a
public name that the content security policy allows. So either the proxy fetches the object from the bucket (below the
same internal location, with a URL signed for this one response), or this process does.
"""

from __future__ import annotations

import asyncio
import os
import re
import unicodedata
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import content_disposition_header, http_date, parse_http_date_safe

from talking_head.files import bucket

BLOCK_BYTES = 128 * 1024
IN_BUCKET = "bucket"  # the part of the internal location that the proxy fetches from the object storage
CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".vtt": "text/vtt; charset=utf-8",
    ".json": "application/json",
    ".jpg": "image/jpeg",
    ".txt": "text/plain; charset=utf-8",
}
RANGE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII)  # no file has more digits, an attack may
PATH_SEPARATORS = frozenset("/\\")
JOINERS = frozenset("\u200c\u200d")  # Persian words and emoji are spelt with them


@dataclass(frozen=True, slots=True)
class ByteRange:
    """``size`` bytes from ``start`` on."""

    start: int
    size: int


class RangeNotSatisfiable(Exception):  # noqa: N818 - the name of HTTP status 416
    """The range begins after the end of the file."""


def serve_file(
    request: HttpRequest, name: str, *, content_type: str = "", digest: str = "", download_name: str = ""
) -> HttpResponseBase:
    """Return the response to a GET or HEAD request: the file, a part of it, or 304.

    Args:
        name: the file's path below MEDIA_ROOT, or its storage key in the bucket; never from user input.
        content_type: derived from the file's name when empty.
        digest: identifies the bytes, if known; otherwise the size and the time of the last change do.
        download_name: makes browsers save the file under that name instead of showing it.

    Raises:
        Http404: there is no such file. ResourceError: ``storage_unavailable``.
    """
    content_type = content_type or CONTENT_TYPES[PurePosixPath(name).suffix]
    try:
        content: Content = _StoredContent(name) if bucket.is_enabled() else _FileContent(name)
    except OSError as error:
        raise Http404("There is no such file.") from error
    etag = f'"{digest or content.version}"'
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": _disposition(download_name),
        "ETag": etag,
        "Last-Modified": http_date(content.modified_at),
        "Accept-Ranges": "bytes",
        # The browser may cache it but must revalidate: a user who may no longer see it, no longer does.
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        # A file that is opened directly may run nothing; the browser's own page around a video needs what this forbids.
        "Content-Security-Policy": "" if content_type.startswith("video/") else "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if settings.MEDIA_ACCEL_PREFIX:
        content.close()
        return _finish(_x_accel_response(name, content_type), headers)
    return _finish(_response(request, content, etag), headers)


class Content(Protocol):
    """Bytes that can be sent in parts. ``version`` changes whenever they do."""

    size: int
    modified_at: int  # seconds since the epoch
    version: str

    def blocks(self, part: ByteRange) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class _FileContent:
    def __init__(self, name: str) -> None:
        self._file = (Path(settings.MEDIA_ROOT) / name).open("rb")
        status = os.fstat(self._file.fileno())
        self.size, self.modified_at = status.st_size, int(status.st_mtime)
        self.version = f"{status.st_size:x}-{status.st_mtime_ns:x}"

    def blocks(self, part: ByteRange) -> Iterator[bytes]:
        end = part.start + part.size
        for position in range(part.start, end, BLOCK_BYTES):
            yield os.pread(self._file.fileno(), min(BLOCK_BYTES, end - position), position)

    def close(self) -> None:
        self._file.close()


class _StoredContent:
    def __init__(self, name: str) -> None:
        self._name = name
        stored = bucket.stat(name)
        self.size, self.modified_at, self.version = stored.size_bytes, stored.modified_at, stored.etag

    def blocks(self, part: ByteRange) -> Iterator[bytes]:
        return bucket.blocks(self._name, self.version, part.start, part.size)

    def close(self) -> None:
        """Do nothing: no connection is open before or between the blocks."""


def _response(request: HttpRequest, content: Content, etag: str) -> HttpResponseBase:
    size, modified = content.size, content.modified_at
    unchanged = get_conditional_response(request, etag, modified)
    if unchanged is not None:  # 304 or 412
        content.close()
        return unchanged
    try:
        requested = _requested_range(request, size, modified, etag)
    except RangeNotSatisfiable:
        content.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    part = requested or ByteRange(0, size)
    if request.method == "HEAD":
        content.close()
        response: HttpResponseBase = HttpResponse()
    else:
        response = FilePartResponse(content, part, is_async=isinstance(request, ASGIRequest))
    response["Content-Length"] = str(part.size)
    if requested:
        response.status_code = 206
        response["Content-Range"] = f"bytes {part.start}-{part.start + part.size - 1}/{size}"
    return response


def _requested_range(request: HttpRequest, size: int, modified: int, etag: str) -> ByteRange | None:
    header = request.headers.get("Range")
    if not header or request.method != "GET":
        return None
    condition = request.headers.get("If-Range")
    # Only a strong match counts; a date must be exactly the one that was sent.
    if condition and condition != etag and parse_http_date_safe(condition) != modified:
        return None
    return parse_range(header, size)


def parse_range(header: str, size: int) -> ByteRange | None:
    """Return the single requested byte range; None when the header is to be ignored: another unit, several ranges (the
    whole file is a valid response to these), or a malformed value.

    Raises:
        RangeNotSatisfiable: no byte of a file of ``size`` bytes is in it.
    """
    match = RANGE.fullmatch(header)
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        if not last:
            return None
        suffix = min(int(last), size)
        start, end = size - suffix, size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    if start >= size:
        raise RangeNotSatisfiable
    return ByteRange(start, end - start + 1)


class FilePartResponse(StreamingHttpResponse):
    """Part of a file in blocks; asynchronous under ASGI, where Django reads a synchronous body into memory first."""

    def __init__(self, content: Content, part: ByteRange, *, is_async: bool) -> None:
        self._content = content
        blocks = content.blocks(part)
        super().__init__(_in_threads(blocks) if is_async else blocks)

    def close(self) -> None:
        super().close()
        self._content.close()


async def _in_threads(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(next, blocks, b""):
        yield block


def _x_accel_response(name: str, content_type: str) -> HttpResponse:
    """Return the response that makes the proxy send the file. For the bucket, the location contains the signed URL
    without its scheme and host, which the proxy knows."""
    path = quote(name)
    if bucket.is_enabled():
        url = urlsplit(bucket.signed_url(name, content_type))
        path = f"{IN_BUCKET}{url.path}?{url.query}"
    response = HttpResponse()
    response["X-Accel-Redirect"] = f"{settings.MEDIA_ACCEL_PREFIX.rstrip('/')}/{path}"
    return response


def _finish(response: HttpResponseBase, headers: dict[str, str]) -> HttpResponseBase:
    for name, value in headers.items():
        if value:
            response[name] = value
    patch_vary_headers(response, ["Cookie", "Authorization"])
    return response


def _disposition(download_name: str) -> str:
    name = " ".join("".join(" " if _is_unsafe(character) else character for character in download_name).split())
    return content_disposition_header(True, name) or "" if name else ""


def _is_unsafe(character: str) -> bool:
    """Return whether a character in a file name separates folders, cannot be seen, or turns the direction of writing,
    with which ``gpj.exe`` would look like ``exe.jpg``."""
    if character in PATH_SEPARATORS:
        return True
    return unicodedata.category(character)[0] in "CZ" and character not in JOINERS
