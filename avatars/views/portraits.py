"""The portrait pages. Only teachers have them; other people's portraits do not exist for these addresses (404)."""

from __future__ import annotations

import base64
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from avatars.forms import ACCEPT, PortraitEditForm, PortraitUploadForm
from avatars.models import Portrait
from avatars.services import portraits as services
from edu_platform.people import require_teacher
from talking_head import services as rendering
from talking_head.errors import PortraitError, TalkingHeadError

FORM_OVERHEAD_BYTES = 200_000  # the other fields and the envelope around the file
THUMBNAIL_SIDE_PX = 480
THUMBNAIL_SECONDS = 86_400


@require_safe
@login_required
def portrait_list(request: HttpRequest) -> HttpResponse:
    user = _teacher(request)
    deleted = Portrait.objects.filter(owner=user).exclude(deleted_at=None).order_by("-deleted_at")
    context = {
        "portraits": services.portraits_owned_by(user),
        "shared": services.portraits_shared_with(user).select_related("owner"),
        "deleted": deleted,
        "just_deleted": next(
            (portrait for portrait in deleted if str(portrait.pk) == request.GET.get("deleted")), None
        ),
    }
    return render(request, "avatars/portrait_list.html", context)


# Reading the CSRF token means reading the whole upload. So the declared size is looked at first, and the token after.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def portrait_upload(request: HttpRequest) -> HttpResponse:
    _teacher(request)
    if _is_too_heavy(request):
        return _upload_page(request, PortraitUploadForm(), refusal=services.too_many_bytes(), status=413)
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _upload_page(request, PortraitUploadForm(initial={"consent_given_by": _own_name(request)}))
    form = PortraitUploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _upload_page(request, form, status=400)
    values = form.cleaned_data
    try:
        portrait = services.add_portrait(
            _teacher(request),
            values["name"],
            values["picture"].read(),
            consent_given_by=values["consent_given_by"],
            is_shared=values["is_shared"],
        )
    except PortraitError as error:
        return _upload_page(request, form, refusal=error, status=400)
    except TalkingHeadError as error:  # the picture may be fine, but this machine cannot take it now
        form.add_error(None, str(error))
        return _upload_page(request, form, status=503)
    messages.success(request, f"“{portrait.name}” is ready to speak.")
    # With advice to read, the portrait's own page comes next; without, the list.
    return redirect("portrait_edit", portrait.pk) if portrait.warnings else redirect("portrait_list")


@csrf_exempt
@require_POST
@login_required
def portrait_check(request: HttpRequest) -> HttpResponse:
    """What the upload page shows as soon as a picture is chosen: the report and a preview. Keeps nothing."""
    _teacher(request)
    if _is_too_heavy(request):
        return JsonResponse({"problems": [_as_problem(services.too_many_bytes())]})
    return _check(request)


@csrf_protect
def _check(request: HttpRequest) -> HttpResponse:
    picture = request.FILES.get("picture")
    if not isinstance(picture, UploadedFile) or (picture.size or 0) > services.MAX_UPLOAD_BYTES:
        return JsonResponse({"error": {"message": "Choose a picture."}}, status=400)
    name = services.name_from_file_name(picture.name or "")
    try:
        inspected = services.inspect_portrait(picture.read())
    except PortraitError as error:
        return JsonResponse({"problems": [_as_problem(error)], "name": name})
    except TalkingHeadError as error:
        return JsonResponse({"error": {"message": str(error)}}, status=503)
    preview = base64.b64encode(inspected.preview_jpeg).decode()
    return JsonResponse(
        {
            "problems": inspected.report.to_json()["problems"],
            "name": name,
            "width_px": inspected.width_px,
            "height_px": inspected.height_px,
            "preview_url": f"data:image/jpeg;base64,{preview}",
        }
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def portrait_edit(request: HttpRequest, pk: int) -> HttpResponse:
    portrait = _own_portrait(request, pk, deleted=False)
    form = PortraitEditForm(request.POST or None, instance=portrait)
    if request.method == "POST" and form.is_valid():
        services.change_portrait(portrait, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("portrait_list")
    # An invalid form has already written into its instance; the heading must not show what was not saved.
    context = {"form": form, "portrait": _own_portrait(request, pk, deleted=False)}
    return render(request, "avatars/portrait_edit.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def portrait_delete(request: HttpRequest, pk: int) -> HttpResponse:
    portrait = _own_portrait(request, pk)
    services.delete_portrait(portrait)
    response = redirect("portrait_list")
    response["Location"] += f"?deleted={portrait.pk}"
    return response


@require_POST
@login_required
def portrait_undelete(request: HttpRequest, pk: int) -> HttpResponse:
    portrait = _own_portrait(request, pk)
    try:
        services.undelete_portrait(portrait)
    except PortraitError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"“{portrait.name}” is back.")
    return redirect("portrait_list")


@require_safe
@login_required
def portrait_thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """A small picture for cards and choosers: the stored one may have megabytes."""
    portrait = get_object_or_404(Portrait, pk=pk)
    if not rendering.may_view_portrait(request.user, portrait.digest):
        raise Http404
    try:
        data = services.thumbnail(portrait, max_side_px=THUMBNAIL_SIDE_PX)
    except TalkingHeadError as error:
        raise Http404 from error
    response = HttpResponse(data, content_type="image/jpeg")
    response["Cache-Control"] = f"private, max-age={THUMBNAIL_SECONDS}, immutable"  # a row's picture never changes
    return response


def _teacher(request: HttpRequest) -> User:
    return require_teacher(request.user, "Only teachers can keep portraits.")


def _own_portrait(request: HttpRequest, pk: int, *, deleted: bool | None = None) -> Portrait:
    """The person's own portrait; ``deleted`` True or False accepts only such, None both."""
    portrait = get_object_or_404(Portrait, pk=pk, owner=_teacher(request))
    if deleted is not None and portrait.is_deleted != deleted:
        raise Http404
    return portrait


def _own_name(request: HttpRequest) -> str:
    user = _teacher(request)
    return user.get_full_name() or user.get_username()


def _is_too_heavy(request: HttpRequest) -> bool:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    return declared.isdecimal() and int(declared) > services.MAX_UPLOAD_BYTES + FORM_OVERHEAD_BYTES


def _as_problem(error: PortraitError) -> dict[str, str]:
    return {"code": error.code, "severity": "stop", "message": error.message, "advice": error.hint}


def _upload_page(
    request: HttpRequest, form: PortraitUploadForm, *, refusal: PortraitError | None = None, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "problems": [_as_problem(refusal)] if refusal else [],
        "accept": ACCEPT,
        "max_bytes": services.MAX_UPLOAD_BYTES,
        "max_megabytes": services.MAX_UPLOAD_BYTES // 1_000_000,
        "consent_statement": services.CONSENT_STATEMENT,
    }
    return render(request, "avatars/portrait_upload.html", context, status=status)
