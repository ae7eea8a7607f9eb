"""Splitting of sentences that are too long for a model, at places where a reader would breathe."""

from __future__ import annotations

import re

# Where a cut is least audible: after a clause, then after a comma, then between words (not in Chinese and Japanese).
_BREAKS = (re.compile(r"[;:.!?…—–。；：！？]\s*"), re.compile(r"[,)、，]\s*"), re.compile(r"\s+"))
_LEAST_SHARE = 0.3  # of the limit: a cut inside a clause is better than a chunk of one word


def text_chunks(text: str, max_characters: int) -> list[tuple[int, int]]:
    """Return half-open ranges that together cover the text, each at most ``max_characters`` long."""
    chunks = []
    start = 0
    while len(text) - start > max_characters:
        end = _cut(text, start, max_characters)
        chunks.append((start, end))
        start = end
    return [*chunks, (start, len(text))]


def _cut(text: str, start: int, max_characters: int) -> int:
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(text, start, start + max_characters)]
        if ends and ends[-1] - start >= _LEAST_SHARE * max_characters:
            return ends[-1]
    return start + max_characters
