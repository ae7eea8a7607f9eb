"""``python -m edu_platform.web [Daphne's options]``: the web process of this site."""

from __future__ import annotations

import gc
import importlib
import os
import sys

import django

APPLICATION = "edu_platform.asgi:application"


def main() -> None:
    """Serve with the options of the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edu_platform.settings")
    django.setup()
    serve(sys.argv[1:])


def serve(words: list[str]) -> None:
    """Serve until a signal arrives. The options are Daphne's; the application may be left out."""
    from edu_platform.web.server import LimitedCommandLine
    from edu_platform.web.static_build import build_if_changed

    build_if_changed()  # before the application looks for them
    load_pages()
    if not any(":" in word and not word.startswith("-") and "." in word.split(":")[0] for word in words[-1:]):
        words = [*words, APPLICATION]
    LimitedCommandLine().run(words)


def load_pages() -> None:
    """Load all pages before the first request, and keep what is loaded out of garbage collections, which would walk it
    again and again in the middle of requests."""
    from django.urls import get_resolver

    importlib.import_module("edu_platform.asgi")
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    main()
