"""The services that the processes of the site share: database, media folder, queue, channel layer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer
from django.conf import settings
from django.core import checks
from django.db import DatabaseError
from django_q.models import OrmQ

from talking_head.checks import RENDERING
from talking_head.diagnostics.findings import Level, Report
from talking_head.errors import ResourceError
from talking_head.monitoring.health import readiness

ANSWER_SECONDS = 5.0
OK = "ok"


def look_at_services(report: Report) -> None:
    """Fill the section ``services``: one word for each, "ok" when it works."""
    ready = readiness()
    states = {"database": "failed", "migrations": "unknown", "media": "unknown", "workers": "unknown", **ready.checks}
    for problem in ready.problems:
        report.add(
            Level.BROKEN, "not_ready", problem, "" if ready.checks["database"] == "ok" else "Check DATABASE_URL."
        )
    for warning in ready.warnings:
        if warning in ready.stuck_rows:
            report.add(Level.DEGRADED, "stuck_rows", warning, "Look for them in the log, and tell a developer.")
        elif not warning.startswith("Pages "):  # the check of the settings below says more about that folder
            report.add(Level.DEGRADED, "no_workers", warning)

    states["queue"] = _outcome_of(_ping_queue)
    if states["queue"] != OK and (settings.REDIS_URL or states["migrations"] == OK):
        report.add(
            Level.BROKEN,
            "queue_unreachable",
            f"The queue does not answer ({states['queue']}).",
            "Start Redis, or correct REDIS_URL." if settings.REDIS_URL else "Run `python manage.py migrate`.",
        )
    states["channel_layer"] = _outcome_of(_ping_channel_layer)
    if states["channel_layer"] != OK:
        report.add(
            Level.DEGRADED,
            "channel_layer_unreachable",
            f"Pages do not show progress until they are reloaded ({states['channel_layer']}).",
            "Start Redis, or correct REDIS_URL." if settings.REDIS_URL else "Check RUN_DIR.",
        )
    report.facts["services"] = states
    _run_checks(report)


def _outcome_of(ping: Callable[[], None]) -> str:
    try:
        ping()
    except TimeoutError:
        return "no answer"
    except ResourceError as error:
        return error.code
    except (OSError, DatabaseError, ChannelFull, *_redis_errors()) as error:
        return type(error).__name__
    return OK


def _redis_errors() -> tuple[type[Exception], ...]:
    if not settings.REDIS_URL:
        return ()  # and the package need not be loaded
    import redis

    return (redis.RedisError,)


def _ping_queue() -> None:
    if not settings.REDIS_URL:
        OrmQ.objects.count()
        return
    import redis

    with redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS
    ) as client:
        client.ping()


def _ping_channel_layer() -> None:
    async_to_sync(_send_and_receive)()


async def _send_and_receive() -> None:
    layer: Any = get_channel_layer()
    if layer is None:
        raise ResourceError("There is no channel layer.", code="none")
    token = secrets.token_hex(8)
    async with asyncio.timeout(ANSWER_SECONDS):
        channel = await layer.new_channel("diagnosis")
        await layer.send(channel, {"type": "diagnosis", "word": token})
        message = await layer.receive(channel)
    if message.get("word") != token:
        raise ResourceError("The channel layer delivered another message.", code="wrong_message")


def _run_checks(report: Report) -> None:
    """Add what ``manage.py check`` reports about rendering."""
    for message in checks.run_checks(tags=[RENDERING]):
        if message.level >= checks.ERROR:
            level = Level.BROKEN
        elif message.level >= checks.WARNING:
            level = Level.DEGRADED
        else:
            level = Level.ADVICE
        report.add(level, str(message.id), str(message.msg), str(message.hint or ""))
