"""``/metrics``: who may read the figures of :mod:`talking_head.monitoring.prometheus`.

Not the public: they show how much a school works and what fails. Also not whoever comes from this machine, because
behind a proxy everybody does.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from talking_head.monitoring import prometheus
from talking_head.permissions import is_staff_with

logger = logging.getLogger(__name__)
PLAIN = "text/plain; charset=utf-8"


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for staff who may view jobs and for whoever has the token of the setting ``METRICS_TOKEN``."""
    if not (_has_token(request) or is_staff_with(request.user, "talking_head.view_job")):
        response = HttpResponse("Send the metrics token, or log in as an administrator.\n", PLAIN, status=401)
        response["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return response
    try:
        return HttpResponse(prometheus.exposition(), content_type=CONTENT_TYPE_LATEST)
    except DatabaseError:
        logger.warning("The metrics cannot be read.", exc_info=True)
        return HttpResponse("The database does not answer.\n", PLAIN, status=503)


def _has_token(request: HttpRequest) -> bool:
    """Without the setting no token is right."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.METRICS_TOKEN
    return bool(expected) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), expected)
