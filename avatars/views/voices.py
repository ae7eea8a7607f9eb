"""The pages about cloned voices. Only teachers have them; these URLs answer 404 for other users' voices."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from avatars.forms import VoiceUploadForm
from avatars.models import VoiceSample
from avatars.services import consent, voices
from avatars.views.uploads import UploadPage, plain
from edu_platform.body_limits import accepts_file
from edu_platform.paging import paged
from edu_platform.people import require_teacher
from talking_head import services as rendering
from talking_head.errors import TalkingHeadError

ROWS_A_PAGE = 50


@require_safe
@login_required
def voice_list(request: HttpRequest) -> HttpResponse:
    """Show a teacher's voices and withdrawn ones."""
    user = _teacher(request)
    gone = VoiceSample.objects.filter(owner=user, withdrawn_at__isnull=False).order_by("-withdrawn_at", "pk")
    withdrawn = paged(request, gone, ROWS_A_PAGE, parameter="withdrawn", anchor="withdrawn")
    rows = withdrawn.rows
    languages = rendering.cloning_languages()
    context = {
        "samples": [
            {"row": sample, "language": languages.get(sample.language, sample.language)}
            for sample in voices.voice_samples_of(user)
        ],
        "withdrawn": withdrawn,
        "hidden_videos": consent.count_hidden_videos(rendering.VOICE, rows, user),
        "withdrawn_rows": rows,
        "problem": rendering.cloning_problem(),
    }
    return render(request, "avatars/voice_list.html", context)


@accepts_file(rendering.MAX_SAMPLE_BYTES)
@csrf_exempt  # the page checks the token after it has checked the size
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def voice_upload(request: HttpRequest) -> HttpResponse:
    """Show the upload form, or store the uploaded recording."""
    user = _teacher(request)
    if rendering.cloning_problem():
        return redirect("voice_samples")  # which shows what is missing
    page = UploadPage(
        template="avatars/voice_upload.html",
        form=VoiceUploadForm,
        max_file_bytes=rendering.MAX_SAMPLE_BYTES,
        too_heavy=rendering.sample_too_heavy,
        add=_add,
        context={},
    )
    return page.answer(request, user)


def _add(request: HttpRequest, user: User, form: VoiceUploadForm) -> HttpResponse:
    values = form.cleaned_data
    sample = voices.add_voice_sample(
        user,
        values["name"],
        values["recording"],
        language=values["language"],
        consent_given_by=values["consent_given_by"],
    )
    messages.success(request, f"“{sample.name}” can now read your lessons. Choose it in the lesson editor.")
    return redirect("voice_samples")


@require_POST
@login_required
def voice_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a voice and delete its recording."""
    user = _teacher(request)
    sample = get_object_or_404(VoiceSample, pk=pk, owner=user)
    try:
        voices.withdraw_voice_sample(sample)
    except TalkingHeadError as error:
        messages.error(request, f"The agreement is withdrawn, but the recording could not be deleted. {plain(error)}")
    else:
        messages.success(request, f"“{sample.name}” was withdrawn and its recording deleted.")
    return redirect("voice_samples")


@require_POST
@login_required
def voice_keep_videos(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the finished videos with a withdrawn voice again."""
    sample = get_object_or_404(VoiceSample.objects.exclude(withdrawn_at=None), pk=pk, owner=_teacher(request))
    consent.keep_videos(rendering.VOICE, sample)
    messages.success(request, f"The videos with “{sample.name}” are shown again.")
    return redirect("voice_samples")


def _teacher(request: HttpRequest) -> User:
    return require_teacher(request.user, "Only teachers can have voices.")
