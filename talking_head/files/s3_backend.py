"""django-storages' S3 backend, made to distrust what it talks to. Imported only when there is a bucket: it needs
requirements/s3.txt.

- Bounded: every attempt has a time limit, a request is tried a few times with growing pauses, always under the same
  key.
- Verified: an upload says its sha256, so the server refuses what arrives otherwise; then the size and the digest of
  what is really there are compared. A server that keeps no digests is asked for the bytes.
- Private: no ACLs, and signed addresses that are good for less than a minute.
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

SIGNED_SECONDS = 50  # a right that is taken away ends within a minute
CONNECT_SECONDS = 5.0
BLOCK_BYTES = 256 * 1024


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class VerifiedS3Storage(S3Storage):
    """``save`` returns when the bytes are in the bucket and have been checked."""

    def get_default_settings(self) -> dict[str, Any]:
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": super().get_default_settings()["addressing_style"]},
            connect_timeout=min(CONNECT_SECONDS, timing().bucket_seconds),
            read_timeout=timing().bucket_seconds,
            retries={"mode": "standard", "total_max_attempts": timing().bucket_attempts},
            # Only the digests that we ask for: not every S3 server understands the ones that are added by default.
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
        """One PUT (S3 takes 5 GB), so that the digest is the whole file's."""
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
                "A file was damaged on its way into the object storage.", code="storage_damaged", hint="Try again."
            )


def _sha256_of(content: Readable) -> tuple[str, int]:
    """Digest (Base64, as S3 writes it) and size of what is left to read."""
    digest, size_bytes = hashlib.sha256(), 0
    while block := content.read(BLOCK_BYTES):
        digest.update(block)
        size_bytes += len(block)
    return base64.b64encode(digest.digest()).decode(), size_bytes
