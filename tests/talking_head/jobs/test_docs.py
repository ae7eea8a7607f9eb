"""The documented states are the code's."""

from __future__ import annotations

import pytest
from django.conf import settings

from talking_head.jobs.state_docs import BEGIN, END, state_tables, with_state_tables
from talking_head.jobs.state_machine import CLIP_TRANSITIONS, JOB_TRANSITIONS


def test_the_documented_states_are_the_codes_own() -> None:
    document = (settings.BASE_DIR / "docs" / "jobs.md").read_text(encoding="utf-8")
    assert document == with_state_tables(document), "python manage.py document_states"


def test_every_step_of_every_move_is_drawn_and_no_other() -> None:
    drawn = [line.strip() for line in state_tables().splitlines() if "-->" in line and "[*]" not in line]
    arrows = {
        (arrow.split(" --> ")[0], arrow.split(" --> ")[1].split(": ")[0], verb)
        for arrow in drawn
        for verb in arrow.split(": ")[1].split(", ")
    }
    assert arrows == {
        (source, move.target, verb)
        for moves in (JOB_TRANSITIONS, CLIP_TRANSITIONS)
        for verb, move in moves.items()
        for source in move.sources
    }


def test_only_states_that_nothing_leaves_are_ends() -> None:
    drawn = state_tables()
    assert {
        state
        for state in ("completed", "fallback", "failed", "cancelled", "done", "queued")
        if f"{state} --> [*]" in drawn
    } == {
        "completed",
        "fallback",
        "failed",
        "cancelled",
    }


def test_what_stands_outside_the_marks_is_kept() -> None:
    assert with_state_tables(f"before\n{BEGIN}old{END}\nafter") == (f"before\n{BEGIN}{state_tables()}{END}\nafter")
    with pytest.raises(ValueError, match="lacks"):
        with_state_tables("no marks")
