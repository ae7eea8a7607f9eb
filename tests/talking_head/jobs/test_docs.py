"""The documented table of states is the one that the code goes by."""

from __future__ import annotations

import re
from pathlib import Path

from talking_head.lifecycle import CLIP_MOVES, JOB_MOVES, Move

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "jobs.md"


def table(title: str, moves: dict[str, Move]) -> str:
    lines = [f"| {title} | from | to | when |", "|---|---|---|---|"]
    for move in moves.values():
        sources = ", ".join(f"`{source!s}`" for source in move.sources)
        lines.append(f"| {move.verb} | {sources} | `{move.target!s}` | {move.when} |")
    return "\n".join(lines)


def test_the_documented_moves_are_those_of_the_code() -> None:
    documented = re.search(r"<!-- moves.*?-->\n(.*?)\n<!-- end of moves -->", DOCUMENT.read_text(), re.DOTALL)
    assert documented is not None
    assert documented[1] == f"{table('job', JOB_MOVES)}\n\n{table('clip', CLIP_MOVES)}"
