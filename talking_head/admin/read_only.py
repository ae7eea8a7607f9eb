"""Read-only pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.admin.utils import unquote
from django.http import HttpRequest

from talking_head.models import Job


class ReadOnly:
    """Mixin for the model admins of rows that only the renderer writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def job_at(object_id: str) -> Job | None:
    """Return the job with the ID in a URL of these pages; None for any other text."""
    try:
        return Job.objects.filter(pk=UUID(unquote(object_id))).first()
    except ValueError:
        return None
