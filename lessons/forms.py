"""The forms of the pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.db.models import Case, QuerySet, When
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from avatars.models import Portrait
from avatars.services import portraits as avatars
from avatars.services import presenters
from edu_platform.paging import matching
from lessons import services
from lessons.models import Course, Lesson
from talking_head import profiles
from talking_head import services as rendering
from talking_head.errors import TalkingHeadError
from talking_head.services import Voice

SCRIPT_MAX_CHARACTERS = 200_000  # far more than a job accepts; keeps a pasted book out of the database
MAX_PORTRAITS = 24  # beside the chosen one; a search finds the others
SLOWEST, FASTEST, SPEED_STEP = 0.5, 2.0, 0.05


class CourseForm(forms.ModelForm):
    class Meta:
        model = Course
        fields = ("title", "description")
        widgets = {
            "title": forms.TextInput(attrs={"dir": "auto"}),
            "description": forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        }
        error_messages = {"title": {"required": "A course needs a title."}}
        help_texts = {"description": "One or two sentences that tell students what they will learn."}


class NewLessonForm(forms.Form):
    title = forms.CharField(
        max_length=200,
        label="New lesson",
        widget=forms.TextInput(attrs={"placeholder": "Lesson title", "autocomplete": "off", "dir": "auto"}),
        error_messages={"required": "A lesson needs a title."},
    )


class AddStudentForm(forms.Form):
    username = forms.CharField(
        max_length=150,
        label="Invite a student",
        widget=forms.TextInput(attrs={"placeholder": "User name", "autocomplete": "off", "autocapitalize": "none"}),
        error_messages={"required": "Enter the student's user name."},
    )


def focus_first_error(form: forms.BaseForm) -> None:
    """Give the first field with an error the focus when the page opens, with and without JavaScript."""
    for name in form.errors:
        if name in form.fields:
            form.fields[name].widget.attrs["autofocus"] = True
            return


def _voices(teacher: User) -> tuple[Voice, ...]:
    """Return the teacher's voices; none when no speech engine works here: a text can still be written, and *Generate*
    explains what is wrong."""
    try:
        return rendering.voices_for(teacher)
    except TalkingHeadError:
        return ()


def _voice_label(voice: Voice) -> str:
    """Return the voice's label, which may name its language already: a long line is cut off on a phone."""
    return voice.label if "(" in voice.label else f"{voice.label} ({voice.language})"


class RangeInput(forms.NumberInput):
    """A slider: it always has a value, so HTML does not allow ``required`` there."""

    input_type = "range"
    use_required_attribute = staticmethod(lambda initial: False)


