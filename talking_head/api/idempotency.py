"""The ``Idempotency-Key`` header: a request that is sent again with the same key creates no second job."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

HEADER = "Idempotency-Key"
PARAMETER = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Requests with the same key return the same job. At most 100 characters.",
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
