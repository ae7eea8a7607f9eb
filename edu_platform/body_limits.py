"""How large the body of a request may be: for each view, and for visitors who are not signed in.

Views say it here, and :mod:`edu_platform.web` enforces it while the body arrives. Imports no app, so every app may say
what its views accept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.urls import Resolver404, resolve

ANONYMOUS_BYTES = 64_000  # a log-in form is a tenth of that
FORM_BYTES = 2_000_000  # the longest script has 60,000 characters
FORM_OVERHEAD_BYTES = 200_000  # the other fields of a form, and the envelope around its file
_ATTRIBUTE = "max_body_bytes"
ViewT = TypeVar("ViewT", bound=Callable[..., Any] | type)


def accepts_file(max_file_bytes: int) -> Callable[[ViewT], ViewT]:
    """Mark a view, a function or a class, as one whose form carries a file of at most so many bytes."""

    def mark(view: ViewT) -> ViewT:
        setattr(view, _ATTRIBUTE, max_file_bytes + FORM_OVERHEAD_BYTES)
        return view

    return mark


def max_body_bytes(path: str) -> int:
    """Return the largest body that the view of a path accepts from a user who is signed in."""
    try:
        view = resolve(path).func
    except (Resolver404, ValueError):
        return ANONYMOUS_BYTES
    holder = getattr(view, "cls", None) or getattr(view, "view_class", None) or view  # DRF's, Django's, a function
    return int(getattr(holder, _ATTRIBUTE, FORM_BYTES))
