"""A renderer process that only waits, for the seconds given by the last word of a clip's text: work without CPU time,
to see what the job layer itself costs and how it shares slots."""

from __future__ import annotations

import sys
import time
from typing import Any

from talking_head.renderer.child import Handler, Progress, run
from tests.talking_head.worker.fake_renderer import fake_handlers


def waiting_handlers(settings: dict[str, Any]) -> dict[str, Handler]:
    handlers = fake_handlers(settings)

    def render(values: dict[str, Any], progress: Progress) -> dict[str, Any]:
        time.sleep(float(values["request"]["text"].split()[-1]))
        return handlers["render"](values, progress)

    return {**handlers, "render": render}


if __name__ == "__main__":
    run(waiting_handlers, sys.argv[1:])
