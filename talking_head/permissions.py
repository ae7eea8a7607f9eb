"""Permissions to view jobs and portraits. The renderer knows only owners; the apps above register further rules.

A rule returns True for its own reasons and False otherwise: it can grant access, never deny it. Rules are evaluated on
every request, so revoking a right takes effect at once. They are registered in ``AppConfig.ready``::

    register_job_viewer_rule(lambda user, job: may_watch_job(user, job.pk, job.subject))

Cloned voices are listed by a rule, because only their owner may choose them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from django.contrib.auth.models import User

from edu_platform.people import Person
from talking_head.engines.base import Voice
from talking_head.models import Job

JobViewerRule: TypeAlias = Callable[[Person, Job], bool]
PortraitRule: TypeAlias = Callable[[Person, str], bool]
SubmitterRule: TypeAlias = Callable[[Person], bool]
VoicesRule: TypeAlias = Callable[[Person], tuple[Voice, ...]]

_job_rules: list[JobViewerRule] = []
_portrait_rules: list[PortraitRule] = []
_submitter_rules: list[SubmitterRule] = []
_voices_rules: list[VoicesRule] = []


def register_job_viewer_rule(rule: JobViewerRule) -> None:
    """Add a rule that lets users view a job; registering the same function again changes nothing."""
    if rule not in _job_rules:
        _job_rules.append(rule)


def register_portrait_rule(rule: PortraitRule) -> None:
    """Add a rule that lets users view the portrait with a given digest."""
    if rule not in _portrait_rules:
        _portrait_rules.append(rule)


def register_submitter_rule(rule: SubmitterRule) -> None:
    """Add a rule that lets users request videos through the API, which costs minutes of a machine."""
    if rule not in _submitter_rules:
        _submitter_rules.append(rule)


def register_voices_rule(rule: VoicesRule) -> None:
    """Add a rule that lists a user's own voices."""
    if rule not in _voices_rules:
        _voices_rules.append(rule)


def own_voices(user: Person) -> tuple[Voice, ...]:
    """Return the cloned voices that this person may use."""
    return tuple(voice for rule in _voices_rules for voice in rule(user))


def may_view_job(user: Person, job: Job) -> bool:
    """Return whether the user is the job's owner, staff who may view jobs, or admitted by a registered rule."""
    if not user.is_authenticated or not user.is_active:
        return False
    if job.owner_id is not None and job.owner_id == user.pk:
        return True
    return is_staff_with(user, "talking_head.view_job") or any(rule(user, job) for rule in _job_rules)


def may_view_portrait(user: Person, digest: str) -> bool:
    """Return whether the user is staff who may view jobs, or admitted by a rule: the owner is not known here."""
    if not user.is_authenticated or not user.is_active:
        return False
    return is_staff_with(user, "talking_head.view_job") or any(rule(user, digest) for rule in _portrait_rules)


def may_submit_jobs(user: Person) -> bool:
    """Return whether the user has the permission to add jobs or is admitted by a registered rule."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.has_perm("talking_head.add_job") or any(rule(user) for rule in _submitter_rules)


def is_staff_with(user: Person, permission: str) -> bool:
    """Return whether the user is staff with that permission."""
    return isinstance(user, User) and user.is_staff and user.has_perm(permission)
