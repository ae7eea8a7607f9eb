"""Expressions by kind and what a teacher says for them: ``tests/data/readings/*.txt``.

A line is an expression, " → " and its readings: " | " parts whole readings, and "{quarters|fourths}" the choices for a
part of one. "[kind]" stands above the expressions of a kind; each has some in which its rule must not apply. Readings
are compared without case, punctuation, hyphens and spaces: "FBI" and "F B I" are the same to a voice that spells it,
and so is the "and" of "one hundred and one".
"""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "data" / "readings"


def plain(words: str) -> str:
    """Return words without what does not count when readings are compared."""
    bare = " ".join(re.sub(r"\W+", " ", re.sub("['’]", "", words.lower())).split())
    return bare.replace("hundred and ", "hundred ").replace(" ", "")


def _choices(reading: str) -> set[str]:
    """Return every reading that the braces allow."""
    parts = [part.split("|") if index % 2 else [part] for index, part in enumerate(re.split(r"[{}]", reading))]
    return {plain("".join(choice)) for choice in product(*parts)}


def _readings(text: str) -> frozenset[str]:
    whole = re.split(r" \| (?![^{}]*\})", text)
    return frozenset(set().union(*map(_choices, whole)))


def _rows(file: Path) -> list[tuple[str, str]]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [tuple(line.rsplit(" →", 1)) for line in lines if " →" in line]  # type: ignore[misc] # two parts each


def _kinds(file: Path) -> dict[str, dict[str, frozenset[str]]]:
    kinds: dict[str, dict[str, frozenset[str]]] = {}
    for block in re.split(r"(?m)^\[([^\]\n]+)\]$", file.read_text(encoding="utf-8"))[1:]:
        if "→" not in block:
            kinds[block] = rows = {}
            continue
        for line in filter(None, block.splitlines()):
            written, _, readings = line.rpartition(" →")
            rows[written] = _readings(readings)
    return kinds


# kind -> expression -> readings as ``plain`` returns them
CASES = {
    kind: rows
    for file in sorted(FOLDER.glob("*.txt"))
    if file.name != "sounds.txt"
    for kind, rows in _kinds(file).items()
}
# Sounds of the embedded voice, without stress marks and spaces, that must occur.
SOUNDS = {written: sounds.strip() for written, sounds in _rows(FOLDER / "sounds.txt")}
