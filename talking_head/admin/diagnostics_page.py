"""The administrators' page of ``manage.py diagnose``: the same probes, the same wording. The probes take up to half a
minute, so they run in the background, and the page shows the last result with its time."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from talking_head.diagnostics import background


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def diagnosis_page(request: HttpRequest) -> HttpResponse:
    """Show the last diagnosis. The first GET starts one that does not load the processor; POST starts one, and with
    ``measure`` it also lets every engine render a second of video."""
    if not request.user.has_perm("talking_head.view_job"):
        raise PermissionDenied
    if request.method == "POST":
        background.start(measure="measure" in request.POST)
        return redirect(request.path)
    result = background.last_result()
    if result is None:
        background.start(measure=False)
    context = {
        **admin.site.each_context(request),
        "title": "Diagnosis",
        "result": result,
        "running_since": background.running_since(),
    }
    return TemplateResponse(request, "admin/talking_head/diagnosis.html", context)
