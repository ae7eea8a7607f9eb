"""The portrait pages. Only teachers have them; these URLs answer 404 for other users' portraits."""

from __future__ import annotations

import base64
from typing import BinaryIO, cast

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
from avatars.services import consent, presenters
from avatars.services import portraits as services
from avatars.views.uploads import UploadPage, is_too_heavy, plain, problem_of
from edu_platform.body_limits import accepts_file
from edu_platform.paging import matching, paged, search_words
from edu_platform.people import require_teacher
from talking_head import services as rendering
from talking_head.api.errors import with_retry_after
from talking_head.errors import PortraitError, ResourceError, TalkingHeadError

CARDS_A_PAGE = 24
ROWS_A_PAGE = 50
SEARCHED = ("name", "owner__username", "owner__first_name", "owner__last_name")
THUMBNAIL_SIDE_PX = 480
THUMBNAIL_SECONDS = 86_400


@require_safe
@login_required
def portrait_list(request: HttpRequest) -> HttpResponse:
    """Show a teacher's portraits, those shared by others, and deleted ones."""
    user = _teacher(request)
    presenters.share_presenters()
    words = search_words(request)
    own = services.portraits_owned_by(user).filter(matching(words, "name"))
    shared = services.portraits_shared_with(user).select_related("owner").filter(matching(words, *SEARCHED))
    portraits = paged(request, own, CARDS_A_PAGE, anchor="own")
    others = paged(request, shared, CARDS_A_PAGE, parameter="shared", anchor="shared")
    withdrawn = paged(
        request, consent.withdrawn_portraits(user), ROWS_A_PAGE, parameter="withdrawn", anchor="withdrawn"
    )
    rows = withdrawn.rows
    context = {
        "portraits": portraits,
        "shared": others,
        "deleted": consent.restorable_portraits(user)[:CARDS_A_PAGE],
        "withdrawn": withdrawn,
        "hidden_videos": consent.count_hidden_videos(rendering.PORTRAIT, rows, user),
        "withdrawn_rows": rows,
        "words": words,
        "is_long": bool(words) or portraits.is_long or others.is_long,
    }
    return render(request, "avatars/portrait_list.html", context)


@accepts_file(services.MAX_UPLOAD_BYTES)
@csrf_exempt  # the page checks the token after it has checked the size
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def portrait_upload(request: HttpRequest) -> HttpResponse:
    """Show the upload form, or store the uploaded portrait."""
    user = _teacher(request)
    page = UploadPage(
        template="avatars/portrait_upload.html",
        form=PortraitUploadForm,
        max_file_bytes=services.MAX_UPLOAD_BYTES,
        too_heavy=services.too_many_bytes,
        add=_add,
        context={
            "accept": ACCEPT,
            "max_bytes": services.MAX_UPLOAD_BYTES,
            "good_face_px": rendering.GOOD_FACE_PX,
            "consent_statement": services.CONSENT_STATEMENT,
        },
    )
    return page.answer(request, user)


def _add(request: HttpRequest, user: User, form: PortraitUploadForm) -> HttpResponse:
    values = form.cleaned_data
    portrait = services.add_portrait(
        user,
        values["name"],
        values["picture"],
        consent_given_by=values["consent_given_by"],
        is_shared=values["is_shared"],
    )
    messages.success(request, f"“{portrait.name}” is ready to speak.")
    # The portrait's own page shows its hints; without hints, go back to the list.
    return redirect("portrait_edit", portrait.pk) if portrait.warnings else redirect("portrait_list")


@accepts_file(services.MAX_UPLOAD_BYTES)
@csrf_exempt
@require_POST
@login_required
def portrait_check(request: HttpRequest) -> HttpResponse:
    """Answer the report and a preview of a picture as soon as it is chosen; nothing is stored."""
    _teacher(request)
    if is_too_heavy(request, services.MAX_UPLOAD_BYTES):
        return JsonResponse({"problems": [problem_of(services.too_many_bytes())]})
    return _check(request)


