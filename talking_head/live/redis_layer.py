"""Live messages between the processes of many machines, through Redis.

Channels' own Redis layer, with one addition: workers are synchronous and broadcast several times a second in the middle
of a render. Through the asynchronous layer each message would open an event loop and a connection of its own, and would
wait without limit for a Redis that is frozen or unreachable. ``group_send_now`` uses one connection per process, waits
a second at most, and then sends nothing to Redis for a while: lossy like every channel layer, never slow.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import redis
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

PREFIX = "lectern"
SEND_SECONDS = 0.5  # per attempt; there are two, because the connection may be left over from before a restart
PAUSE_SECONDS = 5.0
CONNECT_SECONDS = 3.0


class RedisChannelLayer(RedisPubSubChannelLayer):
    """Channels' Redis layer with ``group_send_now``; ``url`` as in ``REDIS_URL``."""

    def __init__(self, url: str) -> None:
        super().__init__(hosts=[{"address": url, "socket_connect_timeout": CONNECT_SECONDS}], prefix=PREFIX)
        self._sender = redis.Redis.from_url(
            url,
            socket_connect_timeout=SEND_SECONDS,
            socket_timeout=SEND_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._pause_until = 0.0

    def has_listeners(self, group: str) -> bool:
        """Return whether any process of any machine is subscribed; False while Redis does not respond."""
        counts = self._call(lambda: self._sender.pubsub_numsub(_channel(group)))
        return bool(counts and counts[0][1])

    def group_send_now(self, group: str, message: dict[str, Any]) -> None:
        """Send from synchronous code. While Redis does not respond, messages are dropped."""
        self._call(lambda: self._sender.publish(_channel(group), self.serialize(message)))

    def _call(self, command: Callable[[], Any]) -> Any:
        if time.monotonic() < self._pause_until:
            return None
        try:
            return command()
        except redis.RedisError as error:
            self._pause_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("Redis does not accept live messages: %s", error)
            return None


def _channel(group: str) -> str:
    return f"{PREFIX}__group__{group}"
