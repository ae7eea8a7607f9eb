"""The header ``Idempotency-Key``: a request that may be repeated asks for one video, however often it is sent."""

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
    description="The same key gives the same job, however often the request is sent. At most 100 characters.",
)


def idempotency_key(request: Request) -> str | None:
    """What the request says, or None.

    Raises:
        ValidationError: it is not printable ASCII.
    """
    key = request.headers.get(HEADER)
    if key is not None and not (key.isascii() and key.isprintable()):
        raise ValidationError({HEADER: ["Use printable ASCII characters."]})
    return key or None
