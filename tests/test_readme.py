"""The README names what there is: every setting, every document, every command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands
from django.urls import URLResolver, get_resolver

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_configuration_table_is_complete() -> None:
    settings = (ROOT / "edu_platform" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'\benv(?:\.\w+)?\(\s*"([A-Z0-9_]+)"', settings))
    table = README[README.index("## Configuration") : README.index("## GPU")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert read == {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_document_of_the_api_has_every_address() -> None:
    document = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    missing = []
    for pattern in _patterns(get_resolver().url_patterns):
        if pattern.startswith(("api/", "media/")):
            fixed = re.escape(re.sub(r"<[^>]+>", "@", pattern)).replace("@", "[^/ ]+")
            if not re.search(rf"/{fixed}", document):
                missing.append(pattern)
    assert missing == []


def _patterns(entries: list[Any], before: str = "") -> Iterator[str]:
    for entry in entries:
        route = f"{before}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from _patterns(entry.url_patterns, route)
        else:
            yield route


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_what_it_links_to_exists(link: str) -> None:
    assert (ROOT / link).is_file()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python manage\.py (\w+)", README))))
def test_the_commands_it_names_exist(command: str) -> None:
    assert command in get_commands()
