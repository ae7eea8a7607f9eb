"""What goes in and out, field by field; the OpenAPI schema is drawn from here. Limits that need the engines (languages,
voices, speeds) are the services' business, so that pages and commands get the same answers."""

from __future__ import annotations

from typing import get_args

from rest_framework import serializers

from talking_head.models import ClipState, Job, JobState, NarrationState
from talking_head.profiles import PROFILES, Preprocess

MAX_SCRIPT_CHARACTERS = 200_000  # of transport; the script's own limit is lower and has its own message
PROFILE_CHOICES = list(PROFILES)
PREPROCESS_CHOICES = list(get_args(Preprocess))


class ErrorSerializer(serializers.Serializer):
    """The shape of every error."""

    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)


class JobErrorSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)
    suggestion = serializers.CharField(allow_blank=True, help_text="The hint, under the name that it had first.")


class ClipSerializer(serializers.Serializer):
    """One sentence; ``start`` and ``end`` are offsets into the script."""

    index = serializers.IntegerField()
    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    chapter = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(ClipState.choices)
    is_fallback = serializers.BooleanField()
    cached = serializers.BooleanField()
    notices = serializers.ListField(child=serializers.CharField(), help_text="What was done with less than asked for.")
    video_seconds = serializers.FloatField(allow_null=True)
    url = serializers.CharField(allow_null=True)
    error = JobErrorSerializer(allow_null=True)


class VideoSerializer(serializers.Serializer):
    url = serializers.CharField()
    captions_url = serializers.CharField()
    transcript_url = serializers.CharField()
    poster_url = serializers.CharField()
    seconds = serializers.FloatField(allow_null=True)
    width_px = serializers.IntegerField(allow_null=True)
    height_px = serializers.IntegerField(allow_null=True)


class NarrationProblemSerializer(serializers.Serializer):
    code = serializers.CharField()
    severity = serializers.ChoiceField(["stop", "warn"])
    message = serializers.CharField()
    hint = serializers.CharField()
    advice = serializers.CharField(help_text="The hint, under the name that it had first.")


class NarrationReportSerializer(serializers.Serializer):
    """How a recording sounds; levels are in dB below full scale."""

    verdict = serializers.ChoiceField(["good", "warn", "bad"])
    problems = NarrationProblemSerializer(many=True)
    duration_seconds = serializers.FloatField()
    voice_db = serializers.FloatField()
    noise_db = serializers.FloatField()
    channels = serializers.IntegerField()


class SegmentSerializer(serializers.Serializer):
    """A sentence that was heard."""

    text = serializers.CharField()
    start_seconds = serializers.FloatField()
    end_seconds = serializers.FloatField()
    probability = serializers.FloatField(help_text="How sure the recogniser is of its words, 0 to 1.")


class NarrationViewSerializer(serializers.Serializer):
    """A recording that speaks. ``text`` is the transcript once ``state`` is ready; before, ``segments`` grows."""

    state = serializers.ChoiceField(NarrationState.choices)
    duration_seconds = serializers.FloatField()
    heard_seconds = serializers.FloatField()
    text = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    language_probability = serializers.FloatField()
    segments = SegmentSerializer(many=True)
    report = NarrationReportSerializer()
    error = JobErrorSerializer(allow_null=True)


class NarrationSerializer(NarrationViewSerializer):
    id = serializers.UUIDField()


class NarrationUploadSerializer(serializers.Serializer):
    audio_file = serializers.FileField(
        max_length=1_000,
        help_text="WAV, FLAC, MP3, M4A, OGG or WebM, at most an hour. Its content counts, not its name.",
    )


