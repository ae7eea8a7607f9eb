"""The fields of requests and responses, from which the OpenAPI schema is generated. Limits that depend on the engines
(languages, voices, speeds) are checked by the services, so that pages and commands get the same errors."""

from __future__ import annotations

from typing import get_args

from rest_framework import serializers

from talking_head.api.requests import RequestSerializer
from talking_head.models import ClipState, Job, JobState, NarrationState
from talking_head.profiles import PROFILES, Preprocess

MAX_SCRIPT_CHARACTERS = 200_000  # of a request; the script's own limit is lower and has its own message
PROFILE_CHOICES = list(PROFILES)
PREPROCESS_CHOICES = list(get_args(Preprocess))


class ErrorSerializer(serializers.Serializer):
    """The form of every error response."""

    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)


class JobErrorSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)
    suggestion = serializers.CharField(allow_blank=True, help_text="The hint under its old name, for older clients.")


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
    notices = serializers.ListField(child=serializers.CharField(), help_text="How the clip differs from the request.")
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
    advice = serializers.CharField(help_text="The hint under its old name, for older clients.")


class NarrationReportSerializer(serializers.Serializer):
    """The sound quality of a recording; levels are in dB below full scale."""

    verdict = serializers.ChoiceField(["good", "warn", "bad"])
    problems = NarrationProblemSerializer(many=True)
    duration_seconds = serializers.FloatField()
    voice_db = serializers.FloatField()
    noise_db = serializers.FloatField()
    channels = serializers.IntegerField()


class SegmentSerializer(serializers.Serializer):
    """A recognised sentence."""

    text = serializers.CharField()
    start_seconds = serializers.FloatField()
    end_seconds = serializers.FloatField()
    probability = serializers.FloatField(help_text="The recogniser's confidence in the words, 0 to 1.")
    doubtful = serializers.ListField(child=serializers.CharField(), help_text="Words that may be misheard, in order.")


class NarrationViewSerializer(serializers.Serializer):
    """A recorded narration. ``text`` is the transcript once ``state`` is ready; until then, ``segments`` grows."""

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


class NarrationUploadSerializer(RequestSerializer):
    audio_file = serializers.FileField(
        max_length=1_000,
        help_text="WAV, FLAC, MP3, M4A, OGG or WebM, at most an hour. The content decides, not the file name.",
    )


class JobHeadSerializer(serializers.Serializer):
    """What does not grow with the script."""

    id = serializers.UUIDField()
    seq = serializers.IntegerField()
    title = serializers.CharField(allow_blank=True)
    profile = serializers.ChoiceField(PROFILE_CHOICES)
    asked_profile = serializers.CharField(help_text="The requested profile; “auto” if the rules chose.")
    profile_reason = serializers.CharField(allow_blank=True, help_text="Why “auto” chose this profile.")
    face = serializers.CharField()
    face_reason = serializers.CharField(allow_blank=True, help_text="Why “auto” chose this face engine.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(JobState.choices)
    stage = serializers.CharField(allow_null=True)
    clips_done = serializers.IntegerField()
    clips_total = serializers.IntegerField()
    seconds_left = serializers.FloatField(allow_null=True)
    queue_position = serializers.IntegerField(allow_null=True)
    error = JobErrorSerializer(allow_null=True)
    video = VideoSerializer(allow_null=True)


class JobSerializer(JobHeadSerializer):
    """A job, in the same form as the snapshot that the WebSocket sends."""

    clips = ClipSerializer(many=True)
    narration = NarrationViewSerializer(allow_null=True)


class ChangedClipsSerializer(serializers.Serializer):
    """Sentences with the same outcome."""

    indexes = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text="Ranges, each the first and the last index.",
    )
    state = serializers.ChoiceField(ClipState.choices)
    is_fallback = serializers.BooleanField()
    cached = serializers.BooleanField()
    notices = serializers.ListField(child=serializers.CharField())
    error = JobErrorSerializer(allow_null=True)
    video_seconds = serializers.ListField(
        child=serializers.FloatField(allow_null=True), allow_null=True, help_text="One for each index, in their order."
    )
    url = serializers.CharField(allow_null=True, help_text="With “{index}” in the place of a clip's index.")


