"""Pages, API answers and commands, by how much the site holds: processor time, queries and bytes of each."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks.growth.figures import Figure, measured

ROLES = ("administrator", "teacher", "student")


def measure(scale: int) -> Iterator[Figure]:
    """Measure every address of the URL table for everyone who may see it, and the commands that read whole tables or
    folders. At 100 the site holds 200 courses, 5,000 lessons, 50,000 enrolments, 20,000 jobs and 100,000 cache entries,
    and one course has 100 lessons and 5,000 students."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from benchmarks.growth.filling import Sizes, fill
    from benchmarks.growth.media import fill_media, fill_results
    from talking_head.diagnostics import background

    settings.ALLOWED_HOSTS = ["*"]
    background.start = _start_nothing  # the first visit of its page starts a diagnosis
    site = fill(Sizes.of_scale(scale))
    if site.lesson.current_job is not None:
        fill_results(site.lesson.current_job)
    fill_media(entries=1_000 * scale, folders=100 * scale)
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE")  # autovacuum does it within a minute where rows accumulate
    yield from _pages(site, scale)
    for what, act in _commands().items():
        yield measured(what, scale, "scale", act, repetitions=3, clock="wall")
    for words in (("cache", "--stats"), ("sweep",)):
        command = partial(call_command, *words, stdout=io.StringIO())
        yield measured(f"manage.py {' '.join(words)}", scale, "scale", command, repetitions=3, clock="wall")


def _start_nothing(*, measure: bool) -> None:
    """Stand in for a diagnosis that would run beside the measurement."""


def _pages(site: Any, scale: int) -> Iterator[Figure]:
    from django.test import Client

    from benchmarks.growth.addresses import addresses

    extra = {"/admin/talking_head/job/": ("p=100",)}
    for role in ROLES:
        client = Client(raise_request_exception=False)
        client.force_login(getattr(site, role))
        for address in addresses(site):
            paths = [address.path, *(f"{address.path}?{query}" for query in extra.get(address.path, ()))]
            for path in paths:
                if client.get(path).status_code == 200:
                    yield measured(
                        f"{role} {address.route}{path[path.index('?') :] if '?' in path else ''}",
                        scale,
                        "scale",
                        partial(_get, client, path),
                        repetitions=3,
                        clock="wall",
                        count_bytes=lambda body: len(body),
                    )


def _get(client: Any, path: str) -> bytes:
    """Return the body of an answer that no process had kept."""
    from django.core.cache import cache

    from talking_head.admin import dashboard
    from talking_head.monitoring import prometheus

    cache.clear()
    dashboard.forget()
    prometheus.clear()
    response = client.get(path)
    return b"".join(response.streaming_content) if response.streaming else response.content


def _commands() -> dict[str, Any]:
    from talking_head.planning import queue_forecast
    from talking_head.worker import garbage, sweeper

    def quietly(act: Any) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            act()

    return {
        "a round of the sweeper": partial(quietly, sweeper.sweep),
        "a search for garbage": partial(quietly, garbage.collect_garbage),
        "the queue's forecast": partial(quietly, queue_forecast.queue_now),
    }
