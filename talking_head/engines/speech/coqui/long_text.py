"""Sentences that are longer than a model takes at once, cut where a reader would breathe."""

from __future__ import annotations

import re

# Where a cut is heard least: behind a clause, then behind a comma, then between words. Chinese and Japanese have none.
_BREAKS = (re.compile(r"[;:.!?…—–。；：！？]\s*"), re.compile(r"[,)、，]\s*"), re.compile(r"\s+"))
_LEAST_SHARE = 0.3  # of the limit: better a cut inside a clause than a piece of one word


def pieces(text: str, max_characters: int) -> list[tuple[int, int]]:
    """Half-open ranges that together are the whole text, each at most ``max_characters`` long."""
    found = []
    start = 0
    while len(text) - start > max_characters:
        end = _cut(text, start, max_characters)
        found.append((start, end))
        start = end
    return [*found, (start, len(text))]


def _cut(text: str, start: int, max_characters: int) -> int:
    for place in _BREAKS:
        ends = [match.end() for match in place.finditer(text, start, start + max_characters)]
        if ends and ends[-1] - start >= _LEAST_SHARE * max_characters:
            return ends[-1]
    return start + max_characters
