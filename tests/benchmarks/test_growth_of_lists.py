"""Every address of the site costs as many queries and bytes with long lists as with lists ten times as long.

The addresses come from the URL table (:mod:`benchmarks.growth.addresses`), so a new page is held to it by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from benchmarks.growth.addresses import MissingExampleError, addresses, content_types
from benchmarks.growth.filling import Site, Sizes, fill
from benchmarks.growth.media import fill_results
from talking_head.admin import dashboard
from talking_head.diagnostics import background
from talking_head.monitoring import prometheus

LENGTH = 100  # two pages of the longest lists, so that both sites show full ones
ROLES = ("administrator", "teacher", "student")
# What longer numbers and a pager with more pages may add.
MORE_BYTES, MORE_BYTES_SHARE = 800, 0.02
# Addresses that show a lesson's sentences one by one, because that is what they are for: bytes a sentence.
BYTES_A_SENTENCE: dict[str, int] = {
    "api/lessons/<int:pk>/": 60,
    "courses/<slug:slug>/lessons/<int:pk>/": 450,
    "courses/<slug:slug>/lessons/<int:pk>/edit/": 900,
    "api/jobs/<uuid:job_id>/": 450,
    "api/vip/status/<uuid:job_id>": 450,
}
SENTENCES = 60  # more than a page of a job's sentences
# Charts have a bar for every hour or day, which few jobs leave empty: bytes.
BYTES_OF_BARS = {"admin/talking_head/job/dashboard/": 12_000}
# Django deletes in batches, and so reads what it is about to delete.
QUERIES_OF_BATCHES = {"admin/lessons/course/<path:object_id>/delete/": 10}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one answer cost."""

    status: int
    queries: int
    bytes: int


@pytest.fixture
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.METRICS_TOKEN = ""
    monkeypatch.setattr(background, "start", lambda *, measure: None)  # the first visit starts a diagnosis


def ask(site: Site) -> dict[tuple[str, str], Cost]:
    """Return the cost of every address for every role."""
    assert site.lesson.current_job is not None
    fill_results(site.lesson.current_job)
    costs = {}
    content_types()
    for role in ROLES:
        client = Client(raise_request_exception=False)
        client.force_login(getattr(site, role))
        client.get("/courses/")  # what the first request of a session reads
        for address in addresses(site):
            if role != "administrator" and address.route.startswith("admin/"):
                continue  # a redirect to the login
            costs[role, f"{address.route} {address.path.partition('?')[2]}".strip()] = cost_of(client, address.path)
    return costs


def cost_of(client: Client, path: str) -> Cost:
    cache.clear()
    dashboard.forget()
    prometheus.clear()
    with CaptureQueriesContext(connection) as queries:
        response: Any = client.get(path)
        body = b"".join(response.streaming_content) if response.streaming else response.content
    return Cost(response.status_code, len(queries), len(body))


def test_no_list_costs_more_when_it_is_longer(db: None, quick: None, media_root: Any) -> None:
    short = ask(fill(Sizes.of_every_list(LENGTH, sentences=SENTENCES)))
    long = ask(fill(Sizes.of_every_list(10 * LENGTH, sentences=10 * SENTENCES)))
    assert sum(cost.status == 200 for cost in short.values()) > 150  # they were really shown
    found = [
        f"{role} /{route}: {short[role, route]} -> {cost}"
        for (role, route), cost in long.items()
        if not is_bounded(route, short[role, route], cost)
    ]
    assert not found, "\n".join(found)


def is_bounded(row: str, short: Cost, long: Cost) -> bool:
    route = row.partition(" ")[0]
    allowed = MORE_BYTES + MORE_BYTES_SHARE * short.bytes
    allowed += 9 * SENTENCES * BYTES_A_SENTENCE.get(route, 0) + BYTES_OF_BARS.get(route, 0)
    more_queries = long.queries - short.queries
    is_equal = short.status == long.status and more_queries <= QUERIES_OF_BATCHES.get(route, 0)
    return is_equal and long.bytes - short.bytes <= allowed


def test_an_address_without_an_example_names_what_to_add(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.urls import path
    from django.views.generic import RedirectView

    from benchmarks.growth import addresses as module

    class Table:
        url_patterns = [path("shelves/<int:shelf>/", RedirectView.as_view(), name="shelf")]

    monkeypatch.setattr(module, "get_resolver", Table)
    with pytest.raises(MissingExampleError, match=r"shelves/<int:shelf>/ has the argument “shelf”.*EXAMPLES"):
        list(addresses(fill(Sizes.of_every_list(2, sentences=2))))
