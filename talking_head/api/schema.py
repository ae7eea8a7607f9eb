"""Helpers for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse

from talking_head.api.serializers import ErrorSerializer

ERRORS = {
    400: "The request is not valid; the hint says how to correct it.",
    401: "Not logged in.",
    403: "Not allowed.",
    404: "Not found, or not visible to the caller.",
    409: "Not possible in the current state.",
    429: "Too many requests; see Retry-After.",
    503: "Not possible right now: no disk space, no engine, or a busy database.",
}


def answers(success: Any, status: int = 200, media_type: str = "application/json") -> dict[Any, OpenApiResponse]:
    """Return the responses of an endpoint: its own, and the errors that every endpoint may return."""
    errors = {
        (code, "application/json"): OpenApiResponse(ErrorSerializer, description)
        for code, description in ERRORS.items()
    }
    return {(status, media_type): OpenApiResponse(success), **errors}
