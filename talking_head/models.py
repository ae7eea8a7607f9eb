"""The renderer's tables. They are the source of truth; a queue message is only a wakeup.

A job carries values (text, portrait digest, voice, profile), never a foreign key to a lesson or a portrait row: their
owner may change or delete these while the job runs. ``subject`` and ``subject_version`` are the caller's own names for
what the video is of; they come back in the signals.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from talking_head import profiles


class JobState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    PUBLISHING = "publishing", "Publishing"
    COMPLETED = "completed", "Completed"
    FALLBACK = "fallback", "Completed with fallbacks"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE_JOB_STATES = (JobState.QUEUED, JobState.RUNNING, JobState.PUBLISHING)
WATCHABLE_JOB_STATES = (JobState.COMPLETED, JobState.FALLBACK)
REVIEWABLE_JOB_STATES = (JobState.FAILED, JobState.FALLBACK)  # not as requested: an administrator should look at it
TERMINAL_JOB_STATES = (*WATCHABLE_JOB_STATES, JobState.FAILED, JobState.CANCELLED)


class ClipState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    LEASED = "leased", "Rendering"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Priority(models.IntegerChoices):
    NORMAL = 0, "Normal"
    VIP = 10, "VIP"


class Job(models.Model):
    """One request for one video."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="video_jobs")
    title = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=100, blank=True, db_index=True)  # e.g. "lesson:12"
    subject_version = models.CharField(max_length=64, blank=True)
    # NULL, not "": the constraint below must not see two jobs without a key as the same.
    idempotency_key = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    # Of the request that the key came with, so that another request with the same key is noticed; "" if not known.
    request_digest = models.CharField(max_length=64, blank=True, default="", db_default="")

    script = models.TextField()
    language = models.CharField(max_length=20, default="en")
    voice = models.CharField(max_length=100, blank=True)
    speed = models.FloatField(default=1.0)
    portrait_digest = models.CharField(max_length=64, blank=True)
    narration_digest = models.CharField(max_length=64, blank=True)  # a recording instead of a voice
    profile = models.CharField(max_length=20, default=profiles.DEFAULT_PROFILE)
    speech = models.CharField(max_length=40)
    face = models.CharField(max_length=40)
    asked_profile = models.CharField(max_length=20, blank=True)  # may be "auto", which profile is resolved from
    asked_face = models.CharField(max_length=40, blank=True)
    profile_reason = models.TextField(blank=True)  # why auto chose it, as a sentence; "" when it had nothing to choose
    face_reason = models.TextField(blank=True)
    priority = models.IntegerField(choices=Priority.choices, default=Priority.NORMAL)

    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    seq = models.PositiveBigIntegerField(default=0)  # +1 with every change that a viewer can see; orders the events
    fence = models.PositiveBigIntegerField(default=0)  # +1 with every claim of the publishing step
    lease_expires_at = models.DateTimeField(null=True, blank=True)  # of the publishing step
    publish_crashes = models.PositiveIntegerField(default=0)  # failures of publishing that the job itself may cause
    # Claims of publishing that a lost worker, a killed renderer or the disk ended: counted before the work starts.
    publish_interruptions = models.PositiveIntegerField(default=0, db_default=0)
    stages = models.JSONField(default=dict, blank=True)  # seconds of the steps outside the clips: validation, publish
    timeout_seconds = models.FloatField()
    estimated_seconds = models.FloatField(default=0.0, db_column="reckoned_seconds")  # of video to render anew for
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    # What timeout_seconds limits: seconds in which some worker held a clip (see jobs/worked_time.py).
    worked_seconds = models.FloatField(default=0.0, db_default=0.0)
    worked_until = models.DateTimeField(null=True, blank=True)  # they are counted up to this time
    deadline_at = models.DateTimeField(null=True, blank=True, editable=False)  # only the release before reads it
    finished_at = models.DateTimeField(null=True, blank=True)

    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True, db_column="suggestion")  # what the teacher can do
    video_seconds = models.FloatField(null=True, blank=True)
    width_px = models.PositiveIntegerField(null=True, blank=True)
    height_px = models.PositiveIntegerField(null=True, blank=True)

    # The person shown or heard withdrew consent: no user is served its files unless its owner says later to keep it.
    consent_withdrawn_at = models.DateTimeField(null=True, blank=True)
    kept_at = models.DateTimeField(null=True, blank=True)
    delete_after = models.DateTimeField(null=True, blank=True)  # deleted by the user; until then it can be undone
    results_removed_at = models.DateTimeField(null=True, blank=True)  # superseded: only its files are gone

    reviewed_at = models.DateTimeField(null=True, blank=True)  # when an administrator marked its end as reviewed
    review_seq = models.PositiveBigIntegerField(default=0)  # +1 with every JobAction: rejects actions from a stale page

    class Meta:
        ordering = ["-created_at"]
        permissions = [
            ("retry_job", "Can try a video again"),
            ("retry_job_faster", "Can try a video again with a faster profile"),
            ("cancel_job", "Can cancel a video"),
            ("review_job", "Can mark a failure as reviewed and take it back"),
            ("use_vip", "Can have videos made before those of others"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="one_job_per_idempotency_key"),
        ]
        indexes = [
            models.Index(fields=["state", "-priority", "created_at"], name="job_claim_order"),
            models.Index(fields=["owner", "created_at"], name="job_owner_day"),
            models.Index(fields=["finished_at"], name="job_recent_ends"),
            # Whether a later video of the same subject has succeeded, for each failure of a list: without all three
            # columns SQLite reads all later jobs of the owner instead.
            models.Index(fields=["subject", "owner", "created_at"], name="job_of_subject"),
            # All columns that the statistics count by, so that they read the index and not the rows with their texts.
            models.Index(fields=["created_at", "state", "profile", "error_code"], name="job_requests"),
            models.Index(
                fields=["finished_at"],
                condition=models.Q(state__in=REVIEWABLE_JOB_STATES, reviewed_at=None),
                name="job_to_review",
            ),
            models.Index(fields=["delete_after"], condition=models.Q(delete_after__isnull=False), name="job_to_delete"),
            models.Index(
                fields=["consent_withdrawn_at"],
                condition=models.Q(consent_withdrawn_at__isnull=False),
                name="job_withdrawn",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title or 'Video'} ({self.get_state_display()})"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_JOB_STATES

    @property
    def is_published(self) -> bool:
        """Return whether it has a video, hidden or not."""
        return self.state in WATCHABLE_JOB_STATES

    @property
    def is_hidden(self) -> bool:
        """Return whether no user is served its files now: deleted, or without the consent of the person in it."""
        is_withdrawn = self.consent_withdrawn_at is not None and self.kept_at is None
        return self.delete_after is not None or self.results_removed_at is not None or is_withdrawn

    @property
    def is_watchable(self) -> bool:
        return self.is_published and not self.is_hidden


HIDDEN_JOBS = (
    models.Q(delete_after__isnull=False)
    | models.Q(results_removed_at__isnull=False)
    | models.Q(consent_withdrawn_at__isnull=False, kept_at=None)
)
QUEUED_CLIPS = models.Q(state=ClipState.WAITING, turn__isnull=False)
IS_SHORT = models.Q(is_short=True)


class Clip(models.Model):
    """One sentence of a job: its text, its position in the queue, and its result."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="clips")
    index = models.PositiveIntegerField()
    text = models.TextField()  # as written
    spoken = models.TextField(blank=True)
    start = models.PositiveIntegerField()  # character offsets into the job's script
    end = models.PositiveIntegerField()
    pause_seconds = models.FloatField(default=0.0)
    chapter = models.CharField(max_length=200, blank=True)  # the heading that this clip opens
    narration_start_seconds = models.FloatField(null=True, blank=True)  # where the job's recording says it
    narration_end_seconds = models.FloatField(null=True, blank=True)

    # Its position in the queue while it waits (see jobs/queue.py): assigned once, so that claiming reads one index.
    lane = models.SmallIntegerField(default=Priority.NORMAL)
    turn = models.PositiveBigIntegerField(null=True, default=0)  # start tag; NULL: not queued, the job has ended
    is_short = models.BooleanField(default=False)  # of a short job: may use reserved slots (worker/slots.py)

    state = models.CharField(max_length=8, choices=ClipState.choices, default=ClipState.WAITING)
    seq = models.PositiveBigIntegerField(default=0, db_default=0)  # the job's seq when this clip changed last
    fence = models.PositiveBigIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)  # counted before the work starts, uncounted if it does not crash
    leased_by = models.CharField(max_length=100, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)  # transient ones other than crashes
    # Attempts that ended by a cause outside the sentence: a killed process, a lost worker, a full disk.
    interruptions = models.PositiveIntegerField(default=0, db_default=0)
    not_before = models.DateTimeField(null=True, blank=True)  # backoff after a transient failure
    # Memory ran out: rendered at half resolution, without enhancer.
    is_half_resolution = models.BooleanField(default=False, db_column="is_smaller")
    is_fallback = models.BooleanField(default=False)  # rendered as a fallback
    cached = models.BooleanField(default=False)
    clip_key = models.CharField(max_length=64, blank=True)
    take_key = models.CharField(max_length=64, blank=True)
    video_seconds = models.FloatField(null=True, blank=True)
    render_seconds = models.FloatField(null=True, blank=True)
    stages = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)  # the whole ClipResult, once there is one
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)

    class Meta:
        ordering = ["job", "index"]
        constraints = [models.UniqueConstraint(fields=["job", "index"], name="one_clip_per_index")]
        indexes = [
            models.Index(fields=["job", "state", "index"], name="clip_claim_order"),
            models.Index(fields=["job", "seq"], name="clip_changes"),
            models.Index(fields=["-lane", "turn", "id"], condition=QUEUED_CLIPS, name="clip_line"),
            models.Index(fields=["-lane", "turn", "id"], condition=QUEUED_CLIPS & IS_SHORT, name="clip_short_line"),
            # Partial, so that a planner without statistics does not take it to find the waiting clips of one job.
            models.Index(fields=["lease_expires_at"], condition=models.Q(state="leased"), name="clip_lease_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.index}"

    @property
    def form(self) -> str:
        """Return how the clip is rendered if not as requested, for the records; otherwise an empty string."""
        if self.is_fallback:
            return "fallback"
        return "half resolution, no enhancer" if self.is_half_resolution else ""


class AttemptOutcome(models.TextChoices):
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CRASHED = "crashed", "Crashed"
    TIMEOUT = "timeout", "Took too long"
    CANCELLED = "cancelled", "Cancelled"
    LOST = "lost", "Worker lost"
    RELEASED = "released", "Given back"


class Attempt(models.Model):
    """One attempt at one clip. Written before the work starts, so a crash leaves a trace."""

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="attempts")
    fence = models.PositiveBigIntegerField()
    worker = models.CharField(max_length=100)
    renderer_pid = models.PositiveIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    form = models.CharField(max_length=40, blank=True)  # Clip.form at the time; "" = as requested
    stage = models.CharField(max_length=20, blank=True)  # the last one reported
    outcome = models.CharField(max_length=12, choices=AttemptOutcome.choices, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    log_tail = models.TextField(blank=True)
    cpu_seconds = models.FloatField(null=True, blank=True)  # of the renderer process, for this clip
    wall_seconds = models.FloatField(null=True, blank=True)
    rss_peak_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    gpu = models.JSONField(default=dict, blank=True)  # available, name, memory_peak_bytes

    class Meta:
        ordering = ["started_at"]
        indexes = [
            models.Index(fields=["started_at"], name="attempt_recent"),
            models.Index(
                fields=["started_at", "error_code"], condition=~models.Q(error_code=""), name="attempt_errors"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clip_id} by {self.worker}: {self.outcome or 'running'}"


class Notification(models.Model):
    """Outbox: written in the transaction that publishes, delivered afterwards, at least once."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["delivered_at", "created_at"], name="notification_outbox")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.job_id}"


class Rebuild(models.Model):
    """Files of a published video that are missing or damaged, and are made again (see jobs/rebuilding.py)."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="rebuild")
    requested_at = models.DateTimeField(default=timezone.now)
    fence = models.PositiveBigIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)  # counted before each step, uncounted if it ends in order
    error_code = models.CharField(max_length=40, blank=True)  # it was given up
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.job_id}: {self.error_code or 'being made again'}"


class NarrationState(models.TextChoices):
    WAITING = "waiting", "Waiting to be transcribed"
    TRANSCRIBING = "listening", "Being transcribed"
    READY = "ready", "Ready"
    FAILED = "failed", "Cannot be used"


class Narration(models.Model):
    """An uploaded recording, and its transcript so far (see jobs/transcription.py)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="narrations")
    digest = models.CharField(max_length=64, db_index=True)  # of the stored bytes
    duration_seconds = models.FloatField()
    report = models.JSONField(default=dict)  # NarrationReport: what is good and bad about the sound
    created_at = models.DateTimeField(auto_now_add=True)
    unused_since = models.DateTimeField(null=True, blank=True)  # set by the sweeper, see jobs/narration_retention.py

    state = models.CharField(max_length=9, choices=NarrationState.choices, default=NarrationState.WAITING)
    fence = models.PositiveBigIntegerField(default=0)  # +1 with every claim of a chunk
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)  # of the current chunk, counted before the work starts
    transcribed_seconds = models.FloatField(default=0.0, db_column="heard_seconds")
    chunk_seconds = models.FloatField(null=True, blank=True)  # how long the last chunk took, for forecasts
    transcript = models.JSONField(default=dict, blank=True)  # TranscriptMetadata
    text = models.TextField(blank=True)  # the transcript as a script, once it is complete
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "digest"], name="one_narration_per_owner_and_digest")]
        indexes = [models.Index(fields=["state", "transcribed_seconds"], name="narration_claim_order")]

    def __str__(self) -> str:
        return f"Recording of {self.duration_seconds:.0f} s ({self.get_state_display()})"


