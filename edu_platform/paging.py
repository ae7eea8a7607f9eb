"""Lists in pages: a page of rows, and the addresses of the pages beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

RowT = TypeVar("RowT", bound=Model)


@dataclass(frozen=True, slots=True)
class PagedList(Generic[RowT]):
    """One page of a list, for ``parts/pager.html``. ``parameter`` names the page in the address, so that two lists of
    one page turn independently; ``anchor`` is the id of the list on the page."""

    page: Page[RowT]
    request: HttpRequest
    parameter: str
    anchor: str

    @property
    def rows(self) -> list[RowT]:
        return list(self.page.object_list)

    @property
    def count(self) -> int:
        """Return the number of rows of all pages."""
        return self.page.paginator.count

    @property
    def is_long(self) -> bool:
        """Return whether there is more than one page."""
        return self.page.has_other_pages()

    @property
    def previous_url(self) -> str:
        return self._url(self.page.previous_page_number()) if self.page.has_previous() else ""

    @property
    def next_url(self) -> str:
        return self._url(self.page.next_page_number()) if self.page.has_next() else ""

    def _url(self, number: int) -> str:
        query = self.request.GET.copy()
        query[self.parameter] = str(number)
        return f"?{query.urlencode()}{f'#{self.anchor}' if self.anchor else ''}"


def paged(
    request: HttpRequest, rows: QuerySet[RowT], size: int, *, parameter: str = "page", anchor: str = ""
) -> PagedList[RowT]:
    """Return the page of ``rows`` that the request asks for, at most ``size`` of them; the first or last one where it
    asks for none that exists. ``rows`` must have an order."""
    return PagedList(Paginator(rows, size).get_page(request.GET.get(parameter)), request, parameter, anchor)


def search_words(request: HttpRequest) -> str:
    """Return what was typed into the search field of a list, on one line."""
    return " ".join(request.GET.get("q", "").split())[:200]


def matching(words: str, *fields: str) -> Q:
    """Return the condition that every word occurs in one of the fields, in any letter case."""
    condition = Q()
    for word in words.split():
        found: Any = Q()
        for field in fields:
            found |= Q(**{f"{field}__icontains": word})
        condition &= found
    return condition
