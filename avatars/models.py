"""Portraits and voices as users manage them."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Portrait(models.Model):
    """An uploaded picture of a face. The renderer stores the bytes under their digest; this row holds the owner, the
    report on the picture, and who agreed to its use.

    A deleted portrait keeps its row, the record of consent: what was agreed to, and until when, must remain provable.
    It cannot be used any more, and a little later, when its owner can no longer restore it, the bytes are deleted, too.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="portraits")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, db_index=True)  # sha256 of the stored file's bytes
    width_px = models.PositiveIntegerField()
    height_px = models.PositiveIntegerField()
    report = models.JSONField(default=dict, blank=True)  # see talking_head.pipeline.checks.portrait_report
    consent_statement = models.TextField()  # the words that were agreed to
    consent_given_by = models.CharField(max_length=200)  # the person shown, or who may consent for them
    consent_recorded_at = models.DateTimeField(auto_now_add=True)
    is_shared = models.BooleanField(default=False)  # every teacher of this school may use it
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)  # when the picture and its clips were deleted for good

    hidden_videos = 0  # set by services.consent for a page

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "digest"], condition=models.Q(deleted_at=None), name="one_live_portrait_per_picture"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_deleted(self) -> bool:
        """Return whether the portrait has been deleted."""
        return self.deleted_at is not None

    @property
    def warnings(self) -> list[dict[str, str]]:
        """Return the hints of the report, each as ``{"code", "message", "hint"}``."""
        return [problem for problem in self.report.get("problems", []) if problem.get("severity") == "warn"]


class VoiceSample(models.Model):
    """Half a minute of a person's voice, from which it is cloned. The renderer stores the bytes under their digest;
    this row holds the owner and who agreed.

    Only its owner may use it. When the agreement is withdrawn the bytes are deleted for good; the row stays, because
    what was agreed to, and until when, must remain provable.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="voice_samples")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, db_index=True)  # sha256 of the stored file's bytes
    language = models.CharField(max_length=20)  # the language that the voice reads, as a BCP 47 tag
    duration_seconds = models.FloatField()
    report = models.JSONField(default=dict, blank=True)  # see talking_head.pipeline.checks.voice_sample_report
    consent_statement = models.TextField()  # the words that were agreed to
    consent_given_by = models.CharField(max_length=200)  # the person who speaks
    consent_recorded_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    hidden_videos = 0  # set by services.consent for a page

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "digest"], condition=models.Q(withdrawn_at=None), name="one_live_voice_per_sample"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def warnings(self) -> list[dict[str, str]]:
        """Return the hints of the report, each as ``{"code", "message", "hint"}``."""
        return [problem for problem in self.report.get("problems", []) if problem.get("severity") == "warn"]
