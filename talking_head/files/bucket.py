"""The bucket that several machines share: named by ``AWS_STORAGE_BUCKET_NAME``, accessed through django-storages.

Without that setting there is no bucket and ``MEDIA_ROOT`` is authoritative. With it the bucket is authoritative, and
``MEDIA_ROOT`` is this machine's copy of a part of it. Storage keys are the paths below ``MEDIA_ROOT``, except that the
published files of a job are below the fence of their publisher (:mod:`talking_head.files.job_files`): no two attempts
share a key.

The functions here raise ``ResourceError`` ``storage_unavailable`` when the object storage fails after a few bounded
attempts, or ``storage_damaged`` when it stored other bytes than were sent.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages

from talking_head.errors import ResourceError, map_os_errors
from talking_head.files import local
from talking_head.timing import timing

if TYPE_CHECKING:
    from talking_head.files.s3_backend import VerifiedS3Storage

logger = logging.getLogger(__name__)

PACKAGES = ("storages", "boto3")
THREADS = 4
BLOCK_BYTES = 128 * 1024
ATTEMPTS_WITHOUT_PROGRESS = 3
US = "us-east-1"  # the only region that must not be passed to create_bucket


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in the bucket; ``etag`` without its quotes, ``modified_at`` in seconds since the epoch."""

    size_bytes: int
    modified_at: int
    etag: str


class TransferCancelled(Exception):  # noqa: N818 - not an error: the caller no longer needs the transfers
    """The caller no longer waits for the transfers."""


def is_enabled() -> bool:
    return bool(settings.AWS_STORAGE_BUCKET_NAME)


def is_installed() -> bool:
    return all(find_spec(package) for package in PACKAGES)


# --- single objects --------------------------------------------------------------------------------------------------


def upload(name: str, path: Path) -> None:
    """Upload a file; return when its bytes are in the bucket under ``name`` and have been verified there."""
    with map_os_errors(), path.open("rb") as file, _map_errors():
        _backend().save(name, File(file))


def upload_bytes(name: str, data: bytes) -> None:
    with _map_errors():
        _backend().save(name, ContentFile(data))


def download(name: str, path: Path) -> None:
    """Download the object to ``path``, whole or not at all.

    Raises:
        FileNotFoundError: there is no such object.
    """
    stored = stat(name)
    with local.temporary_file(b"") as temporary, map_os_errors():
        with temporary.open("wb") as file:
            file.writelines(blocks(name, stored.etag, 0, stored.size_bytes))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.chmod(local.READABLE)
        temporary.replace(path)


def exists(name: str) -> bool:
    with _map_errors():
        return bool(_backend().exists(name))


def delete(name: str) -> None:
    """Delete the object; do nothing if it does not exist."""
    with _map_errors():
        _backend().delete(name)


def names(prefix: str) -> list[str]:
    """Return all storage keys that begin with ``prefix``."""
    with _map_errors():
        return [summary.key for summary in _backend().bucket.objects.filter(Prefix=prefix)]


def sizes(prefix: str) -> dict[str, int]:
    """Return the sizes in bytes of all objects whose storage keys begin with ``prefix``, by storage key."""
    with _map_errors():
        return {summary.key: summary.size for summary in _backend().bucket.objects.filter(Prefix=prefix)}


def stat(name: str) -> StoredObject:
    """Return the properties of an object.

    Raises:
        FileNotFoundError: there is no such object.
    """
    with _map_errors():
        head = _client().head_object(Bucket=_backend().bucket_name, Key=name)
    return StoredObject(head["ContentLength"], int(head["LastModified"].timestamp()), head["ETag"].strip('"'))


def blocks(name: str, etag: str, start: int, size_bytes: int) -> Iterator[bytes]:
    """Yield part of an object in blocks. A broken connection is resumed where it broke, a few times, as long as the
    object is still the same."""
    position, end, attempts = start, start + size_bytes, 0
    while position < end:
        try:
            with _map_errors():
                response = _client().get_object(
                    Bucket=_backend().bucket_name, Key=name, Range=f"bytes={position}-{end - 1}", IfMatch=f'"{etag}"'
                )
                with contextlib.closing(response["Body"]) as body:
                    for block in body.iter_chunks(BLOCK_BYTES):
                        yield block
                        position += len(block)
                        attempts = 0
        except ResourceError:
            attempts += 1
            if attempts >= ATTEMPTS_WITHOUT_PROGRESS:
                raise


