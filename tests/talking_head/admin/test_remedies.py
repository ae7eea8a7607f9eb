"""Every error that can end a video has a suggested action, and what is shown of a log keeps its secrets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings as project
from pytest_django import Settings

from talking_head.monitoring.redaction import redacted
from talking_head.monitoring.remedies import FAMILIES, REMEDIES, remedy_for

RENDERING = (
    "jobs",
    "worker",
    "renderer",
    "pipeline/render_clip.py",
    "errors.py",
)


def codes_of_rendering() -> set[str]:
    """The codes that the modules name which run while a video is made."""
    found: set[str] = set()
    for name in RENDERING:
        path = Path(project.BASE_DIR) / "talking_head" / name
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            for values in re.findall(r"\bcode=(.+)", file.read_text(encoding="utf-8")):
                found |= set(re.findall(r'(?<![\[(])"([a-z_]+)"', values))
    return found


def test_the_codes_that_rendering_names_have_a_rule() -> None:
    codes = codes_of_rendering()
    assert {"poisoned", "worker_lost", "renderer_crashed", "no_space"} <= codes
    known = {code for code in codes if code in REMEDIES or code.startswith(tuple(FAMILIES))}
    # What two processes of ours say to each other when they are not of the same version.
    assert codes - known <= {"protocol", "wrong_message"}


def test_an_unknown_code_falls_back_to_the_errors_own_hint() -> None:
    assert remedy_for("never_heard_of", "Turn it off and on.").action == "Turn it off and on."
    assert remedy_for("image_upside_down").verb == ""
    assert remedy_for("job_timeout", "ignored").verb == "retry-faster"


def test_a_faster_profile_is_suggested_only_where_there_is_one() -> None:
    for remedy in REMEDIES.values():
        assert bool(remedy.action_if_fastest) == (remedy.verb == "retry-faster")
    at_fastest = remedy_for("job_timeout", is_fastest=True)
    assert (at_fastest.verb, "No profile is faster." in at_fastest.action) == ("retry", True)
    assert remedy_for("no_face", is_fastest=True) == remedy_for("no_face")


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("connecting to postgres://lectern:hunter22@db/lectern", "hunter22"),
        ("Authorization: Bearer abcdef1234567890", "abcdef1234567890"),
        ("{'api_key': 'sk-12345678'}", "sk-12345678"),
        ("DB_PASSWORD=hunter22 not accepted", "hunter22"),
        ("Cookie: sessionid=abcdef123456", "abcdef123456"),
        ("mail to marie.curie@example.org bounced", "marie.curie"),
        ("key is the-metrics-token-of-the-site", "the-metrics-token-of-the-site"),
    ],
)
def test_secrets_are_hidden(settings: Settings, line: str, secret: str) -> None:
    settings.METRICS_TOKEN = "the-metrics-token-of-the-site"
    assert secret not in redacted(line)


def test_what_one_searches_a_log_for_stays() -> None:
    line = "2026-11-21 job 4be0643f-1d98-573b-97cd-ca98a65347dd clip 3: https://example.org/a 5 tokens per second"
    assert redacted(line) == line
