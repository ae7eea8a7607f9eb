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
from talking_head.models import Job, PortraitUpload

JobViewerRule: TypeAlias = Callable[[Person, Job], bool]
PortraitRule: TypeAlias = Callable[[Person, str], bool]
SubmitterRule: TypeAlias = Callable[[Person], bool]
VoicesRule: TypeAlias = Callable[[Person], tuple[Voice, ...]]
WithdrawalRule: TypeAlias = Callable[[str, str, int | None], bool]  # kind, digest, the owner's id
ConsentRule: TypeAlias = Callable[[str, str], bool]  # kind, digest

PORTRAIT, VOICE = "portrait", "voice"  # what a person can consent to

_job_rules: list[JobViewerRule] = []
_portrait_rules: list[PortraitRule] = []
_submitter_rules: list[SubmitterRule] = []
_voices_rules: list[VoicesRule] = []
_withdrawal_rules: list[WithdrawalRule] = []
_consent_rules: list[ConsentRule] = []


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


def register_withdrawal_rule(rule: WithdrawalRule) -> None:
    """Add a rule that says whether the consent by which an owner could use a portrait or a voice was withdrawn."""
    if rule not in _withdrawal_rules:
        _withdrawal_rules.append(rule)


def register_consent_rule(rule: ConsentRule) -> None:
    """Add a rule that says whether any user's recorded consent covers these bytes, which then must stay."""
    if rule not in _consent_rules:
        _consent_rules.append(rule)


def is_withdrawn(kind: str, digest: str, owner_id: int | None) -> bool:
    """Return whether the owner may no longer use a portrait or a voice. One who has uploaded the same picture through
    the render service's API answers for the consent to it, and may."""
    if kind == PORTRAIT and PortraitUpload.objects.filter(digest=digest, owner=owner_id).exists():
        return False
    return any(rule(kind, digest, owner_id) for rule in _withdrawal_rules)


def is_consented(kind: str, digest: str) -> bool:
    """Return whether a user may still use these bytes."""
    if kind == PORTRAIT and PortraitUpload.objects.filter(digest=digest).exists():
        return True
    return any(rule(kind, digest) for rule in _consent_rules)


def own_voices(user: Person) -> tuple[Voice, ...]:
    """Return the cloned voices that this person may use."""
    return tuple(voice for rule in _voices_rules for voice in rule(user))


def may_view_job(user: Person, job: Job) -> bool:
    """Return whether the user is the job's owner, staff who may view jobs, or admitted by a registered rule. No user
    may view a deleted job; one whose consent was withdrawn is for its owner and staff alone, without its files."""
    if not user.is_authenticated or not user.is_active or job.delete_after is not None:
        return False
    if job.owner_id is not None and job.owner_id == user.pk:
        return True
    if is_staff_with(user, "talking_head.view_job"):
        return True
    return not job.is_hidden and any(rule(user, job) for rule in _job_rules)


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


def may_use_vip(user: Person) -> bool:
    """Return whether this person's videos may be made before those of others."""
    return isinstance(user, User) and user.has_perm("talking_head.use_vip")


def is_staff_with(user: Person, permission: str) -> bool:
    """Return whether the user is staff with that permission."""
    return isinstance(user, User) and user.is_staff and user.has_perm(permission)
