"""Probes: is this process alive, and should requests be sent to it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from talking_head.monitoring.health import readiness


@require_safe
@never_cache
def livez(_request: HttpRequest) -> HttpResponse:
    """Answer that the process is alive; check nothing else, so that a broken database does not get it restarted."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer whether requests should be sent here, and if not, why."""
    result = readiness()
    return JsonResponse(result.as_json(), status=200 if result.is_ready else 503)
