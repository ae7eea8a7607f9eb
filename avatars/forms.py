"""The forms of the pages about portraits and voices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from avatars.models import Portrait
from avatars.services import voices
from avatars.services.portraits import CONSENT_STATEMENT, MAX_UPLOAD_BYTES, name_from_file_name, too_many_bytes
from talking_head import services as rendering

# Filters of file choosers. The server decides by content; some systems know HEIC only by its extension.
ACCEPT = "image/jpeg,image/png,image/webp,image/avif,image/heic,image/heif,.heic,.heif"
ACCEPT_SOUND = "audio/*,.wav,.flac,.mp3,.m4a,.ogg,.webm"


class PortraitUploadForm(forms.Form):
    """A picture, who is in it, and their consent. Whether the picture can be used is checked when it is stored."""

    picture = forms.FileField(
        label="Picture",
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
        error_messages={"required": "Choose a picture.", "empty": "The file is empty. Choose the picture again."},
    )
    name = forms.CharField(
        max_length=100, required=False, label="Name", help_text="A name to find it by, for example “Ada, smiling”."
    )
    consent_given_by = forms.CharField(
        max_length=200,
        label="Person in the picture, who agrees",
        help_text="Your own name, or the name of the person shown.",
        error_messages={"required": "Enter the name of the person who agreed."},
    )
    consent = forms.BooleanField(
        label=CONSENT_STATEMENT,
        error_messages={"required": "A portrait can only be used if the person shown has agreed."},
    )
    is_shared = forms.BooleanField(required=False, label="Other teachers at this school may use it too")

    def clean_picture(self) -> UploadedFile:
        """Return the picture; refuse one that is too large."""
        picture: UploadedFile = self.cleaned_data["picture"]
        if (picture.size or 0) > MAX_UPLOAD_BYTES:
            raise forms.ValidationError(str(too_many_bytes()), code="image_too_large")
        return picture

    def clean(self) -> dict[str, object]:
        """Return the values; a missing name is made from the file name."""
        values = super().clean() or {}
        picture = values.get("picture")
        if isinstance(picture, UploadedFile) and not values.get("name"):
            values["name"] = name_from_file_name(picture.name or "")
        return values


class PortraitEditForm(forms.ModelForm):
    class Meta:
        model = Portrait
        fields = ("name", "is_shared")
        labels = {"is_shared": "Other teachers at this school may use it too"}


class VoiceUploadForm(forms.Form):
    """A recording, who speaks, and their consent. Whether it can be used is checked when it is stored."""

    recording = forms.FileField(
        label="Recording",
        widget=forms.FileInput(attrs={"accept": ACCEPT_SOUND}),
        error_messages={"required": "Choose a recording.", "empty": "The file is empty. Choose the recording again."},
    )
    name = forms.CharField(max_length=100, required=False, help_text="A name to find it by in the list of voices.")
    language = forms.ChoiceField(help_text="The language of the lessons it will read.")
    consent_given_by = forms.CharField(
        max_length=200,
        label="Person who speaks, and agrees",
        help_text="Your own name, or the name of the person who speaks.",
        error_messages={"required": "Enter the name of the person who agreed."},
    )
    consent = forms.BooleanField(
        label=voices.CONSENT_STATEMENT,
        error_messages={"required": "A voice can only be used if the person who speaks has agreed."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = list(rendering.cloning_languages().items())  # type: ignore[attr-defined]

    def clean_recording(self) -> UploadedFile:
        """Return the recording; refuse one that is too large."""
        recording: UploadedFile = self.cleaned_data["recording"]
        if (recording.size or 0) > rendering.MAX_SAMPLE_BYTES:
            raise forms.ValidationError(str(rendering.sample_too_heavy()), code="audio_too_large")
        return recording
