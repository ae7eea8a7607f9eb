"""The description of the API is kept: schemathesis sends what it admits and what it does not, and compares answers.

Whether a well-formed request is *meaningful* (a voice that exists, a text that can be spoken) no schema can say, so a
400 for one that is not is no violation.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from rest_framework.authtoken.models import Token
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.factories import enrol, make_course, make_lesson, make_portrait, make_user
from tests.talking_head.rows import make_finished_job

EXAMPLES = 8  # of each operation; `schemathesis run` against a running site tries more (CONTRIBUTING.md)
CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.ignored_auth,
)
schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
schema.config.generation.update(modes=list(schemathesis.GenerationMode))
schema.config.checks.negative_data_rejection.expected_statuses.append("413")


@pytest.fixture
def headers(teacher: User) -> Iterator[dict[str, str]]:
    """Those of a teacher with something of everything, numbered 1 where numbers are asked for."""
    logging.getLogger("django.request").setLevel(logging.CRITICAL)  # thousands of refusals
    course = make_course(teacher, slug="botany")
    make_lesson(course, pk=1)
    enrol(make_user(), course)
    make_portrait(teacher, pk=1)
    make_finished_job(teacher)
    # The test's own transport does not unpack what is compressed.
    yield {"Authorization": f"Token {Token.objects.create(user=teacher).key}", "Accept-Encoding": "identity"}
    logging.getLogger("django.request").setLevel(logging.NOTSET)


@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
    database=None,
)
def test_every_answer_is_as_described(case: Any, headers: dict[str, str]) -> None:
    cache.clear()  # limits are tested elsewhere
    case.call_and_validate(headers=headers, checks=list(CHECKS))
