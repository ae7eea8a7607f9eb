"""Parsers for request bodies from untrusted clients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework import parsers
from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Request

MAX_JSON_BYTES = 1_000_000


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = f"The request is larger than {MAX_JSON_BYTES // 1_000_000} MB."


class Utf8JSONParser(parsers.JSONParser):
    """A JSON parser that always reads UTF-8 (RFC 8259, section 8.1) and ignores the charset of the header: Python would
    accept codecs there that are not text encodings."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request: Request = (parser_context or {})["request"]
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_JSON_BYTES:
            raise BodyTooLarge
        try:
            data = super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        except ParseError as error:
            raise ParseError(f"The body is not valid JSON{_place(error)}.") from None
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        return data


class Utf8MultiPartParser(parsers.MultiPartParser):
    """A parser of forms with files that always reads UTF-8, for the same reason."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
        except ParseError:
            raise ParseError("The body is not a valid form.") from None


def _place(error: ParseError) -> str:
    """Return where the JSON is broken, as far as the parser knows."""
    cause = error.__context__
    return f": see line {cause.lineno}, column {cause.colno}" if isinstance(cause, json.JSONDecodeError) else ""
