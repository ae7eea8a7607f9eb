"""``python -m edu_platform.web [Daphne's options]``: the web process of this site."""

from __future__ import annotations

import sys

from edu_platform.web.server import LimitedCommandLine

APPLICATION = "edu_platform.asgi:application"


def main() -> None:
    """Serve until a signal arrives. The options are Daphne's; the application may be left out."""
    words = sys.argv[1:]
    if not any(":" in word and not word.startswith("-") and "." in word.split(":")[0] for word in words[-1:]):
        words.append(APPLICATION)
    LimitedCommandLine().run(words)


if __name__ == "__main__":
    main()
