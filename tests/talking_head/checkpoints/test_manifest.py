"""The list of checkpoints is whole, agrees with the engines, and a slip in it is found when it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from talking_head.checkpoints.manifest import MANIFEST_FILE, load_manifest
from talking_head.checkpoints.sources import parse_mirror
from talking_head.errors import OptionError
from tests.talking_head.checkpoints.conftest import checkpoint, write_manifest


def test_every_shipped_entry_can_be_fetched_and_checked() -> None:
    manifest = load_manifest()
    assert len(manifest.checkpoints) == 14
    for one in manifest.checkpoints:
        assert one.urls and one.needed_by and one.licence.terms, one.name
        for url in (*one.urls, one.licence.url):
            assert urlsplit(url).scheme == "https", url
        assert all(urlsplit(url).path.endswith(f"/{one.file_name}") for url in one.urls), one.name
    digests = [one.sha256 for one in manifest.checkpoints]
    assert len(set(digests)) == len(digests)


def test_the_sadtalker_engine_and_the_list_agree() -> None:
    source = (settings.BASE_DIR / "talking_head/engines/face/sadtalker/checkpoints.py").read_text()
    needed = load_manifest().needed_by("sadtalker")
    assert len(needed) == 4
    for one in needed:
        assert f'"{one.file}"' in source
        assert f"{one.bytes:_}" in source
        assert one.sha256 in source


def test_names_files_and_engines_all_lead_to_the_files() -> None:
    manifest = load_manifest()
    assert [one.name for one in manifest.named(["GFPGANv1.4.pth"])] == ["gfpgan-1.4"]
    assert manifest.named(["sadtalker"]) == manifest.needed_by("sadtalker")
    assert {one.needed_by for one in manifest.named(["coqui", "gfpgan-1.4"])} == {("coqui",), ("gfpgan",)}
    with pytest.raises(OptionError) as caught:
        manifest.named(["sadtalker", "sadwalker"])
    assert "sadwalker" in caught.value.message
    assert "sadtalker" in caught.value.hint


def test_what_may_not_be_used_freely_is_not_fetched_without_being_named_or_accepted() -> None:
    by_default = load_manifest().by_default()
    assert {one.needed_by for one in by_default} == {("sadtalker",), ("gfpgan",)}
    assert [one.name for one in by_default if one.licence.needs_acceptance] == ["gfpgan-1.4"]


@pytest.mark.parametrize(
    "slip",
    [
        {"file": "../net.pth"},
        {"file": "/etc/net.pth"},
        {"file": "a/.hidden"},
        {"file": ""},
        {"sha256": "A" * 64},
        {"sha256": "a" * 63},
        {"bytes": 0},
        {"bytes": "12"},
        {"licence": "unknown"},
        {"urls": None},
    ],
)
def test_a_slip_is_found_when_the_list_is_read(tmp_path: Path, slip: dict[str, Any]) -> None:
    path = write_manifest(tmp_path / "manifest.json", checkpoint())
    load_manifest(path)
    values = json.loads(path.read_text())
    values["checkpoints"][0].update(slip)
    path.write_text(json.dumps(values))
    with pytest.raises(OptionError) as caught:
        load_manifest(path)
    assert caught.value.code == "bad_manifest"


def test_two_files_of_one_name_are_a_slip(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "manifest.json", checkpoint(), checkpoint(name="again"))
    with pytest.raises(OptionError, match="twice"):
        load_manifest(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', "null", '{"format": 1, "licences": []}'])
def test_anything_else_is_no_list(tmp_path: Path, content: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(OptionError):
        load_manifest(path)
    with pytest.raises(OptionError):
        load_manifest(tmp_path / "absent.json")


def test_the_list_travels_with_the_code() -> None:
    assert Path(settings.BASE_DIR) / "checkpoints" / "manifest.json" == MANIFEST_FILE


def test_a_mirror_is_an_address_or_a_folder_that_is_there(tmp_path: Path) -> None:
    assert parse_mirror("") is None
    assert parse_mirror("https://mirror.example/weights") == "https://mirror.example/weights/"
    assert parse_mirror(str(tmp_path)) == tmp_path
    assert parse_mirror(f"file://{tmp_path}") == tmp_path
    for mirror in (str(tmp_path / "absent"), "ftp://mirror.example/"):
        with pytest.raises(OptionError):
            parse_mirror(mirror)
