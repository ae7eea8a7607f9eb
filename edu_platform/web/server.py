"""Daphne's server with the limits of this package, and how many connections one client may hold.

Daphne has no hook for its factory, so the name that its server looks up is replaced here, once, on import.
"""

from __future__ import annotations

import logging
import resource
from collections import Counter
from functools import partial
from typing import Any

import daphne.server
from daphne.cli import CommandLineInterface
from daphne.http_protocol import HTTPFactory
from django.conf import settings
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol

from edu_platform.web.channel import LimitedChannel
from edu_platform.web.request import LimitedRequest

logger = logging.getLogger(__name__)

RESERVED_DESCRIPTORS = 128  # for files, the database, Redis and what the libraries open
WANTED_DESCRIPTORS = 65_536
SHARE_OF_ONE_ADDRESS = 0.5  # what is left serves every other client


class LimitedFactory(HTTPFactory):
    """Hands each connection to a :class:`LimitedChannel`, or refuses it when its client holds too many already."""

    protocol = LimitedChannel  # HTTP/1.1; Twisted's own wrapper only adds HTTP/2, which needs TLS

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.max_connections = max(16, raise_descriptor_limit() - RESERVED_DESCRIPTORS)
        self.max_per_address = max(8, int(self.max_connections * SHARE_OF_ONE_ADDRESS))
        self.connections: Counter[str] = Counter()

    def buildProtocol(self, addr: IAddress) -> Protocol | None:
        """Return the protocol of a new connection; None closes it at once."""
        client = str(getattr(addr, "host", ""))
        if not self._may_connect(client):
            logger.warning("refusing a connection of %s: it holds %d", client, self.connections[client])
            return None
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = LimitedRequest
        self.connections[client] += 1
        protocol.on_close = partial(self.forget_connection, client)
        return protocol

    def forget_connection(self, client: str) -> None:
        """Count a connection of this client as closed."""
        self.connections[client] -= 1
        if self.connections[client] <= 0:
            del self.connections[client]

    def _may_connect(self, client: str) -> bool:
        if self.connections.total() >= self.max_connections:
            return False
        # A proxy's connections are those of its many clients, and so are those without an address (a Unix socket).
        is_one_client = bool(client) and client not in getattr(settings, "TRUSTED_PROXIES", ())
        return not is_one_client or self.connections[client] < self.max_per_address


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files as far as the hard one allows; return the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, WANTED_DESCRIPTORS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


class LimitedCommandLine(CommandLineInterface):
    """Daphne's command line, with this package's factory behind it."""

    description = "The web process of this site"


daphne.server.HTTPFactory = LimitedFactory
