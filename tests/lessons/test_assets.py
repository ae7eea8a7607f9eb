"""The pages' own files: nothing from elsewhere, nothing inline, nothing missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

STATIC = Path(settings.BASE_DIR) / "lessons" / "static" / "lessons"
TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
SCRIPTS = sorted(STATIC.glob("*.js"))
SHEETS = sorted(STATIC.glob("*.css"))


def test_both_dark_palettes_are_the_same_and_cover_the_light_one() -> None:
    css = (STATIC / "app.css").read_text()
    names = r"--([a-z-]+): ([^;]+);"
    light = dict(re.findall(names, css.split(":root {", 2)[1].split("}")[0]))
    by_system = dict(re.findall(names, css.split(':root:not([data-theme="light"]) {')[1].split("}")[0]))
    by_choice = dict(re.findall(names, css.split(':root[data-theme="dark"] {')[1].split("}")[0]))
    assert by_system == by_choice
    assert by_system.keys() == light.keys()


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    drawn = set(re.findall(r'<symbol id="([a-z]+)"', (STATIC / "icons.svg").read_text()))
    used = {name for page in TEMPLATES for name in re.findall(r'\{% icon "([a-z]+)" %\}', page.read_text())}
    used |= {name for script in SCRIPTS for name in re.findall(r'setIcon\([^,]+, .*?"([a-z]+)"', script.read_text())}
    assert used - drawn == set()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_import_only_files_that_are_there(script: Path) -> None:
    text = script.read_text()
    for name in re.findall(r'from "(.+?)"', text):
        assert name.startswith("./")
        assert (STATIC / name).is_file()
    assert "innerHTML" not in text  # texts of people become text nodes, never markup


@pytest.mark.parametrize("page", TEMPLATES, ids=lambda path: path.name)
def test_pages_have_nothing_inline_and_nothing_from_other_sites(page: Path) -> None:
    html = page.read_text()
    assert not re.search(r"\s(style|on[a-z]+)=", html)
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"""(src|href)=["'](https?:)?//""", html)
    for name in re.findall(r"\{% static '([^']+)' %\}", html):
        assert finders.find(name), name


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_sheets_load_nothing(sheet: Path) -> None:
    assert "url(" not in sheet.read_text()
    assert "@import" not in sheet.read_text()
