"""Cases 54 and 55 against a running web server: files that are dear or deadly to decode."""

from __future__ import annotations

import pytest

from benchmarks.hostile_uploads import hostile_uploads
from tests.faults.conftest import FaultRecord
from tests.faults.web import Web
from tests.talking_head.jobs.site import Site

FLAT_BYTES = 50_000_000


@pytest.mark.faults
def test_54_55_hostile_uploads_neither_stop_nor_fill_the_web_process(site: Site, fault: FaultRecord) -> None:
    """Times are recorded and not asserted: they are the machine's, too."""
    with Web(site) as web:
        assert web.process is not None
        server = web.process.pid
        seen = {each.what: each for each in hostile_uploads(web)}
        assert web.process.pid == server and web.process.poll() is None
    for what, figures in seen.items():
        expected = {"404"} if "thumbnail" in what else {"201"} if "channels" in what else {"400"}
        assert set(figures.answers) == expected, what
        assert figures.growth_bytes < FLAT_BYTES, what
    fault.figures = {
        "uploads": sum(figures.answers.total() for figures in seen.values()),
        "slowest_refusal_s": round(max(f.slowest_seconds for what, f in seen.items() if "channels" not in what), 1),
        "grown_mb": max(figures.growth_bytes for figures in seen.values()) // 1_000_000,
        "page_p95_ms": round(max(figures.page_p95_ms for figures in seen.values())),
    }
