"""Base of the upload pages: a form with a file and a consent, and a limit on a request's size before it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_protect

from talking_head.api.errors import with_retry_after
from talking_head.errors import InvalidInput, TalkingHeadError, words_for_teachers

FORM_OVERHEAD_BYTES = 200_000  # the other fields and the multipart envelope
FormT = TypeVar("FormT", bound=forms.Form)


def is_too_heavy(request: HttpRequest, max_file_bytes: int) -> bool:
    """Return whether a request declares more than a form with such a file needs."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    return declared.isdecimal() and int(declared) > max_file_bytes + FORM_OVERHEAD_BYTES


def problem_of(error: TalkingHeadError) -> dict[str, str]:
    """Return a refusal in the form of a report's problems."""
    message, hint = words_for_teachers(error.code, error.message, error.hint)
    return {"code": error.code, "severity": "stop", "message": message, "hint": hint}


def plain(error: TalkingHeadError) -> str:
    """Return an error as one text for teachers."""
    return " ".join(words_for_teachers(error.code, error.message, error.hint)).strip()


@dataclass(frozen=True, slots=True)
class UploadPage(Generic[FormT]):
    """A page that takes a file. Its view is ``csrf_exempt``: reading the CSRF token means reading the whole upload,
    so the declared size is checked first and the token after it.
    """

    template: str
    form: type[FormT]
    max_file_bytes: int
    too_heavy: Callable[[], TalkingHeadError]
    add: Callable[
        [HttpRequest, User, FormT], HttpResponse
    ]  # stores the valid form's data, adds a message, and redirects
    context: Mapping[str, Any]

    def answer(self, request: HttpRequest, user: User) -> HttpResponse:
        """Return the page, or the response to the form that was sent: 413, 400, 503, or the redirect of ``add``."""
        if is_too_heavy(request, self.max_file_bytes):
            return self._page(request, self.form(), refusal=self.too_heavy(), status=413)
        return csrf_protect(self._answer)(request, user)

    def _answer(self, request: HttpRequest, user: User) -> HttpResponse:
        if request.method != "POST":
            own_name = user.get_full_name() or user.get_username()
            return self._page(request, self.form(initial={"consent_given_by": own_name}))
        form = self.form(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(request, form, status=400)
        try:
            return self.add(request, user, form)
        except InvalidInput as error:
            return self._page(request, form, refusal=error, status=400)
        except TalkingHeadError as error:  # the file may be fine, but this machine cannot store it now
            form.add_error(None, plain(error))
            return with_retry_after(self._page(request, form, status=503), error)

    def _page(
        self, request: HttpRequest, form: FormT, *, refusal: TalkingHeadError | None = None, status: int = 200
    ) -> HttpResponse:
        context = {
            "form": form,
            "problems": [problem_of(refusal)] if refusal else [],
            "max_megabytes": self.max_file_bytes // 1_000_000,
            **self.context,
        }
        return render(request, self.template, context, status=status)
