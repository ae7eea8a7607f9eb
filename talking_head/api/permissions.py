"""Who may use which part of the API; what a user may *see* is decided in :mod:`talking_head.permissions`."""

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
    """Permission to submit jobs, which cost minutes of machine time: for teachers, and for users that a rule admits."""

    message = "Only teachers may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return may_submit_jobs(request.user)


def visible_job(request: Request, job_id: UUID) -> Job:
    """Return the job, if the caller may view it.

    Raises:
        Http404: it does not exist, or the caller may not know that it exists.
    """
    job = Job.objects.select_related("owner").filter(pk=job_id).first()
    if job is None or not may_view_job(request.user, job):
        raise Http404
    return job


def own_job(request: Request, job_id: UUID) -> Job:
    """Return a job that the caller may cancel or retry: their own, or any for staff with the permission to change jobs.

    Raises:
        Http404: as :func:`visible_job`. PermissionDenied: the caller may view it, but another user owns it.
    """
    job = visible_job(request, job_id)
    if job.owner_id != request.user.pk and not is_staff_with(request.user, "talking_head.change_job"):
        raise PermissionDenied("This video belongs to another user.")
    return job
