"""``manage.py benchmark --jobs``: real sites, real workers, and figures that add up."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.xdist_group("processes")


def test_every_clip_is_rendered_once_by_as_many_workers_as_there_are_slots(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("benchmark", "--jobs", "--slots", "2", "--clips", "8", "--json")
    figures = json.loads(capsys.readouterr().out)
    (row,) = figures["rows"]
    assert (row["slots"], row["workers"], row["doubled"], row["ratio"]) == (2, 2, 0, 1.0)
    assert row["seconds"] > 3.5  # eight clips of a second each, two at a time, the first and the last ends aside
    assert row["clips_per_second"] == pytest.approx(8 / row["seconds"], rel=0.01)
