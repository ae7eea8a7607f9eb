"""The one form of every error response: ``{"code", "message", "hint"}``, for errors of views and for those that come
before a view: addresses that do not exist, requests that Django refuses.

``code`` is stable and for programs, ``message`` is for people, ``hint`` says what to do next and may be empty.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from talking_head.errors import InvalidInput, LimitReached, ResourceError, TalkingHeadError, words_for_teachers

CONFLICTS = frozenset(
    {"job_active", "job_ended", "not_ready", "lesson_changed", "nothing_held_back", "portrait_exists"}
)
RETRY_AFTER_SECONDS = 5
ResponseT = TypeVar("ResponseT", bound=HttpResponseBase)
API_ROOT = "/api/"
NOT_FOUND = "Not found, or you do not have permission to see it."


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response for ``error``, or None for an unexpected exception, which becomes a 500. The function that
    ``REST_FRAMEWORK["EXCEPTION_HANDLER"]`` names."""
    if isinstance(error, TalkingHeadError):
        return _error_response(error, is_staff=_is_staff(context.get("request")))
    response = exception_handler(error, context)  # sets the status and headers such as Retry-After
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        response.data = _body("invalid_input", *_first_problem(error.detail))
    elif isinstance(error, exceptions.Throttled):
        wait_seconds = response.get("Retry-After", "60")
        response.data = _body("throttled", "Too many requests.", f"Try again in {wait_seconds} seconds.")
    elif isinstance(error, APIException):
        response.data = _body(_code_of(error), str(error.detail), _HINTS.get(type(error), ""))
    elif isinstance(error, Http404):
        response.data = _body("not_found", NOT_FOUND)
    else:
        response.data = _body("forbidden", "You do not have permission to do this.")
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that no view saw, because something in its headers is wrong."""
    return _error_page(request, 400, "bad_request", "The request is not valid.") or defaults.bad_request(
        request, exception
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request outside the views of Django REST framework that is not allowed."""
    return _error_page(request, 403, "forbidden", "You do not have permission to do this.") or (
        defaults.permission_denied(request, exception)
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request to an address that no view has."""
    return _error_page(request, 404, "not_found", NOT_FOUND) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that met an unexpected error, which is in the log."""
    hint = "Try again; if it happens again, tell an administrator."
    message = "Something went wrong on the server."
    return _error_page(request, 500, "server_error", message, hint) or defaults.server_error(request)


def _error_page(request: HttpRequest, status_code: int, code: str, message: str, hint: str = "") -> HttpResponse | None:
    """Return the error in the API's form, for clients of the API; None for browsers, which get a page."""
    if not request.path.startswith(API_ROOT):
        return None
    return JsonResponse(_body(code, message, hint), status=status_code)


_HINTS: dict[type[Exception], str] = {exceptions.NotAuthenticated: "Log in, or send an API token."}


def _is_staff(request: Any) -> bool:
    """Return whether an administrator asks, or another machine, which authenticates without a user."""
    user = getattr(request, "user", None)
    return user is None or not user.is_authenticated or user.is_staff


def _error_response(error: TalkingHeadError, *, is_staff: bool) -> Response:
    words = (error.message, error.hint)
    message, hint = words if is_staff else words_for_teachers(error.code, *words)
    return with_retry_after(Response(_body(error.code, message, hint), status=_status_of(error)), error)


def with_retry_after(response: ResponseT, error: TalkingHeadError | None) -> ResponseT:
    """Return the response with the header that says when trying again may help, if it may. Pages use it too."""
    if isinstance(error, ResourceError) and not error.permanent:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    elif isinstance(error, LimitReached) and error.retry_after_seconds is not None:
        response["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    return response


def _status_of(error: TalkingHeadError) -> int:
    if error.code in CONFLICTS:
        return status.HTTP_409_CONFLICT
    if error.code == "idempotency_key_reused":
        return status.HTTP_422_UNPROCESSABLE_ENTITY
    if error.code == "video_lost":
        return status.HTTP_404_NOT_FOUND
    if isinstance(error, InvalidInput):
        return status.HTTP_400_BAD_REQUEST
    if isinstance(error, LimitReached):
        return status.HTTP_429_TOO_MANY_REQUESTS
    return status.HTTP_503_SERVICE_UNAVAILABLE  # an engine or a resource of this machine, not the caller's fault


def _body(code: str, message: str, hint: str = "") -> dict[str, str]:
    return {"code": code, "message": message, "hint": hint}


def _code_of(error: APIException) -> str:
    codes = error.get_codes()
    return codes if isinstance(codes, str) else error.default_code


def _first_problem(detail: Any, field: str = "") -> tuple[str, str]:
    """Return the first message in the nested lists and dicts of a validation error, and a hint that names its field."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        return _first_problem(inner, field if name == "non_field_errors" else str(name))
    if isinstance(detail, list):
        return _first_problem(detail[0], field) if detail else ("The request is not valid.", "")
    return str(detail), f"Correct the field “{field}”." if field else ""
