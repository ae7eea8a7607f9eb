"""django-storages' S3 backend, with every upload verified. Imported only when there is a bucket: it needs
requirements/s3.txt.

- Bounded: every attempt has a time limit, a request is retried a few times with growing pauses, always under the same
  key.
- Verified: an upload states its sha256, so the server rejects bytes that do not match; then the size and the digest of
  the stored object are compared. From a server that stores no digests the bytes are read back.
- Private: no ACLs, and signed URLs that are valid for less than a minute.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Protocol

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from django.core.files.base import File
from storages.backends.s3 import S3Storage

from talking_head.errors import ResourceError
from talking_head.timing import timing

SIGNED_SECONDS = 50  # a revoked right ends within a minute
CONNECT_SECONDS = 5.0
BLOCK_BYTES = 256 * 1024


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class VerifiedS3Storage(S3Storage):
    """An S3 storage whose ``save`` returns when the bytes are in the bucket and have been verified."""

    def get_default_settings(self) -> dict[str, Any]:
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": super().get_default_settings()["addressing_style"]},
            connect_timeout=min(CONNECT_SECONDS, timing().bucket_seconds),
            read_timeout=timing().bucket_seconds,
            retries={"mode": "standard", "total_max_attempts": timing().bucket_attempts},
            # Only the digests that are requested here: not every S3 server understands those that are added by default.
            request_checksum_calculation="when_required",
        )
        return {
            **super().get_default_settings(),
            "client_config": config,
            "transfer_config": TransferConfig(use_threads=False),  # the callers have threads of their own
            "querystring_expire": SIGNED_SECONDS,
            "file_overwrite": True,
            "default_acl": None,
        }

    def _save(self, name: str, content: File) -> str:
        """Upload with one PUT (S3 accepts 5 GB), so that the digest is the whole file's."""
        content.seek(0)
        digest, size_bytes = _sha256_of(content)
        content.seek(0)
        self.connection.meta.client.put_object(
            Bucket=self.bucket_name, Key=name, Body=content, ContentLength=size_bytes, ChecksumSHA256=digest
        )
        self._verify(name, digest, size_bytes)
        return name

    def _verify(self, name: str, digest: str, size_bytes: int) -> None:
        client = self.connection.meta.client
        head = client.head_object(Bucket=self.bucket_name, Key=name, ChecksumMode="ENABLED")
        stored = head.get("ChecksumSHA256")
        if stored is None:
            stored, _ = _sha256_of(client.get_object(Bucket=self.bucket_name, Key=name)["Body"])
        if (stored, head["ContentLength"]) != (digest, size_bytes):
            raise ResourceError(
                "A file was damaged during its upload to the object storage.",
                code="storage_damaged",
                hint="Try again.",
            )


def _sha256_of(content: Readable) -> tuple[str, int]:
    """Return the digest (Base64, as S3 writes it) and the size of the rest of ``content``."""
    digest, size_bytes = hashlib.sha256(), 0
    while block := content.read(BLOCK_BYTES):
        digest.update(block)
        size_bytes += len(block)
    return base64.b64encode(digest.digest()).decode(), size_bytes