class PortraitUpload(models.Model):
    """A picture that was uploaded through the render service's API, without recorded consent: who answers for it, and
    when it is deleted."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "digest"], name="one_upload_per_owner_and_digest")]

    def __str__(self) -> str:
        return f"{self.digest[:12]} of {self.owner}"


class Removal(models.Model):
    """Files that must go, on every machine and in the bucket: kept until they are gone, and for a day where several
    machines may hold copies (see files/removals.py)."""

    kind = models.CharField(max_length=20)  # results, videos, clips or takes
    key = models.CharField(max_length=64)  # the job's id, or the key of the cache's entry
    is_stored = models.BooleanField(default=True)  # not yet deleted from the bucket
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.key[:12]}"


class RenderMachine(models.Model):
    """The capabilities of a worker's machine, measured by its renderer, for ``auto`` (see planning/machines.py)."""

    name = models.CharField(max_length=100, unique=True)
    basis = models.CharField(max_length=200)  # what the measurement depends on; repeated when this changes
    cores = models.PositiveIntegerField()
    memory_bytes = models.PositiveBigIntegerField()
    gpu_name = models.CharField(max_length=100, blank=True)
    sadtalker_seconds_per_frame = models.FloatField(null=True, blank=True)  # at 256 px; NULL: SadTalker cannot run
    sadtalker_problem = models.CharField(max_length=200, blank=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.cores} cores, {self.gpu_name or 'no GPU'}"


