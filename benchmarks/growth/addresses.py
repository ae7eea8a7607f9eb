"""Every address of the site that answers GET, made from the URL table, and who may see it.

A page that is added to the URL table is here by itself. Where it needs arguments that no other address has,
:func:`addresses` raises :class:`MissingExampleError`, which says what to add.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver

from benchmarks.growth.filling import Site

ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
ADMIN = "admin/"
# Addresses that show no list.
LEFT_OUT = {
    "admin/logout/": "ends the session",
    "accounts/logout/": "ends the session",
    "media/jobs/<uuid:job_id>/<str:name>": "sends one file",
    "media/jobs/<uuid:job_id>/clips/<int:index>.mp4": "sends one file",
    "api/vip/download/<uuid:job_id>": "sends one file",
    "admin/r/<path:content_type_id>/<path:object_id>/": "redirects to a row's own page",
}


class MissingExampleError(LookupError):
    """An address has an argument for which there is no example."""

    def __init__(self, route: str, argument: str) -> None:
        super().__init__(
            f"The address /{route} has the argument “{argument}”, and no example of it is known. Add one to EXAMPLES "
            "in benchmarks/growth/addresses.py: a row with long lists, which benchmarks/growth/filling.py fills."
        )


@dataclass(frozen=True, slots=True)
class Address:
    """An address to ask for; ``route`` is the line of the URL table that it comes from."""

    route: str
    path: str


# By the part of the route before the argument; the longest that fits is taken.
EXAMPLES: dict[tuple[str, str], Callable[[Site], Any]] = {
    ("", "slug"): lambda site: site.course.slug,
    ("", "student_id"): lambda site: site.student.pk,
    ("courses/", "pk"): lambda site: site.lesson.pk,
    ("api/lessons/", "pk"): lambda site: site.lesson.pk,
    ("portraits/", "pk"): lambda site: site.portrait.pk,
    ("api/avatars/", "pk"): lambda site: site.portrait.pk,
    ("voices/", "pk"): lambda site: site.voice.pk,
    ("", "job_id"): lambda site: site.lesson.current_job,
    ("", "index"): lambda site: 0,
    ("media/jobs/", "name"): lambda site: "video.mp4",
    ("media/portraits/", "digest"): lambda site: site.portrait.digest,
    ("media/voices/", "digest"): lambda site: site.voice.digest,
    ("", "narration_id"): lambda site: site.narration.pk,
    ("", "image_id"): lambda site: "not-signed-here",
    ("", "invitation_id"): lambda site: site.course.invitations.earliest("pk").pk,
    ("admin/auth/user/", "id"): lambda site: site.student.pk,
    ("admin/", "verb"): lambda site: "cancel",
    ("admin/r/", "content_type_id"): lambda site: ContentType.objects.get_for_model(site.lesson).pk,
    ("admin/r/", "object_id"): lambda site: site.lesson.pk,
    ("admin/", "app_label"): lambda site: "lessons",
}
# What the lists of the site can be asked for besides their first page.
QUERIES: dict[str, Sequence[str]] = {
    "courses/": ("page=2", "q=course"),
    "courses/<slug:slug>/": ("page=2",),
    "courses/<slug:slug>/students/": ("page=2", "invited=2", "q=maria"),
    "portraits/": ("page=2", "q=own", "shared=2"),
    "voices/": ("page=2",),
    "api/courses/": ("page=2",),
    "api/courses/<slug:slug>/lessons/": ("page=2",),
    "api/jobs/": ("page=2",),
    "api/avatars/": ("page=2",),
    "admin/autocomplete/": (
        "app_label=lessons&model_name=enrolment&field_name=student",
        "app_label=lessons&model_name=enrolment&field_name=course",
        "app_label=lessons&model_name=progress&field_name=lesson",
    ),
    "admin/talking_head/job/dashboard/": ("span=week", "span=month"),
    "admin/talking_head/failure/": ("reviewed=all",),
}


def addresses(site: Site) -> Iterator[Address]:
    """Yield every address of the URL table, with its examples and its queries.

    Raises:
        MissingExampleError: an argument has no example.
    """
    for route in routes(get_resolver().url_patterns):
        if route in LEFT_OUT or route.startswith("admin/(?P<url>"):
            continue
        path = address_of(route, site)
        queries = ("", *QUERIES.get(route, ()), *(_queries_of_list(route)))
        for query in queries:
            yield Address(route, f"{path}?{query}" if query else path)


def routes(patterns: Sequence[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """Yield the routes of the URL table, those of included tables too."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield re.sub(r"\^?\(\?P<(\w+)>[^)]*\)/\$", r"<\1>/", route) if "app_label" in route else route


def _queries_of_list(route: str) -> Sequence[str]:
    """Return what a list of the administrators can be asked for: its last pages and a search."""
    model = _model_of(route)
    if model is None or route != f"{ADMIN}{model._meta.app_label}/{model._meta.model_name}/":
        return ()
    return ("p=2", "q=maria") if admin.site._registry[model].search_fields else ("p=2",)


def address_of(route: str, site: Site) -> str:
    """Return the address of a line of the URL table, with its examples.

    Raises:
        MissingExampleError: an argument has no example.
    """

    def example(match: re.Match[str]) -> str:
        return str(_example(route, match[1], site))

    return f"/{ARGUMENT.sub(example, route)}"


def _example(route: str, argument: str, site: Site) -> Any:
    if argument == "object_id" and (model := _model_of(route)) is not None:
        return _object_of(model, site).pk
    fitting = [before for before, name in EXAMPLES if name == argument and route.startswith(before)]
    if not fitting:
        raise MissingExampleError(route, argument)
    return EXAMPLES[max(fitting, key=len), argument](site)


def _model_of(route: str) -> type[Model] | None:
    parts = route.removeprefix(ADMIN).split("/")
    registered = {(model._meta.app_label, model._meta.model_name): model for model in admin.site._registry}
    return registered.get((parts[0], parts[1])) if route.startswith(ADMIN) and len(parts) > 2 else None


def _object_of(model: type[Model], site: Site) -> Model:
    """Return the row with the longest lists, else the model's first one."""
    named: tuple[Model, ...] = (site.course, site.lesson, site.portrait, site.voice, site.teacher)
    for row in named:
        if type(row) is model:
            return row
    if issubclass(model, type(site.failed_job)):
        return site.failed_job
    first = model._default_manager.order_by("pk").first()
    if first is None:
        raise MissingExampleError(f"{ADMIN}{model._meta.label_lower}", "object_id")
    return first


def content_types() -> None:
    """Read what Django keeps after its first use, so that the first page costs as much as the second."""
    for _ in routes(get_resolver().url_patterns):  # which registers the administrators' pages
        pass
    ContentType.objects.get_for_models(*admin.site._registry)
    ContentType.objects.get_for_models(*admin.site._registry, for_concrete_models=False)
