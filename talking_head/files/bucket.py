"""The bucket of several machines: named by ``AWS_STORAGE_BUCKET_NAME``, reached through django-storages.

Without that setting there is no bucket and ``MEDIA_ROOT`` is the truth. With it the bucket is, and ``MEDIA_ROOT`` is
what this machine happens to have at hand. Names in the bucket are the paths below ``MEDIA_ROOT``, except that the
published files of a job lie under the fence of their publisher (:mod:`talking_head.files.job_files`): no two attempts
share a key.

Everything here raises ``ResourceError`` ``storage_unavailable`` when the object storage does not do what it should,
after a few bounded attempts, or ``storage_damaged`` when it kept something else than was sent.
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
TRIES_WITHOUT_PROGRESS = 3
US = "us-east-1"  # the one region that must not be named


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the bucket says of an object; ``etag`` without its quotes, ``modified_at`` in seconds since the epoch."""

    size_bytes: int
    modified_at: int
    etag: str


class TransferCancelled(Exception):  # noqa: N818 - not an error: whoever waited for the transfers need not wait any more
    """The caller's reason to wait is gone."""


def is_enabled() -> bool:
    return bool(settings.AWS_STORAGE_BUCKET_NAME)


def is_installed() -> bool:
    return all(find_spec(package) for package in PACKAGES)


# --- single objects --------------------------------------------------------------------------------------------------


def upload(name: str, path: Path) -> None:
    """Returns when the file's bytes are in the bucket under ``name`` and have been checked there."""
    with map_os_errors(), path.open("rb") as file, _map_errors():
        _backend().save(name, File(file))


def upload_bytes(name: str, data: bytes) -> None:
    with _map_errors():
        _backend().save(name, ContentFile(data))


def download(name: str, path: Path) -> None:
    """Puts the object's bytes at ``path``, whole or not at all.

    Raises:
        FileNotFoundError: there is no such object.
    """
    found = stat(name)
    with local.temporary_file(b"") as temporary, map_os_errors():
        with temporary.open("wb") as file:
            file.writelines(blocks(name, found.etag, 0, found.size_bytes))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.chmod(local.READABLE)
        temporary.replace(path)


def exists(name: str) -> bool:
    with _map_errors():
        return bool(_backend().exists(name))


def delete(name: str) -> None:
    """Absent is fine."""
    with _map_errors():
        _backend().delete(name)


def names(prefix: str) -> list[str]:
    """All names that begin with ``prefix``."""
    with _map_errors():
        return [found.key for found in _backend().bucket.objects.filter(Prefix=prefix)]


def sizes(prefix: str) -> dict[str, int]:
    """Bytes by name, of all names that begin with ``prefix``."""
    with _map_errors():
        return {found.key: found.size for found in _backend().bucket.objects.filter(Prefix=prefix)}


def stat(name: str) -> StoredObject:
    """Raises:
    FileNotFoundError: there is no such object.
    """
    with _map_errors():
        head = _client().head_object(Bucket=_backend().bucket_name, Key=name)
    return StoredObject(head["ContentLength"], int(head["LastModified"].timestamp()), head["ETag"].strip('"'))


def blocks(name: str, etag: str, start: int, size_bytes: int) -> Iterator[bytes]:
    """Part of an object. A connection that breaks is taken up again where it broke, a few times, as long as the object
    is still the same."""
    position, end, tries = start, start + size_bytes, 0
    while position < end:
        try:
            with _map_errors():
                answer = _client().get_object(
                    Bucket=_backend().bucket_name, Key=name, Range=f"bytes={position}-{end - 1}", IfMatch=f'"{etag}"'
                )
                with contextlib.closing(answer["Body"]) as body:
                    for block in body.iter_chunks(BLOCK_BYTES):
                        yield block
                        position += len(block)
                        tries = 0
        except ResourceError:
            tries += 1
            if tries >= TRIES_WITHOUT_PROGRESS:
                raise


def signed_address(name: str, content_type: str) -> str:
    """An address at which a proxy gets the object without credentials, for less than a minute."""
    with _map_errors():
        return str(_backend().url(name, parameters={"ResponseContentType": content_type}))


# --- many at once ----------------------------------------------------------------------------------------------------


def transfer(work: Iterable[Callable[[], Any]], keep_going: Callable[[], bool] = lambda: True) -> None:
    """Does all of ``work`` in a few threads, while this one keeps a lease alive.

    ``keep_going`` is asked every ``poll_seconds``; the first error ends everything that has not begun.

    Raises:
        TransferCancelled: ``keep_going`` said no. What is being transferred then ends by itself: its keys are nobody
        else's, or name the very same bytes.
    """
    pending: set[Future[Any]] = {_pool(os.getpid()).submit(piece) for piece in work}
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


# --- how it is -------------------------------------------------------------------------------------------------------


def check() -> None:
    """One quick question: is the bucket there, and may we use it?"""
    client = _quick_client(os.getpid(), settings.AWS_S3_ENDPOINT_URL)
    try:
        with _map_errors():
            client.head_bucket(Bucket=settings.AWS_STORAGE_BUCKET_NAME)
    except FileNotFoundError as error:
        raise _unavailable(error) from error


def create() -> bool:
    """Makes the bucket, closed to the public as buckets are; False when it is there already."""
    try:
        check()
    except ResourceError:
        region = settings.AWS_S3_REGION_NAME
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region not in (None, US) else {}
        with _map_errors():
            _client().create_bucket(Bucket=settings.AWS_STORAGE_BUCKET_NAME, **where)
        _is_failing.clear()
        return True
    return False


_is_failing = Event()  # the bucket let this process down and has not answered since


def is_usable() -> bool:
    """False while the bucket is away: whoever claims work now could not finish it. Costs nothing while all is well."""
    if not is_enabled() or not _is_failing.is_set():
        return True
    try:
        check()
    except ResourceError as error:
        logger.warning("%s Work waits.", error.message)
        return False
    _is_failing.clear()
    return True


@contextlib.contextmanager
def _map_errors() -> Iterator[None]:
    """What boto says, in the words of our tree; that an object is absent, as Python says it of files."""
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
        "The object storage does not answer as it should.",
        code="storage_unavailable",
        hint="Nothing is lost: try again in a few minutes. An administrator finds the reason in the log.",
    )


# --- connections -----------------------------------------------------------------------------------------------------


def _backend() -> VerifiedS3Storage:
    return _backend_of(os.getpid(), settings.AWS_STORAGE_BUCKET_NAME, settings.AWS_S3_ENDPOINT_URL)


def _client() -> Any:
    return _backend().connection.meta.client


@lru_cache(maxsize=2)
def _backend_of(_pid: int, bucket_name: str, endpoint_url: str | None) -> VerifiedS3Storage:
    """By process number: a fork must not use its parent's connections."""
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
