"""The ``Idempotency-Key`` header: a request that is sent again with the same key creates no second job."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.core.files import File
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

HEADER = "Idempotency-Key"
PARAMETER = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Repeating a request with its key returns the same job. At most 100 characters.",
)


def idempotency_key(request: Request) -> str | None:
    """Return the request's idempotency key, or None.

    Raises:
        ValidationError: the key is not printable ASCII.
    """
    key = request.headers.get(HEADER)
    if key is not None and not (key.isascii() and key.isprintable()):
        raise ValidationError({HEADER: ["Use printable ASCII characters."]})
    return key or None


def request_digest(values: Mapping[str, Any]) -> str:
    """Return the digest of a checked request: two with the same values have the same one, in JSON or as a form."""
    plain = {name: _digest_of(value) if isinstance(value, File) else value for name, value in values.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode(errors="replace")).hexdigest()


def _digest_of(file: File) -> str:
    digest = hashlib.sha256()
    for block in file.chunks():
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()
