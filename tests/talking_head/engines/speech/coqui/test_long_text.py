from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talking_head.engines.speech.coqui.long_text import text_chunks


@given(st.text(max_size=300), st.integers(min_value=1, max_value=80))
def test_pieces_are_the_whole_text_and_none_is_too_long(text: str, most: int) -> None:
    found = text_chunks(text, most)
    assert "".join(text[start:end] for start, end in found) == text
    assert all(end - start <= most for start, end in found)
    assert len(found) == 1 or all(end > start for start, end in found)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One, two; three, four and five", "One, two; "),
        ("One two, three four and five six", "One two, "),
        ("One two three four five", "One two three "),
        ("Unbreakablewordsarecut", "Unbreakablewords"),
        ("水在一百度沸腾，冰在零度融化，很简单。", "水在一百度沸腾，冰在零度融化，"),
    ],
)
def test_cuts_are_where_a_reader_would_breathe(text: str, first: str) -> None:
    start, end = text_chunks(text, 16)[0]
    assert text[start:end] == first


def test_a_comma_at_the_very_beginning_is_no_place_to_cut() -> None:
    text = "Oh, the water of the lake is cold"
    assert text_chunks(text, 20)[0] == (0, len("Oh, the water of "))
