"""Probes: is this process alive, and should requests be sent to it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from talking_head.monitoring.health import readiness


@require_safe
@never_cache
def livez(_request: HttpRequest) -> HttpResponse:
    """The process answers; asks nobody else, so that a broken database does not get it restarted."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> HttpResponse:
    """Whether requests should be sent here, and if not, why."""
    found = readiness()
    return JsonResponse(found.as_json(), status=200 if found.is_ready else 503)
