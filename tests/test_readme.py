"""The README names what there is: every setting, every document, every command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_configuration_table_is_complete() -> None:
    settings = (ROOT / "edu_platform" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'\benv(?:\.\w+)?\(\s*"([A-Z0-9_]+)"', settings))
    table = README[README.index("## Configuration") : README.index("## GPU")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert read == {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_what_it_links_to_exists(link: str) -> None:
    assert (ROOT / link).is_file()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python manage\.py (\w+)", README))))
def test_the_commands_it_names_exist(command: str) -> None:
    assert command in get_commands()
