"""The accounts of ``load_demo``. Their passwords are published, so they work only where no other machine can try them:
on a site that is bound to this machine."""

from __future__ import annotations

import functools

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.http import HttpRequest

from edu_platform.proxies import is_loopback

# (role, user name, password): for trying it out on one's own machine; README says to delete them on a real one.
DEMO_ACCOUNTS = (
    ("teacher", "teacher", "lectern-teacher"),
    ("student", "student", "lectern-student"),
    ("admin", "admin", "lectern-admin"),
)
PUBLISHED_PASSWORDS = frozenset(password for _role, _name, password in DEMO_ACCOUNTS)
HINT = "Give them other passwords (manage.py changepassword) or delete them."


def is_refused(request: HttpRequest, password: str) -> bool:
    """Return whether a password is published, and the request comes from where another machine could send it."""
    return password in PUBLISHED_PASSWORDS and not _is_from_this_machine(request)


def _is_from_this_machine(request: HttpRequest) -> bool:
    is_forwarded = request.META.get("lectern.was_forwarded", False)
    return settings.SITE_IS_LOCAL and not is_forwarded and is_loopback(str(request.META.get("REMOTE_ADDR", "")))


def with_published_passwords() -> list[str]:
    """Return the names of the demo accounts that still have the published password; none if there is no database."""
    names = [name for _role, name, _password in DEMO_ACCOUNTS]
    try:
        stored = dict(User.objects.filter(username__in=names, is_active=True).values_list("username", "password"))
    except DatabaseError:
        return []
    published = [(name, password) for _role, name, password in DEMO_ACCOUNTS if name in stored]
    return [name for name, password in published if _is_hash_of(stored[name], password)]


def warning(*, is_local: bool) -> str:
    """Return what to say at the start, in checks and in ``/readyz``; empty on a local site and where all is well."""
    names = [] if is_local else with_published_passwords()
    if not names:
        return ""
    return (
        f"Demo accounts with published passwords exist ({', '.join(names)}). They cannot log in, because this site can"
        " be reached from other machines."
    )


@functools.lru_cache(maxsize=16)
def _is_hash_of(stored: str, password: str) -> bool:
    """Compare once for each stored hash: it takes a third of a second, and probes ask every few seconds."""
    return check_password(password, stored)
