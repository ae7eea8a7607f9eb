"""The forms of the pages about portraits and voices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from avatars.models import Portrait
from avatars.services import voices
from avatars.services.portraits import CONSENT_STATEMENT, MAX_UPLOAD_BYTES, name_from_file_name, too_many_bytes
from talking_head import services as rendering

# What file choosers offer. The server decides by content; some systems know HEIC by its ending only.
ACCEPT = "image/jpeg,image/png,image/webp,image/avif,image/heic,image/heif,.heic,.heif"
ACCEPT_SOUND = "audio/*,.wav,.flac,.mp3,.m4a,.ogg,.webm"


class PortraitUploadForm(forms.Form):
    """A picture, who is in it, and that they agree. Whether the picture can be used is asked when it is stored."""

    picture = forms.FileField(
        label="Picture",
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
        error_messages={"required": "Choose a picture.", "empty": "The file is empty. Choose the picture again."},
    )
    name = forms.CharField(
        max_length=100, required=False, label="Name", help_text="As you will find it again, for example “Ada, smiling”."
    )
    consent_given_by = forms.CharField(
        max_length=200,
        label="Who is in the picture, and agrees",
        help_text="Your own name, or the name of the person shown.",
        error_messages={"required": "Name the person who agreed."},
    )
    consent = forms.BooleanField(
        label=CONSENT_STATEMENT,
        error_messages={"required": "A portrait can only be used when the person shown has agreed."},
    )
    is_shared = forms.BooleanField(required=False, label="Other teachers of this school may use it too")

    def clean_picture(self) -> UploadedFile:
        picture: UploadedFile = self.cleaned_data["picture"]
        if (picture.size or 0) > MAX_UPLOAD_BYTES:
            raise forms.ValidationError(str(too_many_bytes()), code="image_too_large")
        return picture

    def clean(self) -> dict[str, object]:
        values = super().clean() or {}
        picture = values.get("picture")
        if isinstance(picture, UploadedFile) and not values.get("name"):
            values["name"] = name_from_file_name(picture.name or "")
        return values


class PortraitEditForm(forms.ModelForm):
    class Meta:
        model = Portrait
        fields = ("name", "is_shared")
        labels = {"is_shared": "Other teachers of this school may use it too"}


class VoiceUploadForm(forms.Form):
    """A recording, who speaks, and that they agree. Whether it can be used is asked when it is stored."""

    recording = forms.FileField(
        label="Recording",
        widget=forms.FileInput(attrs={"accept": ACCEPT_SOUND}),
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
