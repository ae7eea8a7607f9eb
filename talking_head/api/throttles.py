"""Rate limits per user for requests that cost more than reading the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it loads the settings, and they load this module


class ChangesThrottle(ScopedRateThrottle):
    """A throttle that counts changes under the view's ``throttle_scope``; reading is free."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        return request.method in SAFE_METHODS or super().allow_request(request, view)