class LessonForm(forms.Form):
    """Everything the editor saves. A half-written text is fine; *Generate* checks whether it can be spoken."""

    title = forms.CharField(max_length=200, error_messages={"required": "A lesson needs a title."})
    script = forms.CharField(
        required=False,
        strip=False,
        max_length=SCRIPT_MAX_CHARACTERS,
        label="Text",
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "true"}),
    )
    portrait = forms.ModelChoiceField(queryset=Portrait.objects.none(), required=False, empty_label=None)
    voice = forms.ChoiceField(required=False)
    speed = forms.FloatField(
        min_value=SLOWEST,
        max_value=FASTEST,
        widget=RangeInput(attrs={"min": SLOWEST, "max": FASTEST, "step": SPEED_STEP}),
    )
    profile = forms.ChoiceField(
        choices=[(name, name.title()) for name in profiles.ASKABLE_PROFILES], widget=forms.RadioSelect
    )
    portrait_words = forms.CharField(required=False, max_length=100, label="Search portraits")
    narration = forms.UUIDField(required=False, widget=forms.HiddenInput)
    recording = forms.FileField(required=False, max_length=1_000)  # without JavaScript it comes with the form
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None = None, files: MultiValueDict | None = None, *, lesson: Lesson, editor: User
    ) -> None:
        self.lesson = lesson
        self.editor = editor
        names = ("title", "script", "voice", "speed", "narration", "profile", "version")
        initial = {name: getattr(lesson, name) for name in names} | {"portrait": lesson.portrait_id}
        super().__init__(data, files, initial=initial)
        presenters.share_presenters()
        usable = avatars.portraits_usable_by(lesson.course.teacher)
        self.fields["portrait"].queryset = usable  # type: ignore[attr-defined]
        self.portrait_is_gone = lesson.portrait_id is not None and not usable.filter(pk=lesson.portrait_id).exists()
        self._offer_portraits(usable)
        self.voices = _voices(lesson.course.teacher)
        voice = self.fields["voice"]
        voice.choices = self._voice_choices()  # type: ignore[attr-defined]
        # The standard voice is one of the voices: the list shows it once, under the name that the lesson has for it.
        standard = self.voices[0].name if self.voices else None
        hidden = "" if self.lesson.voice == standard else standard
        voice.widget.choices = [choice for choice in self._voice_choices() if choice[0] != hidden]

    def _offer_portraits(self, usable: QuerySet[Portrait]) -> None:
        """Offer the chosen portrait, then the teacher's own and then shared ones: so many that they can be looked
        through, or those with the words that were searched for."""
        words = str(self["portrait_words"].value() or "")
        chosen = str(self["portrait"].value() or "")
        first = list(usable.filter(pk=chosen)) if chosen.isdecimal() else []
        found = usable.filter(matching(words, "name")).exclude(pk__in=[portrait.pk for portrait in first])
        is_shared = Case(When(owner=self.lesson.course.teacher_id, then=0), default=1)
        others = list(found.order_by(is_shared, "name", "pk")[: MAX_PORTRAITS + 1])
        self.portraits = first + others[:MAX_PORTRAITS]
        self.has_more_portraits = bool(words) or len(others) > MAX_PORTRAITS

    def _voice_choices(self) -> list[tuple[str, str]]:
        offered = [(voice.name, _voice_label(voice)) for voice in self.voices]
        if self.lesson.voice and self.lesson.voice not in dict(offered):
            # Its engine is gone. Keep the choice visible: dropping it would silently change the lesson.
            name = "A cloned voice" if rendering.voice_sample_digest(self.lesson.voice) else self.lesson.voice
            offered.append((self.lesson.voice, f"{name} (currently unavailable)"))
        default = self.voices[0].label if self.voices else "Standard voice"
        return [("", default), *offered]

    def clean_narration(self) -> UUID | None:
        """Return a recording that this lesson may use; a form without the field keeps the lesson's."""
        if "narration" not in self.data:
            return self.lesson.narration
        chosen: UUID | None = self.cleaned_data["narration"]
        if "remove_narration" in self.data:
            return None
        if chosen is not None and not services.may_use_narration(self.editor, self.lesson, chosen):
            raise forms.ValidationError("This recording no longer exists. Record it again.")
        return chosen

    def values(self) -> dict[str, Any]:
        """Return the arguments of :func:`lessons.services.change_lesson`."""
        data = self.cleaned_data
        is_kept = data["voice"] and data["voice"] == self.lesson.voice  # perhaps an unavailable one
        default = self.lesson.language if is_kept else "en"
        language = next((voice.language for voice in self.voices if voice.name == data["voice"]), default)
        return {
            "title": data["title"],
            # Browsers send line ends as CR LF; the offsets of words count characters, so only LF is stored.
            "script": data["script"].replace("\r\n", "\n").replace("\r", "\n"),
            "language": language.split("-")[0],
            "portrait_id": self._portrait_id(),
            "voice": data["voice"],
            "speed": round(data["speed"], 2),
            "narration": data["narration"],
            "profile": data["profile"],
        }

    def _portrait_id(self) -> int | None:
        """Return the chosen portrait, or the lesson's if none is ticked: then it was withdrawn and no other was picked,
        and *Generate* reports that instead of silently making a video without a face."""
        if "portrait" not in self.data:
            return self.lesson.portrait_id
        chosen = self.cleaned_data["portrait"]
        return chosen.pk if chosen else None
