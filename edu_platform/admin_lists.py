"""Administrators' lists of any length: what each page costs does not depend on how many rows there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import NestedObjects, get_deleted_objects
from django.core.paginator import Page, Paginator
from django.db import models, router
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

ROWS_A_PAGE = 50
DELETED_NAMED = 20  # rows of a kind that the question before a deletion names; of the others it gives the number


class KeysFirst(Paginator):
    """Finds the keys of a page first and then reads its rows, so that the rows of the pages before it are neither read
    nor counted with their subqueries."""

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        rows: Any = self.object_list
        start = (number - 1) * self.per_page
        keys = list(rows.values_list("pk", flat=True)[start : start + self.per_page])
        return Page(rows.filter(pk__in=keys), number, self)


class LongList(admin.ModelAdmin):
    """Base of the lists: short pages, one count of the rows found instead of two, and no page with a line per row."""

    list_per_page = ROWS_A_PAGE
    list_max_show_all = ROWS_A_PAGE
    show_full_result_count = False
    paginator = KeysFirst

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Return what a deletion takes along: the first rows of every kind by name, the others by number."""
        return deleted_objects(objs, request, self.admin_site)


class Chosen(admin.SimpleListFilter):
    """Shows the rows of one parent, a course's or a teacher's, to which a link from the parent's page leads. A list of
    all parents to choose from would be as long as they are many; the search field finds them by name."""

    field = ""  # the path of the foreign key

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[models.Model], model_admin: Any
    ) -> None:
        self.parent = _parent_model(model, self.field)
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        value = self.used_parameters.get(str(self.parameter_name))
        if value is None:
            return []
        found = self.parent._default_manager.filter(pk=value).first() if str(value).isdecimal() else None
        return [(str(value), str(found) if found else "None")]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(**{self.field: value}) if value.isdecimal() else queryset.none()


def chosen(field: str, title: str, parameter: str = "") -> type[Chosen]:
    """Return the filter for the rows of one parent: ``field`` is the path of the foreign key."""
    values = {"field": field, "title": title, "parameter_name": parameter or field.replace("__", "_")}
    return type(f"Chosen{capfirst(parameter or field)}", (Chosen,), values)


def link_to_list(model: type[models.Model], words: str, **query: object) -> SafeString:
    """Return a link to the administrators' list of a model, narrowed by a :class:`Chosen` filter."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    parameters = "&".join(f"{name}={value}" for name, value in query.items())
    return format_html('<a href="{}?{}">{}</a>', address, SafeString(parameters), words)


def deleted_objects(
    objects: Any, request: HttpRequest, site: admin.AdminSite
) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
    """Return the same as Django's function of that name, in a few lines and queries for any number of rows: lines to
    show, numbers by kind, and the kinds that the user may not delete and that must not be deleted."""
    rows = list(objects[: DELETED_NAMED + 1]) if isinstance(objects, models.QuerySet) else list(objects)
    if not rows:
        return get_deleted_objects(rows, request, site)
    collector = NestedObjects(using=router.db_for_write(type(rows[0])))
    collector.collect(objects)
    collected: Any = collector.model_objs
    kinds: dict[type[models.Model], list[models.Model]] = {
        model: sorted(found, key=lambda row: str(row.pk)) for model, found in collected.items()
    }
    numbers = {str(model._meta.verbose_name_plural): len(found) for model, found in kinds.items()}
    may_not = {
        str(model._meta.verbose_name)
        for model in kinds
        if model in site._registry and not site._registry[model].has_delete_permission(request)
    }
    lines = [line for model, found in kinds.items() for line in _lines(model, found)]
    return lines, numbers, may_not, _names(collector.protected)


def _lines(model: type[models.Model], rows: Sequence[models.Model]) -> list[Any]:
    """Return the name of the kind and, as a list below it, the first rows and the number of the others."""
    named = model._base_manager.filter(pk__in=[row.pk for row in rows[:DELETED_NAMED]])
    references = [field.name for field in model._meta.fields if isinstance(field, models.ForeignKey)]
    lines = [str(row) for row in named.select_related(*references)]
    if len(rows) > len(lines):
        lines.append(f"and {len(rows) - len(lines):,} more")
    return [capfirst(str(model._meta.verbose_name_plural)), lines] if lines else []


def _names(rows: Iterable[Any]) -> list[str]:
    """Return the first of the rows that keep others from being deleted, and how many more there are."""
    known = list(rows)
    names = [f"{capfirst(str(row._meta.verbose_name))}: {row}" for row in known[:DELETED_NAMED]]
    return names if len(known) <= DELETED_NAMED else [*names, f"and {len(known) - DELETED_NAMED:,} more"]


def _parent_model(model: type[models.Model], path: str) -> type[models.Model]:
    for name in path.split("__"):
        related = model._meta.get_field(name).related_model
        assert isinstance(related, type)
        model = related
    return model
