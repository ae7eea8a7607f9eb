"""Helpers for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse

from talking_head.api.serializers import ErrorSerializer

ERRORS = {
    400: "The request is wrong; the hint says how to correct it.",
    401: "Not logged in.",
    403: "Not allowed.",
    404: "There is no such thing, or it may not be seen.",
    409: "Not possible in the present state.",
    429: "Too many requests; see Retry-After.",
    503: "Not possible right now: no space, no engine, a busy database.",
}


def answers(success: Any, status: int = 200, media_type: str = "application/json") -> dict[Any, OpenApiResponse]:
    """The responses of an endpoint: its own, and the errors that every endpoint may give."""
    errors = {
        (code, "application/json"): OpenApiResponse(ErrorSerializer, description)
        for code, description in ERRORS.items()
    }
    return {(status, media_type): OpenApiResponse(success), **errors}
