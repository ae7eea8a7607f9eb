"""Requests for every address by every kind of person, and what their answers mean."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connection, transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from benchmarks.growth.addresses import QUERIES, address_of, routes
from tests.permissions.people import PEOPLE, School, write_files
from tests.permissions.table import MODELS, NOT_ASKED, who_may

Answer = Literal["answered", "log in", "refused", "no such method", "broken"]
LOG_IN_PAGES = ("/accounts/login/", "/admin/login/")
OWN_TABLES = ("lessons_", "avatars_", "talking_head_", "auth_", "authtoken_")
# Who is told whether an address offers a method: everyone else may be sent away before.
KNOW_METHODS = ("owner", "superuser")
AUTOCOMPLETE = "admin/autocomplete/"
# Django's answer to any other address below /admin/.
CATCH_ALL = "admin/(?P<url>.*)$"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and its answer."""

    route: str
    side: str
    method: str
    person: str
    answer: Answer
    status: int
    leaked: tuple[str, ...]  # words of the body that this person may not read
    writes: tuple[str, ...]  # statements that changed a table of the site

    def __str__(self) -> str:
        return f"{self.method} /{self.route} ({self.side}) by {self.person}: {self.status}, {self.answer}"


def all_routes() -> list[str]:
    """Return every line of the URL table, the administrators' pages of every model among them."""
    return [route for route in routes(get_resolver().url_patterns) if route not in {CATCH_ALL, *NOT_ASKED}]


def ask_everything(school: School, methods: tuple[str, ...]) -> Iterator[Asked]:
    """Yield the answers of every address to everyone: from all sides where an address names what they differ in."""
    addresses = [(route, side, path) for route in all_routes() for side, path in _paths(route, school).items()]
    offered: set[tuple[str, str]] = set()
    for person in sorted(PEOPLE, key=lambda person: person not in KNOW_METHODS):
        client = _client(school, person)
        write_files(school.sides)
        for address in addresses:
            for method in methods:
                if _is_worth_asking(address, method, person, offered):
                    asked = _ask(client, school, person, method, address)
                    if asked.answer != "no such method":
                        offered.add((asked.route, method))
                    yield asked


def _is_worth_asking(address: tuple[str, str, str], method: str, person: str, offered: set[tuple[str, str]]) -> bool:
    """Return False where the answer is known: a method that neither the owner nor a superuser is offered, methods that
    only the API tells apart, and forms of a model's administrators by those who may read them, which
    test_model_admins.py sends, and by those who are not let in by GET either, but for one of them."""
    route, side, _path = address
    if method in ("PUT", "PATCH", "DELETE") and not route.startswith("api/"):
        return False
    if person not in KNOW_METHODS and (route, method) not in offered:
        return False
    if method == "POST" and any(route.startswith(f"admin/{model}/") for model in MODELS):
        readers = who_may(route, side).get("GET", frozenset())
        return person in {"owner", "staff", "operator"} - readers
    return True


def _paths(route: str, school: School) -> dict[str, str]:
    """Return the addresses of a route by side, each once."""
    paths: dict[str, str] = {}
    for side, site in school.sides.items():
        path = address_of(route, site)
        if route == AUTOCOMPLETE:
            path = f"{path}?{QUERIES[route][0]}"
        if path not in paths.values():
            paths[side] = path
    return paths


def _client(school: School, person: str) -> Client:
    client = Client(raise_request_exception=False)
    if (user := school.people[person]) is not None:
        client.force_login(user)
    return client


def _ask(client: Client, school: School, person: str, method: str, address: tuple[str, str, str]) -> Asked:
    """Send one request with an empty body; nothing that it does is kept."""
    route, side, path = address
    cookies = copy.copy(client.cookies)
    connection.queries_log.clear()  # it keeps the last 9,000
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        response: Any = client.generic(method, path)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        transaction.set_rollback(True)
    client.cookies = cookies
    text = body.decode(errors="replace")
    return Asked(
        route,
        side,
        method,
        person,
        _meaning(response),
        response.status_code,
        tuple(word for word in school.secrets.get(person, ()) if word in text),
        tuple(query["sql"] for query in queries.captured_queries if _changes_the_site(query["sql"])),
    )


def _meaning(response: HttpResponseBase) -> Answer:
    status = response.status_code
    if status == 401 or (status == 302 and response["Location"].partition("?")[0] in LOG_IN_PAGES):
        return "log in"
    if status in (403, 404):
        return "refused"
    if status == 405:
        return "no such method"
    return "broken" if status == 500 else "answered"


def _changes_the_site(sql: str) -> bool:
    words = sql.split()
    changes = words[:1] in (["INSERT"], ["UPDATE"], ["DELETE"])
    return changes and any(f'"{table}' in sql.partition("WHERE")[0] for table in OWN_TABLES)
