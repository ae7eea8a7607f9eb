"""How many failed attempts are allowed, counted before any of them costs something.

django-axes locks one account for one address. These limits stop what it does not see: one address that tries many
accounts, many addresses that try one, and guesses at tokens. An attempt is counted when it begins, so that parallel
ones cannot slip through together, and given back when it succeeds.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass

from django.core.cache import cache


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``attempts`` failures by one client in each window of time."""

    name: str
    attempts: int
    window_seconds: int

    def wait_seconds(self, client: str) -> int:
        """Return how long this client has to wait; 0 if it may try now."""
        if int(cache.get(self._key(client), 0)) < self.attempts:
            return 0
        return self._rest_seconds()

    def take(self, client: str) -> int:
        """Count an attempt; return how long the client has to wait if it has none left, else 0."""
        key = self._key(client)
        cache.add(key, 0, self.window_seconds)
        try:
            taken = cache.incr(key)
        except ValueError:  # the window ended between the two calls
            return 0
        return self._rest_seconds() if taken > self.attempts else 0

    def give_back(self, client: str) -> None:
        """Uncount an attempt that succeeded."""
        key = self._key(client)
        if int(cache.get(key, 0)) > 0:
            cache.decr(key)

    def _key(self, client: str) -> str:
        window = int(time.time() // self.window_seconds)
        return f"attempts:{self.name}:{window}:{hashlib.sha256(client.encode(errors='replace')).hexdigest()}"

    def _rest_seconds(self) -> int:
        return max(1, math.ceil(self.window_seconds - time.time() % self.window_seconds))


# A whole class may log in behind one address, and mistype; a program that guesses tries a thousand times as often.
LOGINS_OF_ADDRESS = Limit("login-address", 60, 300)
LOGINS_OF_USER = Limit("login-user", 100, 900)
TOKENS_OF_ADDRESS = Limit("token-address", 30, 60)