@csrf_protect
def _check(request: HttpRequest) -> HttpResponse:
    picture = request.FILES.get("picture")
    if not isinstance(picture, UploadedFile) or (picture.size or 0) > services.MAX_UPLOAD_BYTES:
        return JsonResponse({"error": {"message": "Choose a picture."}}, status=400)
    name = services.name_from_file_name(picture.name or "")
    try:
        inspected = services.inspect_portrait(cast(BinaryIO, picture))
    except PortraitError as error:
        return JsonResponse({"problems": [problem_of(error)], "name": name})
    except TalkingHeadError as error:
        return with_retry_after(JsonResponse({"error": {"message": plain(error)}}, status=503), error)
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
    """Show a portrait's page, or save its name and sharing."""
    portrait = _own_portrait(request, pk, deleted=False)
    form = PortraitEditForm(request.POST or None, instance=portrait)
    if request.method == "POST" and form.is_valid():
        services.change_portrait(portrait, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("portrait_list")
    # An invalid form has already changed its instance; the heading must not show unsaved values.
    context = {"form": form, "portrait": _own_portrait(request, pk, deleted=False)}
    return render(request, "avatars/portrait_edit.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def portrait_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a portrait; the list then offers to undo it."""
    portrait = _own_portrait(request, pk)
    services.delete_portrait(portrait)
    return redirect("portrait_list")


@require_POST
@login_required
def portrait_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a portrait and its picture at once, without an undo."""
    portrait = _own_portrait(request, pk)
    try:
        services.withdraw_portrait(portrait)
    except TalkingHeadError as error:
        messages.error(request, f"The consent is withdrawn, and the picture will be deleted soon. {error}")
    else:
        messages.success(request, f"“{portrait.name}” was withdrawn and its picture deleted.")
    return redirect("portrait_list")


@require_POST
@login_required
def portrait_keep_videos(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the finished videos with a withdrawn portrait again."""
    portrait = _own_portrait(request, pk, deleted=True)
    consent.keep_videos(rendering.PORTRAIT, portrait)
    messages.success(request, f"The videos with “{portrait.name}” are shown again.")
    return redirect("portrait_list")


@require_POST
@login_required
def portrait_undelete(request: HttpRequest, pk: int) -> HttpResponse:
    """Restore a deleted portrait."""
    portrait = _own_portrait(request, pk)
    try:
        services.undelete_portrait(portrait)
    except PortraitError as error:
        messages.error(request, plain(error))
    else:
        messages.success(request, f"“{portrait.name}” was restored.")
    return redirect("portrait_list")


@require_safe
@login_required
def portrait_thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """Serve a small picture for cards and choosers, because the stored one may have megabytes."""
    portrait = get_object_or_404(Portrait, pk=pk)
    if not rendering.may_view_portrait(request.user, portrait.digest):
        raise Http404
    try:
        data = services.thumbnail(portrait, max_side_px=THUMBNAIL_SIDE_PX)
    except ResourceError as error:  # no time for it now, or no disk: another try may help
        return with_retry_after(HttpResponse(plain(error), content_type="text/plain", status=503), error)
    except TalkingHeadError as error:
        raise Http404 from error
    response = HttpResponse(data, content_type="image/jpeg")
    response["Cache-Control"] = f"private, max-age={THUMBNAIL_SECONDS}, immutable"  # a row's picture never changes
    return response


def _teacher(request: HttpRequest) -> User:
    return require_teacher(request.user, "Only teachers can have portraits.")


def _own_portrait(request: HttpRequest, pk: int, *, deleted: bool | None = None) -> Portrait:
    """Return the user's own portrait; ``deleted`` True or False accepts only such, None both."""
    portrait = get_object_or_404(Portrait, pk=pk, owner=_teacher(request))
    if deleted is not None and portrait.is_deleted != deleted:
        raise Http404
    return portrait
