"""Who speaks: portraits as people manage them."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Portrait(models.Model):
    """An uploaded picture of a face. The bytes live with the renderer under their digest; this row says whose they are,
    how good they are, and who agreed to their use."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="portraits")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, db_index=True)  # sha256 of the file's bytes
    width_px = models.PositiveIntegerField()
    height_px = models.PositiveIntegerField()
    report = models.JSONField(default=dict, blank=True)  # see talking_head.pipeline.portrait_report
    consent_statement = models.TextField()  # the words that were agreed to
    consent_given_by = models.CharField(max_length=200)  # the person shown, or who may speak for them
    consent_recorded_at = models.DateTimeField(auto_now_add=True)
    is_shared = models.BooleanField(default=False)  # every teacher of this school may use it
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
