"""What users see while the database cannot be read or written (locked, read-only, its disk full, its server away): 503
with ``Retry-After`` and what they typed, wherever in a request it happened.

Django calls these two handlers for every exception that becomes an error page, also for those of middleware and of the
API, so no view has to think of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.views.defaults import bad_request as default_bad_request
from django.views.defaults import server_error as default_server_error

RETRY_AFTER_SECONDS = 10
CODE = "database_unavailable"
MESSAGE = "Nothing can be saved at the moment."
HINT = "Try again in a minute. If it happens again, tell your school's administrator."
ALWAYS_TYPED = ("title", "name", "description", "script")
ONE_LINE = 60  # characters; a longer text is shown in a large field
# Errors of these classes that waiting does not mend: the database lacks what the code expects.
NEVER_BY_WAITING = ("no such table", "no such column", "has no column")
READ_ONLY = ("read-only", "readonly", "recovery")  # PostgreSQL reports these as internal errors


@dataclass(frozen=True, slots=True)
class TypedField:
    """A field of the form that was sent, to be shown again or carried along."""

    name: str
    value: str

    @property
    def label(self) -> str:
        return self.name.rpartition("-")[2].replace("_", " ").capitalize()

    @property
    def is_line(self) -> bool:
        return len(self.value) <= ONE_LINE and "\n" not in self.value

    @property
    def rows(self) -> int:
        return min(20, 2 + self.value.count("\n") + len(self.value) // ONE_LINE)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 if the database is unavailable, otherwise 500. The site's ``handler500``."""
    return _unavailable(request) if is_unavailable(sys.exception()) else default_server_error(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 503 if a session could not be saved, otherwise 400. The site's ``handler400``."""
    return _unavailable(request) if is_unavailable(exception) else default_bad_request(request, exception)


def is_unavailable(error: BaseException | None) -> bool:
    """Return whether an error, or one that it followed from, says that the database cannot do its work now."""
    while error is not None:
        text = str(error).lower()
        if isinstance(error, OperationalError | InterfaceError):
            return not any(words in text for words in NEVER_BY_WAITING)
        if isinstance(error, DatabaseError) and any(words in text for words in READ_ONLY):
            return True
        error = error.__cause__ or error.__context__
    return False


def _unavailable(request: HttpRequest) -> HttpResponse:
    response: HttpResponse
    if request.path.startswith("/api/") or not request.accepts("text/html"):
        response = JsonResponse({"code": CODE, "message": MESSAGE, "hint": HINT}, status=503)
    else:
        response = HttpResponse(render_to_string("503.html", _page(request), request=None), status=503)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response["Cache-Control"] = "no-store"
    return response


def _page(request: HttpRequest) -> dict[str, object]:
    if request.method != "POST":
        return {"message": "This page cannot be shown at the moment.", "hint": HINT, "again": request.get_full_path()}
    fields = list(_typed(request))
    is_secret = any("password" in field.name for field in fields)
    shown = [] if is_secret else fields
    return {
        "message": MESSAGE,
        "hint": HINT,
        "action": "" if is_secret else request.get_full_path(),
        "csrf_token": get_token(request),
        "visible": [field for field in shown if _is_text(field)],
        "hidden": [field for field in shown if not _is_text(field)],
        "has_files": bool(fields) and bool(request.FILES),
    }


def _typed(request: HttpRequest) -> Iterator[TypedField]:
    try:
        lists = list(request.POST.lists())
    except (RawPostDataException, UnreadablePostError):
        return
        return
    for name, values in lists:
        if name != "csrfmiddlewaretoken":
            yield from (TypedField(name, str(value)) for value in values)


def _is_text(field: TypedField) -> bool:
    """Return whether a person wrote this: choices, versions and buttons are only carried along."""
    return " " in field.value.strip() or "\n" in field.value or field.name in ALWAYS_TYPED
