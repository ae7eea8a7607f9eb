"""When consent to a portrait or a voice ends: what the renderer asks, and what is done at once and what a little later.

Deleting a portrait stops its videos and hides them at once. For ``PORTRAIT_UNDO_SECONDS`` that can be undone; then, or
at once with :func:`withdraw_portrait`, the picture and what was made of it are deleted for good. The rows stay: they
are the record of what was agreed to, and until when.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from avatars.models import Portrait, VoiceSample
from talking_head import services as rendering
from talking_head.errors import TalkingHeadError

logger = logging.getLogger(__name__)

# A request that was checked before a withdrawal may be stored after it: for so long the sweeper looks again.
LOOK_AGAIN_SECONDS = 120.0
CHANGE_LESSON = "lessons.change_lesson"  # by name, because portraits do not know lessons


# --- what the renderer asks ----------------------------------------------------------------------------------------


def is_withdrawn(kind: str, digest: str, owner_id: int | None) -> bool:
    """Return whether a user may no longer use a portrait or a voice, because every consent that let them has ended."""
    if kind == rendering.VOICE:
        samples = VoiceSample.objects.filter(digest=digest)
        usable = samples.filter(_own_or_staff(owner_id), withdrawn_at=None).exists()
        return not usable and samples.exclude(withdrawn_at=None).exists()
    portraits = Portrait.objects.filter(digest=digest)
    usable = portraits.filter(_own_or_staff(owner_id) | Q(is_shared=True), deleted_at=None).exists()
    return not usable and portraits.exclude(deleted_at=None).exists()


def is_consented(kind: str, digest: str) -> bool:
    """Return whether the bytes must stay: a consent covers them, or a portrait's deletion may still be undone."""
    if kind == rendering.VOICE:
        return VoiceSample.objects.filter(digest=digest, withdrawn_at=None).exists()
    return Portrait.objects.filter(digest=digest, purged_at=None).exists()


def _own_or_staff(owner_id: int | None) -> Q:
    """Return the condition on rows that an owner may use; staff and course administrators make videos for the lessons
    of other teachers."""
    owner = User.objects.filter(pk=owner_id).first() if owner_id is not None else None
    if owner is not None and (owner.is_staff or owner.has_perm(CHANGE_LESSON)):
        return Q()
    return Q(owner=owner_id)


# --- portraits -----------------------------------------------------------------------------------------------------


def undo_ends_after() -> timedelta:
    """Return how long the deletion of a portrait can be undone."""
    return timedelta(seconds=settings.PORTRAIT_UNDO_SECONDS)


def can_be_restored(portrait: Portrait) -> bool:
    """Return whether the deletion of a portrait can still be undone."""
    deleted_at = portrait.deleted_at
    return deleted_at is not None and portrait.purged_at is None and timezone.now() - deleted_at <= undo_ends_after()


def restorable_portraits(owner: User) -> QuerySet[Portrait]:
    """Return an owner's deleted portraits that can still be restored, the latest first."""
    return _deleted(owner).filter(_is_restorable()).order_by("-deleted_at", "pk")


def withdrawn_portraits(owner: User) -> QuerySet[Portrait]:
    """Return an owner's deleted portraits that cannot be restored any more, the latest first."""
    return _deleted(owner).exclude(_is_restorable()).order_by("-deleted_at", "pk")


def _deleted(owner: User) -> QuerySet[Portrait]:
    return Portrait.objects.filter(owner=owner, deleted_at__isnull=False)


def _is_restorable() -> Q:
    return Q(deleted_at__gte=timezone.now() - undo_ends_after(), purged_at__isnull=True)


def delete_portrait(portrait: Portrait) -> int:
    """Withdraw a portrait: new videos cannot use it, those being made are cancelled, finished ones hidden. Return how
    many were hidden. Deleting twice changes nothing."""
    Portrait.objects.filter(pk=portrait.pk, deleted_at=None).update(deleted_at=timezone.now())
    portrait.refresh_from_db(fields=["deleted_at"])
    return rendering.withdraw_consent(rendering.PORTRAIT, portrait.digest, owner_id=portrait.owner_id)


def show_again(portrait: Portrait, *, since: Any) -> None:
    """Show the videos again that were hidden when the portrait was deleted."""
    rendering.restore_consent(rendering.PORTRAIT, portrait.digest, since=since)


def withdraw_portrait(portrait: Portrait) -> None:
    """Withdraw a portrait for good: its picture and what was made of it are deleted now, without an undo.

    Raises:
        ResourceError: the picture cannot be deleted now; the sweeper does it later.
    """
    delete_portrait(portrait)
    purge_portrait(portrait)


@transaction.atomic
def purge_portrait(portrait: Portrait) -> None:
    """Delete the picture of a deleted portrait, unless another one needs it, and the clips that show it.

    Raises:
        ResourceError: it cannot be deleted now; nothing changed.
    """
    Portrait.objects.filter(pk=portrait.pk).exclude(deleted_at=None).update(purged_at=timezone.now())
    rendering.purge_withdrawn(rendering.PORTRAIT, portrait.digest, owner_id=portrait.owner_id)
    portrait.refresh_from_db(fields=["purged_at"])


@receiver(post_delete, sender=Portrait)
def _purge_with_account(instance: Portrait, **_: object) -> None:
    """Delete the pictures of a deleted account."""
    transaction.on_commit(lambda: _purge_quietly(rendering.PORTRAIT, instance.digest))


@receiver(post_delete, sender=VoiceSample)
def _delete_with_account(instance: VoiceSample, **_: object) -> None:
    """Delete the recordings of a deleted account."""
    transaction.on_commit(lambda: _purge_quietly(rendering.VOICE, instance.digest))


def _purge_quietly(kind: str, digest: str) -> None:
    try:
        rendering.purge_withdrawn(kind, digest)
    except TalkingHeadError:
        logger.warning("The %s %s of a deleted account could not be deleted.", kind, digest, exc_info=True)


# --- videos that are hidden since ----------------------------------------------------------------------------------


def count_hidden_videos(kind: str, rows: Sequence[Portrait] | Sequence[VoiceSample], owner: User) -> int:
    """Set ``hidden_videos`` on each row, how many of its owner's videos its withdrawal hides, and return how many of
    the owner's videos any withdrawal hides."""
    counts = rendering.count_withdrawn_videos(owner.pk, kind)
    for row in rows:
        row.hidden_videos = counts.get(row.digest, 0)
    return sum(counts.values())


def keep_videos(kind: str, row: Portrait | VoiceSample) -> int:
    """Show the owner's hidden videos again: the owner answers for it. Return how many."""
    return rendering.keep_withdrawn_videos(row.owner_id, kind, row.digest)


# --- the sweeper's part --------------------------------------------------------------------------------------------


def complete_withdrawals() -> None:
    """Delete the pictures whose time for an undo is over, and stop what was requested during a withdrawal."""
    now = timezone.now()
    for portrait in Portrait.objects.filter(deleted_at__lt=now - undo_ends_after(), purged_at=None)[:100]:
        try:
            purge_portrait(portrait)
        except TalkingHeadError:
            logger.warning("The picture of portrait %s could not be deleted.", portrait.pk, exc_info=True)
    recently = now - timedelta(seconds=LOOK_AGAIN_SECONDS)
    for digest in Portrait.objects.filter(deleted_at__gt=recently).values_list("digest", flat=True):
        rendering.withdraw_consent(rendering.PORTRAIT, digest)
    for sample in VoiceSample.objects.filter(withdrawn_at__gt=recently):
        _purge_quietly(rendering.VOICE, sample.digest)