class JobChangesSerializer(serializers.Serializer):
    """What has changed in a job since an earlier ``seq``, in the same form as the WebSocket sends it."""

    type = serializers.ChoiceField(["changes"])
    since = serializers.IntegerField()
    seq = serializers.IntegerField()
    job = JobHeadSerializer()
    clips = ChangedClipsSerializer(many=True)


class SinceSerializer(RequestSerializer):
    since = serializers.IntegerField(min_value=0, max_value=2**53, help_text="The “seq” of the state that you know.")


class VipJobSerializer(JobSerializer):
    """A job and its place among others."""

    priority = serializers.ChoiceField(["vip", "normal"])
    priority_notice = serializers.CharField(allow_blank=True, help_text="Why the priority is not “vip”.")


class JobRowSerializer(serializers.ModelSerializer):
    """A job in the list; the job's own URL returns all fields."""

    class Meta:
        model = Job
        fields = [
            "id", "title", "state", "profile", "subject", "created_at", "finished_at", "video_seconds", "error_code",
        ]  # fmt: skip
        read_only_fields = fields


class NewJobSerializer(RequestSerializer):
    script = serializers.CharField(max_length=MAX_SCRIPT_CHARACTERS, trim_whitespace=False)
    title = serializers.CharField(max_length=200, required=False, allow_blank=True)
    portrait_digest = serializers.CharField(max_length=64, required=False, allow_blank=True)
    voice = serializers.CharField(max_length=100, required=False, allow_blank=True)
    speed = serializers.FloatField(required=False)
    language = serializers.CharField(max_length=20, required=False)
    profile = serializers.CharField(max_length=20, required=False)


class ForecastRequestSerializer(RequestSerializer):
    script = serializers.CharField(max_length=MAX_SCRIPT_CHARACTERS, trim_whitespace=False)
    portrait_digest = serializers.CharField(max_length=64, required=False, allow_blank=True)
    voice = serializers.CharField(max_length=100, required=False, allow_blank=True)
    speed = serializers.FloatField(required=False)
    language = serializers.CharField(max_length=20, required=False)
    profile = serializers.CharField(max_length=20, required=False)


class ForecastSerializer(serializers.Serializer):
    """Times in seconds from now; null if nothing has been rendered yet on which to base an estimate."""

    profile = serializers.ChoiceField(PROFILE_CHOICES, help_text="The profile that “auto” would choose.")
    profile_reason = serializers.CharField(allow_blank=True)
    face = serializers.CharField()
    face_reason = serializers.CharField(allow_blank=True)
    start_seconds = serializers.FloatField(allow_null=True)
    ready_seconds = serializers.FloatField(allow_null=True)
    jobs_ahead = serializers.IntegerField()
    is_long = serializers.BooleanField(help_text="Whether a client should ask the user before submitting.")
    refusal = serializers.CharField(allow_blank=True, help_text="Why a request would be refused with 429 now.")
    words = serializers.CharField(allow_blank=True)


class RetrySerializer(RequestSerializer):
    profile = serializers.CharField(
        max_length=20, required=False, help_text="A profile to use instead of the first one."
    )


class ScriptSerializer(RequestSerializer):
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
    notices = serializers.ListField(
        child=serializers.CharField(), help_text="What the voice cannot say, though the text can become a video."
    )


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
    hit_rate = serializers.FloatField(
        allow_null=True, help_text="Of the latest finished clips, 0 to 1; null before the first."
    )
    queue = QueueSerializer()


class AvatarUploadSerializer(RequestSerializer):
    image_file = serializers.FileField(max_length=1_000)
    preprocess_mode = serializers.ChoiceField(PREPROCESS_CHOICES, required=False, default="crop")


class AvatarSerializer(serializers.Serializer):
    image_id = serializers.CharField()
    status = serializers.ChoiceField(["ready", "gone"])
    preprocess_mode = serializers.ChoiceField(PREPROCESS_CHOICES)


class VipRequestSerializer(RequestSerializer):
    image_id = serializers.CharField(max_length=500)
    text = serializers.CharField(max_length=MAX_SCRIPT_CHARACTERS, required=False, trim_whitespace=False)
    audio_file = serializers.FileField(
        required=False,
        max_length=1_000,
        help_text="A recorded voice. With “text” it is aligned to the text; without, its transcript becomes the text.",
    )
    enhancer = serializers.CharField(max_length=40, required=False, allow_blank=True)
    quality = serializers.ChoiceField(PROFILE_CHOICES, required=False)
