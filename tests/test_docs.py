"""The documents link only to what is there, and their pictures stay small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
MAX_PICTURE_BYTES = 150_000


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    words = re.sub(r"(`+)[\s\S]*?\1", "", document.read_text(encoding="utf-8"))  # code is no link
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", words)
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_pictures_are_small_and_used() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in (*DOCUMENTS, ROOT / "README.md"))
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.stat().st_size <= MAX_PICTURE_BYTES
        assert f"images/{picture.name})" in texts
