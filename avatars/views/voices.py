"""The page about cloned voices. Only teachers have it; other people's voices do not exist for these addresses (404)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from avatars.models import VoiceSample
from avatars.services import voices
from avatars.views.portraits import FORM_OVERHEAD_BYTES
from edu_platform.people import require_teacher
from talking_head import services as rendering
from talking_head.errors import EngineError, InvalidInput, TalkingHeadError

ACCEPT = "audio/*,.wav,.flac,.mp3,.m4a,.ogg,.webm"  # for file choosers; the server decides by content


class VoiceUploadForm(forms.Form):
    """A recording, who speaks, and that they agree. Whether it can be used is asked when it is stored."""

    recording = forms.FileField(
        label="Recording",
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
        error_messages={"required": "Choose a recording.", "empty": "The file is empty. Choose the recording again."},
    )
    name = forms.CharField(max_length=100, required=False, help_text="As you will find it again among the voices.")
    language = forms.ChoiceField(help_text="The language of the lessons that it will read.")
    consent_given_by = forms.CharField(
        max_length=200,
        label="Who speaks, and agrees",
        help_text="Your own name, or the name of the person who speaks.",
        error_messages={"required": "Name the person who agreed."},
    )
    consent = forms.BooleanField(
        label=voices.CONSENT_STATEMENT,
        error_messages={"required": "A voice can only be used when the person who speaks has agreed."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = list(rendering.cloning_languages().items())  # type: ignore[attr-defined]

    def clean_recording(self) -> UploadedFile:
        recording: UploadedFile = self.cleaned_data["recording"]
        if (recording.size or 0) > rendering.MAX_SAMPLE_BYTES:
            raise forms.ValidationError(str(rendering.sample_too_heavy()), code="audio_too_large")
        return recording


@require_safe
@login_required
def voice_list(request: HttpRequest) -> HttpResponse:
    user = _teacher(request)
    withdrawn = VoiceSample.objects.filter(owner=user).exclude(withdrawn_at=None).order_by("-withdrawn_at")
    languages = rendering.cloning_languages()
    context = {
        "samples": [
            {"row": sample, "language": languages.get(sample.language, sample.language)}
            for sample in voices.voice_samples_of(user)
        ],
        "withdrawn": withdrawn,
        "problem": rendering.cloning_problem(),
    }
    return render(request, "avatars/voice_list.html", context)


# Reading the CSRF token means reading the whole upload. So the declared size is looked at first, and the token after.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def voice_upload(request: HttpRequest) -> HttpResponse:
    _teacher(request)
    if rendering.cloning_problem():
        return redirect("voice_samples")  # which says what is missing
    declared_bytes = int(request.META.get("CONTENT_LENGTH") or 0)
    if request.method == "POST" and declared_bytes > rendering.MAX_SAMPLE_BYTES + FORM_OVERHEAD_BYTES:
        return _upload_page(request, VoiceUploadForm(), refusal=rendering.sample_too_heavy(), status=413)
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    user = _teacher(request)
    if request.method != "POST":
        return _upload_page(request, VoiceUploadForm(initial={"consent_given_by": user.get_full_name()}))
    form = VoiceUploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _upload_page(request, form, status=400)
    values = form.cleaned_data
    try:
        sample = voices.add_voice_sample(
            user,
            values["name"],
            values["recording"].read(),
            language=values["language"],
            consent_given_by=values["consent_given_by"],
        )
    except InvalidInput as error:
        return _upload_page(request, form, refusal=error, status=400)
    except TalkingHeadError as error:  # the recording may be fine, but this machine cannot take it now
        form.add_error(None, str(error))
        return _upload_page(request, form, status=503)
    messages.success(request, f"“{sample.name}” can read your lessons now. Pick it in a lesson's settings.")
    return redirect("voice_samples")


@require_POST
@login_required
def voice_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    user = _teacher(request)
    sample = get_object_or_404(VoiceSample, pk=pk, owner=user)
    try:
        voices.withdraw_voice_sample(sample)
    except TalkingHeadError as error:
        messages.error(request, f"The agreement is withdrawn, but the recording could not be deleted. {error}")
    else:
        messages.success(request, f"“{sample.name}” was withdrawn and its recording deleted.")
    return redirect("voice_samples")


def _teacher(request: HttpRequest) -> User:
    return require_teacher(request.user, "Only teachers can keep voices.")


def _upload_page(
    request: HttpRequest,
    form: VoiceUploadForm,
    *,
    refusal: InvalidInput | EngineError | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "problems": [{"severity": "stop", "message": refusal.message, "advice": refusal.hint}] if refusal else [],
        "max_megabytes": rendering.MAX_SAMPLE_BYTES // 1_000_000,
    }
    return render(request, "avatars/voice_upload.html", context, status=status)
