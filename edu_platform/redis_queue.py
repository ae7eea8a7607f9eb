"""The queue's connection to Redis, with a timeout on every wait. By default a client waits for ever for a server that
is frozen or cut off, and so does the request that submits a job."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 2.0  # must exceed the second that django-q2 waits for a task inside Redis
HEALTH_CHECK_SECONDS = 30


def redis_connection(url: str) -> dict[str, redis.ConnectionPool]:
    """Return the value of ``Q_CLUSTER["redis"]``. Options in the URL win (``redis://…?socket_timeout=5``)."""
    pool = redis.ConnectionPool.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        health_check_interval=HEALTH_CHECK_SECONDS,
        retry=Retry(NoBackoff(), 1),  # the first attempt may have used a connection from before a restart
    )
    return {"connection_pool": pool}
