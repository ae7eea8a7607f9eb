"""The pages' own files: nothing from elsewhere, nothing inline, nothing missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

BASE = Path(settings.BASE_DIR)
SITE = BASE / "edu_platform" / "static" / "site"
STATIC = [SITE, BASE / "lessons" / "static" / "lessons", BASE / "avatars" / "static" / "avatars"]
TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
SCRIPTS = sorted(script for folder in STATIC for script in folder.glob("*.js"))
SHEETS = sorted(sheet for folder in STATIC for sheet in folder.glob("*.css"))
ADMIN_SHEET = Path(settings.BASE_DIR) / "talking_head" / "static" / "talking_head" / "admin.css"


@pytest.mark.parametrize("sheet", [SITE / "app.css", ADMIN_SHEET], ids=lambda path: path.name)
def test_every_colour_of_the_palette_has_a_light_and_a_dark_value(sheet: Path) -> None:
    palette = sheet.read_text().split(":root {", 2)[1].split("\n}")[0]
    values = re.findall(r"--[a-z-]+: ([^;]+);", palette)
    assert values
    assert all("light-dark(" in value for value in values)


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    drawn = set(re.findall(r'<symbol id="([a-z]+)"', (SITE / "icons.svg").read_text()))
    used = {name for page in TEMPLATES for name in re.findall(r'\{% icon "([a-z]+)" %\}', page.read_text())}
    used |= {name for script in SCRIPTS for name in re.findall(r'setIcon\([^,]+, .*?"([a-z]+)"', script.read_text())}
    assert used - drawn == set()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_import_only_files_that_are_there(script: Path) -> None:
    text = script.read_text()
    for name in re.findall(r'from "(.+?)"', text):
        assert name.startswith(("./", "../site/"))
        assert (script.parent / name.replace("../site", str(SITE))).is_file()
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
