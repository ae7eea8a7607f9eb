"""The real renderer process with a real RLIMIT_AS: ``... limited_child half_resolution|fallback '<settings>'``.

A clip about a leaf gets hardly more memory than the process has already, except in the named form.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

from talking_head.renderer.child import Handler, Progress, real_handlers, run

LITTLE_BYTES = 1_000_000


def limited_handlers(settings: dict[str, Any]) -> dict[str, Handler]:
    room_for = sys.argv[1]
    handlers = real_handlers(settings)
    render = handlers["render"]

    def render_in_little_room(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        # Once everything is loaded: where a library runs out of memory while it starts is another test's business.
        handlers["warm_up"]({"request": {"speech": "hibari", "face": "puppet"}}, progress)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = resource.RLIM_INFINITY
        if "leaf" in values["request"]["text"] and not values["request"][room_for]:
            limit = pages * resource.getpagesize() + LITTLE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        return render(values, progress)

    return {**handlers, "render": render_in_little_room}


if __name__ == "__main__":
    run(limited_handlers, sys.argv[2:])
