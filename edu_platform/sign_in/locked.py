"""What a client sees whose attempt to log in was refused: why, for how long, and what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_cool_off
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

TOO_MANY, DEMO_ACCOUNT = "too_many_attempts", "demo_account"
MESSAGES = {
    TOO_MANY: "There were too many wrong passwords.",
    DEMO_ACCOUNT: "Demo accounts work only on the machine that the site runs on.",
}


@dataclass(frozen=True, slots=True)
class SignInRefusal:
    """Why an attempt was refused without looking at the password."""

    status: int
    wait_seconds: int = 0
    reason: str = TOO_MANY

    @property
    def minutes(self) -> int:
        return max(1, math.ceil(self.wait_seconds / 60))

    @property
    def hint(self) -> str:
        """Say what to do next."""
        if self.reason == DEMO_ACCOUNT:
            return "Ask the administrator of your school for an account of your own."
        unit = "minute" if self.minutes == 1 else "minutes"
        return f"Try again in {self.minutes} {unit}. An administrator can unlock the account sooner."


def refuse(request: HttpRequest, refusal: SignInRefusal) -> PermissionDenied:
    """Mark the request as refused, so that the attempt is not recorded as a wrong password, and return the error that
    ends the authentication."""
    request.sign_in_refusal = refusal  # type: ignore[attr-defined]
    request.axes_locked_out = True  # type: ignore[attr-defined]
    return PermissionDenied(MESSAGES[refusal.reason])


def locked_response(request: HttpRequest, _response: Any = None, credentials: Any = None) -> HttpResponse:
    """Return the answer to a refused attempt; what ``AXES_LOCKOUT_CALLABLE`` names."""
    refusal = getattr(request, "sign_in_refusal", None) or SignInRefusal(429, wait_seconds=_rest_of_lock(request))
    if "application/json" in request.headers.get("Accept", ""):
        body = {"code": refusal.reason, "message": MESSAGES[refusal.reason], "hint": refusal.hint}
        response: HttpResponse = JsonResponse(body, status=refusal.status)
    else:
        context = {"refusal": refusal, "message": MESSAGES[refusal.reason]}
        response = render(request, "registration/locked.html", context, status=refusal.status)
    if refusal.wait_seconds:
        response["Retry-After"] = str(refusal.wait_seconds)
    response["Cache-Control"] = "no-store"
    return response


def _rest_of_lock(request: HttpRequest) -> int:
    """Return how long the lock of this account and address still lasts."""
    cool_off = get_cool_off(request)
    credentials = getattr(request, "axes_credentials", None)
    attempts = AxesDatabaseHandler().get_user_attempts(request, credentials)
    latest = max((row for query in attempts if (row := query.aggregate(at=Max("attempt_time"))["at"])), default=None)
    if cool_off is None or latest is None:
        return 1
    return max(1, math.ceil((latest + cool_off - timezone.now()).total_seconds()))
