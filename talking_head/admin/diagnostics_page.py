"""The administrators' page of ``manage.py diagnose``: the same probes, the same wording."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from talking_head.diagnostics.diagnosis import Depth, diagnose
from talking_head.diagnostics.wording import fact_rows


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def diagnosis_page(request: HttpRequest) -> HttpResponse:
    """Show a diagnosis: GET does not load the processor, POST also lets every engine render a second of video."""
    if not request.user.has_perm("talking_head.view_job"):
        raise PermissionDenied
    report = diagnose(Depth(measure=request.method == "POST"))
    context = {
        **admin.site.each_context(request),
        "title": "Diagnosis",
        "report": report.as_json(),
        "rows": fact_rows(report),
        "measured": request.method == "POST",
    }
    return TemplateResponse(request, "admin/talking_head/diagnosis.html", context)
