"""Who may use the API for what; what a person may *see* is decided in :mod:`talking_head.permissions`."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from talking_head.models import Job
from talking_head.permissions import is_staff_with, may_submit_jobs, may_view_job


class MaySubmitJobs(BasePermission):
    """Rendering costs minutes of a machine: for teachers, and whomever else a rule names."""

    message = "Only teachers may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return may_submit_jobs(request.user)


def visible_job(request: Request, job_id: UUID) -> Job:
    """Raises:
    Http404: it does not exist, or must not be known to exist.
    """
    job = Job.objects.select_related("owner").filter(pk=job_id).first()
    if job is None or not may_view_job(request.user, job):
        raise Http404
    return job


def own_job(request: Request, job_id: UUID) -> Job:
    """A job that the caller may cancel or repeat: their own, or any for staff with the permission to change jobs.

    Raises:
        Http404: as :func:`visible_job`. PermissionDenied: it can be seen, but belongs to somebody else.
    """
    job = visible_job(request, job_id)
    if job.owner_id != request.user.pk and not is_staff_with(request.user, "talking_head.change_job"):
        raise PermissionDenied("This video belongs to somebody else.")
    return job
