"""What the processes of the site share: database, media folder, queue, channel layer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import redis
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
    """Fills the section ``services``: a word for each, "ok" when it works."""
    ready = readiness()
    words = {"database": "failed", "migrations": "unknown", "media": "unknown", "workers": "unknown", **ready.checks}
    for problem in ready.problems:
        report.add(
            Level.BROKEN, "not_ready", problem, "" if ready.checks["database"] == "ok" else "Check DATABASE_URL."
        )
    for warning in ready.warnings:
        report.add(Level.DEGRADED, "no_workers", warning)

    words["queue"] = _tried(_ask_queue)
    if words["queue"] != OK and (settings.REDIS_URL or words["migrations"] == OK):
        report.add(
            Level.BROKEN,
            "queue_unreachable",
            f"The queue does not answer ({words['queue']}).",
            "Start Redis, or correct REDIS_URL." if settings.REDIS_URL else "Run `python manage.py migrate`.",
        )
    words["channel_layer"] = _tried(_ask_channel_layer)
    if words["channel_layer"] != OK:
        report.add(
            Level.DEGRADED,
            "channel_layer_unreachable",
            f"Pages do not hear of progress until they are loaded again ({words['channel_layer']}).",
            "Start Redis, or correct REDIS_URL." if settings.REDIS_URL else "Check RUN_DIR.",
        )
    report.facts["services"] = words
    _run_checks(report)


def _tried(ask: Callable[[], None]) -> str:
    try:
        ask()
    except TimeoutError:
        return "no answer"
    except ResourceError as error:
        return error.code
    except (OSError, DatabaseError, redis.RedisError, ChannelFull) as error:
        return type(error).__name__
    return OK


def _ask_queue() -> None:
    if not settings.REDIS_URL:
        OrmQ.objects.count()
        return
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS
    ) as client:
        client.ping()


def _ask_channel_layer() -> None:
    async_to_sync(_send_to_ourselves)()


async def _send_to_ourselves() -> None:
    layer: Any = get_channel_layer()
    if layer is None:
        raise ResourceError("There is no channel layer.", code="none")
    word = secrets.token_hex(8)
    async with asyncio.timeout(ANSWER_SECONDS):
        channel = await layer.new_channel("diagnosis")
        await layer.send(channel, {"type": "diagnosis", "word": word})
        message = await layer.receive(channel)
    if message.get("word") != word:
        raise ResourceError("The channel layer delivered another message.", code="wrong_message")


def _run_checks(report: Report) -> None:
    """What ``manage.py check`` says about rendering belongs to the picture."""
    for message in checks.run_checks(tags=[RENDERING]):
        if message.level >= checks.ERROR:
            level = Level.BROKEN
        elif message.level >= checks.WARNING:
            level = Level.DEGRADED
        else:
            level = Level.ADVICE
        report.add(level, str(message.id), str(message.msg), str(message.hint or ""))
