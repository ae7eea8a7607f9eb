"""Would these tests notice? With the recovery switched off, they must count a lost job."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.cases import CASES, cases_of
from tests.faults.clerk import accept_jobs
from tests.faults.failpoints import FAILPOINTS_VARIABLE
from tests.faults.invariants import LEASE_SECONDS, Tally, check_invariants, examine
from tests.talking_head.jobs.site import Site, wait_for

TESTS = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.xdist_group("killed")

OVERDUE = f"SELECT 1 FROM talking_head_clip WHERE lease_expires_at < datetime('now', '-{LEASE_SECONDS} seconds')"


@pytest.mark.faults
@pytest.mark.parametrize("failpoint", ["", "no_recovery"])
def test_without_recovery_a_job_is_lost_and_counted(site: Site, failpoint: str) -> None:
    site.environment[FAILPOINTS_VARIABLE] = failpoint
    accepted = accept_jobs(site, "doomed", ["hang once"])
    site.start("work", "--until-idle")
    site.wait_for_render("hang once")
    os.kill(site.wait_for_lease(), signal.SIGKILL)
    site.start("work")
    site.start("sweep", "--every", "0.3")
    if failpoint:
        wait_for(lambda: site.rows(OVERDUE), "the lease to be long over")
        tally = examine(site, accepted)
        assert (tally.lost, tally.doubled) == (1, 0)
        assert any(problem.startswith("lease older") for problem in tally.problems)
    else:
        site.wait_until_all_ended()
        assert check_invariants(site, accepted).lost == 0


def test_what_is_published_twice_or_forgotten_is_counted(site: Site) -> None:
    """Done to the rows by hand, past all of our code."""
    twice, forgotten = accepted = accept_jobs(site, "two", ["One."], ["Two."])
    assert check_invariants(site, accepted) == Tally(0, 0)
    with closing(sqlite3.connect(site.database)) as connection, connection:
        for state in ("publishing", "completed", "publishing", "completed"):
            connection.execute("UPDATE talking_head_job SET state = ? WHERE id = ?", (state, twice.hex))
        connection.execute("DELETE FROM talking_head_job WHERE id = ?", (forgotten.hex,))
    tally = examine(site, accepted)
    assert (tally.lost, tally.doubled) == (1, 1)
    assert f"lost: {forgotten}" in tally.problems
    assert "doubled: 2 publications of two 0" in tally.problems


def test_names_of_tests_tell_their_cases() -> None:
    assert cases_of("test_8_9_10_a_clip_that[grind]") == [8, 9, 10]
    assert cases_of("test_a_job_without_faults") == []
    assert all(CASES.values())


def test_every_case_is_documented_with_tests_that_are_named_after_it() -> None:
    named: dict[int, set[str]] = {case: set() for case in CASES}
    for file in sorted(TESTS.rglob("test_*.py")):
        for name in re.findall(r"^ *(?:async )?def (test_\d+_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE):
            for case in set(cases_of(name)) & CASES.keys():
                named[case].add(str(file.relative_to(TESTS)))
    document = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|(.*\.py`.*)", document, re.MULTILINE)
    documented = {int(case): set(re.findall(r"`(\S+\.py)`", row)) for case, row in rows}
    assert documented.keys() == named.keys()
    for case, files in documented.items():
        assert files, f"case {case} has no test"
        assert files <= named[case], f"no test of case {case} in {files - named[case]}"
