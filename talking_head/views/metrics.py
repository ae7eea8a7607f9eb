"""``/metrics``: who may read the metrics of :mod:`talking_head.monitoring.prometheus`.

They are not public, because they show how much a school works and what fails. Requests from this machine are not
trusted either, because behind a proxy every request comes from it.
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

from edu_platform.proxies import client_address
from edu_platform.sign_in.limits import TOKENS_OF_ADDRESS
from talking_head.monitoring import prometheus
from talking_head.permissions import is_staff_with

logger = logging.getLogger(__name__)
PLAIN = "text/plain; charset=utf-8"


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Serve the metrics to staff who may view jobs and to clients with the token of the setting ``METRICS_TOKEN``."""
    address = client_address(request)
    is_guess = "Authorization" in request.headers
    if is_guess and (wait := TOKENS_OF_ADDRESS.wait_seconds(address)):
        response = HttpResponse("Too many wrong tokens.\n", PLAIN, status=429)
        response["Retry-After"] = str(wait)
        return response
    if not (_has_token(request) or is_staff_with(request.user, "talking_head.view_job")):
        if is_guess:
            TOKENS_OF_ADDRESS.take(address)
        response = HttpResponse("Send the metrics token, or log in as an administrator.\n", PLAIN, status=401)
        response["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return response
    try:
        return HttpResponse(prometheus.exposition(), content_type=CONTENT_TYPE_LATEST)
    except DatabaseError:
        logger.warning("The metrics could not be read.", exc_info=True)
        return HttpResponse("The database does not respond.\n", PLAIN, status=503)


def _has_token(request: HttpRequest) -> bool:
    """Return whether the request has the metrics token; without the setting no token is valid."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.METRICS_TOKEN
    return bool(expected) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), expected)