class Quota(models.Model):
    """The quota of one person, and the row that serialises their parallel requests (see planning/quotas.py)."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="render_quota")
    jobs_in_flight = models.PositiveIntegerField(
        null=True, blank=True, help_text="Videos being made at the same time. Empty: the site's default. 0: no limit."
    )
    minutes_a_day = models.PositiveIntegerField(
        null=True, blank=True, help_text="Minutes of new video a day. Empty: the site's default. 0: no limit."
    )

    def __str__(self) -> str:
        return f"Quota of {self.owner}"


class Failure(Job):
    """A job that did not end as requested, for the administrators' review: the same row, no table of its own."""

    class Meta:
        proxy = True
        default_permissions = ()
        ordering = ["-finished_at", "-pk"]


class ActionVerb(models.TextChoices):
    RETRY = "retry", "Retried"
    RETRY_FASTER = "retry-faster", "Retried with a faster profile"
    CANCEL = "cancel", "Cancelled"
    REVIEW = "review", "Marked as reviewed"
    REOPEN = "reopen", "Reopened"


class AppendOnly(models.QuerySet["JobAction"]):
    """Rows that can only be added."""

    def update(self, **values: object) -> int:
        raise TypeError("Actions cannot be changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("Actions cannot be deleted.")


class JobAction(models.Model):
    """An administrator's action on a job, and its reason. It outlives the job and the account, hence the copies."""

    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="actions")
    job_number = models.UUIDField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=150)
    verb = models.CharField(max_length=12, choices=ActionVerb.choices)
    reason = models.TextField(blank=True)
    before = models.JSONField(default=dict)  # state, profile, error_code, reviewed: the basis of the decision
    after = models.JSONField(default=dict)
    new_job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="asked_for_by")  # by a retry
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ["-pk"]
        default_permissions = ("view",)
        verbose_name = "action"

    def __str__(self) -> str:
        return f"{self.get_verb_display()} by {self.actor_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("Actions cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("Actions cannot be deleted.")
