"""The users of the site, and which of them are teachers. Imports no app, so every app can use it."""

from __future__ import annotations

from typing import TypeAlias

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.core.exceptions import PermissionDenied

TEACHERS_GROUP = "Teachers"
Person: TypeAlias = User | AnonymousUser | AbstractBaseUser


def is_teacher(person: Person) -> bool:
    """Return whether a person may make videos: an active member of the group of teachers, or a superuser. Staff status
    alone makes no one a teacher.

    The result is cached on the request's user object, because one page asks several times.
    """
    if not isinstance(person, User) or not person.is_active:
        return False
    answer: bool | None = getattr(person, "_is_lectern_teacher", None)
    if answer is None:
        answer = person.is_superuser or person.groups.filter(name=TEACHERS_GROUP).exists()
        person._is_lectern_teacher = answer  # type: ignore[attr-defined]
    return answer


def signed_in_user(person: Person) -> User:
    """Return the user of a request; raise PermissionDenied for anonymous visitors."""
    if not isinstance(person, User):
        raise PermissionDenied("Log in first.")
    return person


def require_teacher(person: Person, message: str) -> User:
    """Return the user of a request if they are a teacher; raise PermissionDenied with ``message`` otherwise."""
    if not is_teacher(person):
        raise PermissionDenied(message)
    return signed_in_user(person)
