"""The first of the authentication backends: it refuses attempts before a password is hashed. Django's own is the second
only because sessions of older releases name it."""

from __future__ import annotations

import os
import threading
from typing import Any

from axes.backends import AxesBackend
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest

from edu_platform.proxies import client_address
from edu_platform.sign_in import demo_accounts
from edu_platform.sign_in.limits import LOGINS_OF_ADDRESS, LOGINS_OF_USER
from edu_platform.sign_in.locked import DEMO_ACCOUNT, SignInRefusal, refuse

# Hashing takes a third of a second of a core. One core is left to the pages, however many log in at once; each request
# waits in a thread of its own, so no page waits with it.
_hashing = threading.BoundedSemaphore(max(1, (os.cpu_count() or 2) - 1))
LONGEST_TURN_SECONDS, BUSY_SECONDS = 20.0, 10


class GuardedBackend(AxesBackend):
    """django-axes, the limits that it does not know, and Django's own check of the password.

    A refused attempt raises PermissionDenied, which ends ``authenticate`` before any other backend is asked, and leaves
    a :class:`SignInRefusal` on the request, from which the middleware of django-axes makes the page.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if request is None:
            return None  # a program on this machine, such as a test or a command: there is no client to lock out
        # Refused like an unknown account when there is no name: forms require one.
        name, address = username or "", client_address(request)
        if demo_accounts.is_refused(request, password or ""):
            raise refuse(request, SignInRefusal(403, reason=DEMO_ACCOUNT))
        if wait := LOGINS_OF_ADDRESS.take(address) or LOGINS_OF_USER.take(name):
            raise refuse(request, SignInRefusal(429, wait_seconds=wait))
        if not _hashing.acquire(timeout=LONGEST_TURN_SECONDS):
            raise refuse(request, SignInRefusal(429, wait_seconds=BUSY_SECONDS))
        try:  # asked after the wait: the attempts before this one may have locked the account meanwhile
            super().authenticate(request, username=username, password=password, **kwargs)
            user = ModelBackend.authenticate(self, request, username=username, password=password)
        finally:
            _hashing.release()
        if user is None:
            raise PermissionDenied("Wrong password.")  # or the next backend would hash it again
        return user


@receiver(user_logged_in, dispatch_uid="sign_in.give_back_attempt")
def give_back_attempt(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """Uncount the attempt that succeeded."""
    if request is not None:
        LOGINS_OF_ADDRESS.give_back(client_address(request))
        LOGINS_OF_USER.give_back(user.get_username())
