"""Dates are written one way on all pages, the administrators' too."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.utils.formats import date_format


@pytest.mark.parametrize(
    ("name", "words"),
    [("DATETIME_FORMAT", "3 Mar 2026, 09:05"), ("DATE_FORMAT", "3 Mar 2026"), ("MONTH_DAY_FORMAT", "3 March")],
)
def test_a_day_comes_before_its_month_and_a_day_has_24_hours(name: str, words: str) -> None:
    assert date_format(datetime(2026, 3, 3, 9, 5), name) == words
