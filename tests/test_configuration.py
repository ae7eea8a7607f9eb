"""What the project's files say of Python agrees, and warnings of our own code are errors."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def supported() -> list[str]:
    """The minor versions that the package allows: its classifiers would be the same list."""
    first, beyond = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["project"]["requires-python"]).groups()  # type: ignore[union-attr]
    return [f"3.{minor}" for minor in range(int(first), int(beyond))]


def test_the_readme_names_the_versions_that_the_package_allows() -> None:
    sentence = re.search(r"with Python ([^;]+?), its venv module", read("README.md"))
    assert sentence
    assert re.findall(r"3\.\d+", sentence[1]) == supported()
    (beyond,) = set(re.findall(r"3\.\d+ has no wheel", read("README.md")))
    assert beyond.split()[0] == f"3.{int(supported()[-1].split('.')[1]) + 1}"


def test_make_refuses_the_other_versions() -> None:
    bounds = re.search(r"not \(3, (\d+)\) <= sys\.version_info < \(3, (\d+)\)", read("Makefile"))
    assert bounds
    assert [f"3.{minor}" for minor in range(int(bounds[1]), int(bounds[2]))] == supported()
    named = re.search(r"Lectern needs Python ([^(]+)\(", read("Makefile"))
    assert named
    assert re.findall(r"3\.\d+", named[1]) == supported()


def test_checks_and_the_image_use_the_oldest_version() -> None:
    oldest = supported()[0]
    assert PROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert set(re.findall(r"--python-version (\S+)", read("Makefile"))) == {oldest}
    assert set(re.findall(r"^FROM python:(\d+\.\d+)", read("deploy/Dockerfile"), re.MULTILINE)) == {oldest}


def test_these_tests_run_on_a_supported_version() -> None:
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in supported()


def test_a_warning_of_our_own_code_is_an_error() -> None:
    with pytest.raises(FutureWarning):
        re.compile("[[nested]-set-of-a-test]")
