"""Who may do what with a portrait. Used by pages, services and the renderer's file view."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from avatars.models import Portrait
from edu_platform.people import Person, is_teacher


def portraits_usable_by(user: Person) -> QuerySet[Portrait]:
    """Return the portraits a user may choose for a new video: their own, and those shared with the teachers."""
    return portraits_owned_by(user) | portraits_shared_with(user)


def portraits_owned_by(user: Person) -> QuerySet[Portrait]:
    """Return a user's own portraits that are not deleted."""
    if not isinstance(user, User) or not user.is_active:
        return Portrait.objects.none()
    return Portrait.objects.filter(owner=user, deleted_at=None)


def portraits_shared_with(user: Person) -> QuerySet[Portrait]:
    """Return other users' portraits that a teacher may use."""
    if not is_teacher(user):
        return Portrait.objects.none()
    return Portrait.objects.filter(~Q(owner=user.pk), is_shared=True, deleted_at=None)


def may_change(user: Person, portrait: Portrait) -> bool:
    """Return whether a user may change a portrait: only a teacher's own."""
    return is_teacher(user) and portrait.owner_id == user.pk


def may_view_portrait(user: Person, digest: str) -> bool:
    """Return whether a user may see a stored picture; the renderer asks before serving it. Owners also see deleted
    ones, as long as they may restore them."""
    if not isinstance(user, User) or not user.is_active:
        return False
    if Portrait.objects.filter(owner=user, digest=digest, purged_at=None).exists():
        return True
    return portraits_shared_with(user).filter(digest=digest).exists()
