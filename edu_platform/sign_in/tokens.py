"""API tokens: as Django REST framework has them, with a limit on guesses."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import TokenAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from edu_platform.people import Person
from edu_platform.proxies import client_address
from edu_platform.sign_in.limits import TOKENS_OF_ADDRESS


class LimitedTokenAuthentication(TokenAuthentication):
    """Refuses an address that has guessed too often before the database is asked."""

    def authenticate(self, request: Request) -> Any:
        header = get_authorization_header(request).split()
        if not header or header[0].lower() != self.keyword.lower().encode():
            return None
        address = client_address(request._request)
        if wait := TOKENS_OF_ADDRESS.wait_seconds(address):
            raise Throttled(wait)
        try:
            return super().authenticate(request)
        except AuthenticationFailed:
            TOKENS_OF_ADDRESS.take(address)
            raise


def user_of(request: HttpRequest) -> Person:
    """Return the user that a request's token or session names, for views outside the API.

    Raises:
        APIException: the token is wrong (401), or its address has guessed too often (429).
    """
    found = LimitedTokenAuthentication().authenticate(Request(request))
    return found[0] if found else request.user