def signed_url(name: str, content_type: str) -> str:
    """Return a URL from which a proxy can fetch the object without credentials, for less than a minute."""
    with _map_errors():
        return str(_backend().url(name, parameters={"ResponseContentType": content_type}))


# --- many at once ----------------------------------------------------------------------------------------------------


def transfer(work: Iterable[Callable[[], Any]], keep_going: Callable[[], bool] = lambda: True) -> None:
    """Run all of ``work`` in a few threads, while the calling thread can renew a lease.

    ``keep_going`` is called every ``poll_seconds``; the first error cancels everything that has not begun.

    Raises:
        TransferCancelled: ``keep_going`` returned False. Transfers that have begun then finish by themselves: no other
            process uses their keys, or they write the same bytes.
    """
    pending: set[Future[Any]] = {_pool(os.getpid()).submit(task) for task in work}
    try:
        while pending:
            done, pending = wait(pending, timeout=timing().poll_seconds, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            if pending and not keep_going():
                raise TransferCancelled
    finally:
        for future in pending:
            future.cancel()


# --- availability ----------------------------------------------------------------------------------------------------


def check() -> None:
    """Check quickly that the bucket exists and that this process may use it."""
    client = _quick_client(os.getpid(), settings.AWS_S3_ENDPOINT_URL)
    try:
        with _map_errors():
            client.head_bucket(Bucket=settings.AWS_STORAGE_BUCKET_NAME)
    except FileNotFoundError as error:
        raise _unavailable(error) from error


def create() -> bool:
    """Create the bucket, private as buckets are by default; return False if it already exists."""
    try:
        check()
    except ResourceError:
        region = settings.AWS_S3_REGION_NAME
        location = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region not in (None, US) else {}
        with _map_errors():
            _client().create_bucket(Bucket=settings.AWS_STORAGE_BUCKET_NAME, **location)
        _is_failing.clear()
        return True
    return False


_is_failing = Event()  # set when a request to the bucket failed, until a check succeeds


def is_usable() -> bool:
    """Return False while the bucket is unavailable: a worker that claims work now could not finish it. Costs nothing
    while there was no failure."""
    if not is_enabled() or not _is_failing.is_set():
        return True
    try:
        check()
    except ResourceError as error:
        logger.warning("%s Work is paused.", error.message)
        return False
    _is_failing.clear()
    return True


@contextlib.contextmanager
def _map_errors() -> Iterator[None]:
    """Raise boto's errors as errors of this package, and a missing object as ``FileNotFoundError``."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404 and error.response.get("Error", {}).get("Code") != "NoSuchBucket":
            raise FileNotFoundError("There is no such object.") from error
        raise _unavailable(error) from error
    except (Boto3Error, BotoCoreError, HTTPClientError) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> ResourceError:
    _is_failing.set()
    logger.warning("object storage: %s", error)
    return ResourceError(
        "The object storage is not available.",
        code="storage_unavailable",
        hint="Nothing is lost: try again in a few minutes. The log shows administrators the reason.",
    )


# --- connections -----------------------------------------------------------------------------------------------------


def _backend() -> VerifiedS3Storage:
    return _backend_of(os.getpid(), settings.AWS_STORAGE_BUCKET_NAME, settings.AWS_S3_ENDPOINT_URL)


def _client() -> Any:
    return _backend().connection.meta.client


@lru_cache(maxsize=2)
def _backend_of(_pid: int, bucket_name: str, endpoint_url: str | None) -> VerifiedS3Storage:
    """Return the backend of one process: a fork must not use its parent's connections."""
    options = {"bucket_name": bucket_name, "endpoint_url": endpoint_url}
    backend: Any = storages.create_storage({**settings.STORAGES["default"], "OPTIONS": options})
    return cast("VerifiedS3Storage", backend)


@lru_cache(maxsize=2)
def _quick_client(_pid: int, endpoint_url: str | None) -> Any:
    from botocore.config import Config

    backend = _backend_of(_pid, settings.AWS_STORAGE_BUCKET_NAME, endpoint_url)
    quick = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1})
    config = backend.client_config.merge(quick)
    session = backend._create_session()
    return session.client("s3", region_name=backend.region_name, endpoint_url=endpoint_url, config=config)


@lru_cache(maxsize=2)
def _pool(_pid: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="bucket")
