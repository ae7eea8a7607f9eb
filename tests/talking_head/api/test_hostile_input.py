"""Every malformed request to the API is answered with 4xx in the one shape of errors, never as 5xx."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

JSON = "application/json"
ENDPOINTS = ["/api/jobs/", "/api/script/check", "/api/vip/generate"]
ANY_JOB = "00000000-0000-4000-8000-000000000000"
INVISIBLE = "\u202e\u200b\u2060"
BODIES = {
    "empty": b"",
    "not JSON": b"{script:",
    "not UTF-8": b'{"script": "\xff\xfe"}',
    "a list": b"[]",
    "a string": b'"script"',
    "null": b"null",
    "NaN": b'{"script": "Hello there.", "speed": NaN}',
    "infinity": b'{"script": "Hello there.", "speed": 1e999}',
    "a number of 5,000 digits": b'{"script": "Hello there.", "speed": ' + b"9" * 5_000 + b"}",
    "NUL": b'{"script": "Hello\\u0000there.", "text": "Hello\\u0000there.", "image_id": "\\u0000"}',
    "half a surrogate pair": b'{"script": "\\ud800", "text": "\\ud800", "image_id": "\\ud800"}',
    "wrong types": b'{"script": {"a": 1}, "text": [1], "image_id": true, "speed": "fast", "title": []}',
    "deep nesting": b'{"script": ' + b"[" * 100_000,
    "a million brackets": b"[" * 900_000,
    "too large": b'{"script": "' + b"a" * 1_100_000 + b'"}',
    "a very long word": b'{"script": "' + b"a" * 190_000 + b'", "text": "' + b"a" * 190_000 + b'"}',
    "a long name": json.dumps({"script": "Hello there.", "voice": "v" * 101, "image_id": "x" * 501}).encode(),
    "only invisible marks": json.dumps({"script": INVISIBLE, "text": INVISIBLE, "image_id": "x"}).encode(),
}


def assert_refused(response: Any) -> None:
    assert 400 <= response.status_code < 500, response.content
    assert set(response.json()) == {"code", "message", "hint"}
    assert response.json()["code"] and response.json()["message"]


@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_bodies(as_teacher: Client, url: str, body: bytes) -> None:
    assert_refused(as_teacher.post(url, body, content_type=JSON))


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "a" * 1000, "/"],
)
def test_content_types(as_teacher: Client, content_type: str) -> None:
    assert_refused(as_teacher.post("/api/jobs/", b"script=Hello", content_type=content_type))


@pytest.mark.parametrize("charset", ["base64", "zlib", "rot13", "utf-16", "undefined", "nonsense", "punycode"])
def test_character_sets_that_are_none(as_teacher: Client, charset: str) -> None:
    body = b'{"script": ""}'
    assert_refused(as_teacher.generic("POST", "/api/jobs/", body, f"{JSON}; charset={charset}"))
    form = b'--x\r\nContent-Disposition: form-data; name="preprocess_mode"\r\n\r\ncrop\r\n--x--\r\n'
    content_type = f"multipart/form-data; boundary=x; charset={charset}"
    assert_refused(as_teacher.generic("POST", "/api/avatar/upload", form, content_type))


@pytest.mark.parametrize("key", ["x" * 101, "x" * 5_000, "\x00", "schlüssel", "a\x7fb"])
def test_idempotency_keys(as_teacher: Client, key: str) -> None:
    assert_refused(as_teacher.post("/api/jobs/", {"script": "Hi."}, JSON, headers={"Idempotency-Key": key}))


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=abc", "page=" + "9" * 5_000, "page=%00", "page=1e9"])
def test_pages_that_do_not_exist(as_teacher: Client, query: str) -> None:
    assert_refused(as_teacher.get(f"/api/jobs/?{query}"))


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
@pytest.mark.parametrize("url", ["/api/jobs/", f"/api/jobs/{ANY_JOB}/", "/api/cache/stats", "/api/avatar/upload"])
def test_other_methods(as_teacher: Client, url: str, method: str) -> None:
    assert_refused(getattr(as_teacher, method)(url))


@pytest.mark.parametrize(
    "header", ["Token", "Token a b", "Token \xff", "Bearer x", "Token " + "x" * 5_000, "Basic !!!"]
)
def test_authorization_headers(client: Client, db: None, header: str) -> None:
    assert_refused(client.get("/api/jobs/", headers={"Authorization": header}))


TEXTS = st.text(max_size=300) | st.text(alphabet="\u202e\u200b\u0000\ud800<>&[]#.\n\r\t ", max_size=100)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.lists(st.integers(), max_size=3)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.dictionaries(
        st.sampled_from(
            ["script", "text", "title", "voice", "speed", "language", "profile", "portrait_digest", "image_id"]
        ),
        VALUES,
    ),
    url=st.sampled_from(ENDPOINTS),
)
def test_any_values(as_teacher: Client, values: dict[str, Any], url: str) -> None:
    response = as_teacher.post(url, json.dumps(values), content_type=JSON)
    assert response.status_code < 500, (values, response.content)
    if response.status_code >= 400:
        assert set(response.json()) == {"code", "message", "hint"}
