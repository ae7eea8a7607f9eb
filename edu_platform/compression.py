"""Compressing what is text on its way to the browser: pages, JSON, captions.

Static files are compressed once, when they are built (:mod:`edu_platform.static_files`).

Compressing a page that contains a secret beside text that an attacker chooses lets the attacker guess the secret from
the length (BREACH). The only secret in a page is Django's CSRF token, which Django masks anew in every response, and
Django's middleware adds up to a hundred random bytes to the length of each.
"""

from __future__ import annotations

import re

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TEXT = re.compile(r"text/|application/(?:[\w.+-]+\+)?json\b|image/svg\+xml")


class CompressTextMiddleware(GZipMiddleware):
    """Compress text for browsers that can decompress it, and leave media and their byte ranges alone."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the response, compressed if it is a whole text."""
        is_part = "Range" in request.headers or response.has_header("Content-Range")
        if is_part or not TEXT.match(response.headers.get("Content-Type", "")):
            return response
        compressed: HttpResponseBase = super().process_response(request, response)
        if compressed.has_header("Content-Encoding"):
            # A range of the compressed bytes would be of no use; one of the text is served to who asks for it.
            del compressed.headers["Accept-Ranges"]
        return compressed
