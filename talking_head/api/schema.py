"""The OpenAPI description, and helpers for it."""

from __future__ import annotations

import threading
from typing import Any

from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiResponse, extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from talking_head.api.requests import RequestSerializer
from talking_head.api.serializers import ErrorSerializer

CACHED_SECONDS = 3_600
ERRORS = {
    400: "The request is not valid; the hint says how to correct it.",
    401: "Not logged in.",
    403: "Not allowed.",
    404: "Not found, or not visible to the caller.",
    409: "Not possible in the current state.",
    413: "The request is too large.",
    415: "The body is in a form that is not accepted here.",
    422: "The idempotency key was sent with another request before.",
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


class RequestExtension(OpenApiSerializerExtension):
    """Says of everything that a client sends that other fields are refused."""

    target_class = RequestSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        fields = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**fields, "additionalProperties": False}


class SchemaView(SpectacularAPIView):
    """The description of this API. It is the same for every client and takes a second to generate, so each process
    does that once."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer = request.accepted_renderer
        response = HttpResponse(_rendered(renderer), content_type=renderer.media_type)
        response["Cache-Control"] = f"public, max-age={CACHED_SECONDS}"
        response["Content-Disposition"] = (
            f'inline; filename="Lectern.{"json" if "json" in renderer.format else "yaml"}"'
        )
        return response


_known: dict[str, str | bytes] = {}  # by media type
_generating = threading.Lock()


def _rendered(renderer: BaseRenderer) -> str | bytes:
    media_type = str(renderer.media_type)
    with _generating:  # a second client that asks meanwhile waits instead of generating it, too
        if media_type not in _known:
            description = SchemaGenerator().get_schema(public=True)
            _known[media_type] = renderer.render(description, renderer_context={})
        return _known[media_type]