class JobSerializer(serializers.Serializer):
    """The snapshot that the socket sends, too."""

    id = serializers.UUIDField()
    seq = serializers.IntegerField()
    title = serializers.CharField(allow_blank=True)
    profile = serializers.ChoiceField(PROFILE_CHOICES)
    asked_profile = serializers.CharField(help_text="“auto” where the profile was chosen by the rules.")
    profile_reason = serializers.CharField(allow_blank=True, help_text="Why “auto” came to this profile.")
    face = serializers.CharField()
    face_reason = serializers.CharField(allow_blank=True, help_text="Why “auto” came to this face engine.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(JobState.choices)
    stage = serializers.CharField(allow_null=True)
    clips_done = serializers.IntegerField()
    clips_total = serializers.IntegerField()
    seconds_left = serializers.FloatField(allow_null=True)
    queue_position = serializers.IntegerField(allow_null=True)
    error = JobErrorSerializer(allow_null=True)
    clips = ClipSerializer(many=True)
    narration = NarrationViewSerializer(allow_null=True)
    video = VideoSerializer(allow_null=True)


class JobRowSerializer(serializers.ModelSerializer):
    """A job in the list: the snapshot's address has the rest."""

    class Meta:
        model = Job
        fields = [
            "id", "title", "state", "profile", "subject", "created_at", "finished_at", "video_seconds", "error_code",
        ]  # fmt: skip
        read_only_fields = fields


class NewJobSerializer(serializers.Serializer):
    script = serializers.CharField(max_length=MAX_SCRIPT_CHARACTERS, trim_whitespace=False)
    title = serializers.CharField(max_length=200, required=False, allow_blank=True)
    portrait_digest = serializers.CharField(max_length=64, required=False, allow_blank=True)
    voice = serializers.CharField(max_length=100, required=False, allow_blank=True)
    speed = serializers.FloatField(required=False)
    language = serializers.CharField(max_length=20, required=False)
    profile = serializers.CharField(max_length=20, required=False)


class ForecastRequestSerializer(serializers.Serializer):
    script = serializers.CharField(max_length=MAX_SCRIPT_CHARACTERS, trim_whitespace=False)
    portrait_digest = serializers.CharField(max_length=64, required=False, allow_blank=True)
    voice = serializers.CharField(max_length=100, required=False, allow_blank=True)
    speed = serializers.FloatField(required=False)
    language = serializers.CharField(max_length=20, required=False)
    profile = serializers.CharField(max_length=20, required=False)


class ForecastSerializer(serializers.Serializer):
    """Seconds from now; null where nothing was rendered yet that would tell how fast it goes."""

    profile = serializers.ChoiceField(PROFILE_CHOICES, help_text="What “auto” would come to.")
    profile_reason = serializers.CharField(allow_blank=True)
    face = serializers.CharField()
    face_reason = serializers.CharField(allow_blank=True)
    start_seconds = serializers.FloatField(allow_null=True)
    ready_seconds = serializers.FloatField(allow_null=True)
    jobs_ahead = serializers.IntegerField()
    is_long = serializers.BooleanField(help_text="Longer than most people wait without asking.")
    refusal = serializers.CharField(allow_blank=True, help_text="Why a request would be answered with 429 now.")
    words = serializers.CharField(allow_blank=True)


class RetrySerializer(serializers.Serializer):
    profile = serializers.CharField(max_length=20, required=False, help_text="Another profile than the first time.")


class ScriptSerializer(serializers.Serializer):
    text = serializers.CharField(max_length=MAX_SCRIPT_CHARACTERS, trim_whitespace=False, allow_blank=True)
    language = serializers.CharField(max_length=20, required=False, default="en")


class UtteranceSerializer(serializers.Serializer):
    """``start`` and ``end`` count code points, as Python does; JavaScript counts UTF-16 units."""

    index = serializers.IntegerField()
    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    pause_seconds = serializers.FloatField()
    chapter = serializers.CharField(allow_blank=True)


class ScriptCheckSerializer(serializers.Serializer):
    utterances = UtteranceSerializer(many=True)
    utterance_count = serializers.IntegerField()
    estimated_seconds = serializers.FloatField()


class VoiceSerializer(serializers.Serializer):
    name = serializers.CharField()
    language = serializers.CharField(help_text="BCP 47")
    label = serializers.CharField()  # type: ignore[assignment]  # fields have an attribute of that name


class CacheKindSerializer(serializers.Serializer):
    entries = serializers.IntegerField()
    bytes = serializers.IntegerField()


class QueueSerializer(serializers.Serializer):
    jobs_queued = serializers.IntegerField()
    jobs_running = serializers.IntegerField()
    clips_waiting = serializers.IntegerField()
    clips_rendering = serializers.IntegerField()


class CacheStatsSerializer(serializers.Serializer):
    kinds = serializers.DictField(child=CacheKindSerializer())
    hit_rate = serializers.FloatField(allow_null=True, help_text="Of the last finished clips, 0 to 1; null before any.")
    queue = QueueSerializer()


class AvatarUploadSerializer(serializers.Serializer):
    image_file = serializers.FileField(max_length=1_000)
    preprocess_mode = serializers.ChoiceField(PREPROCESS_CHOICES, required=False, default="crop")


class AvatarSerializer(serializers.Serializer):
    image_id = serializers.CharField()
    status = serializers.ChoiceField(["ready", "gone"])
    preprocess_mode = serializers.ChoiceField(PREPROCESS_CHOICES)


class VipRequestSerializer(serializers.Serializer):
    image_id = serializers.CharField(max_length=500)
    text = serializers.CharField(max_length=MAX_SCRIPT_CHARACTERS, required=False, trim_whitespace=False)
    audio_file = serializers.FileField(
        required=False,
        max_length=1_000,
        help_text="Somebody's own voice. With “text” it is laid beside it, without it its transcript becomes the text.",
    )
    enhancer = serializers.CharField(max_length=40, required=False, allow_blank=True)
    quality = serializers.ChoiceField(PROFILE_CHOICES, required=False)
