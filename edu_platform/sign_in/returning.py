"""Where a login leads back to: a page that can be shown, also if the session ended before a form was sent."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme

GetResponse = Callable[[HttpRequest], HttpResponse]
LOGIN_PAGES = ("login", "admin:login")


def return_to_the_form(get_response: GetResponse) -> GetResponse:
    """Return a middleware: after a form was refused because the session had ended, the login leads to its page.

    Django leads to the address of the request, and most addresses that take a form answer 405 to everything else.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method == "POST" and response.status_code == 302:
            login = urlsplit(response["Location"])
            if login.path in _login_pages() and request.path != login.path:
                query = urlencode({REDIRECT_FIELD_NAME: page} if (page := _page_of_form(request)) else {})
                response["Location"] = login._replace(query=query).geturl()
        return response

    return middleware


def _login_pages() -> list[str]:
    pages = []
    for name in LOGIN_PAGES:
        try:
            pages.append(reverse(name))
        except NoReverseMatch:  # a site without the admin's pages
            continue
    return pages


def _page_of_form(request: HttpRequest) -> str:
    """Return the address of the page that the browser says the form was on; empty if it does not say one of ours."""
    referrer = request.META.get("HTTP_REFERER", "")
    if not url_has_allowed_host_and_scheme(referrer, {request.get_host()}, require_https=request.is_secure()):
        return ""
    return urlsplit(referrer)._replace(scheme="", netloc="", fragment="").geturl()
