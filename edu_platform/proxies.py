"""What forwarded headers may say: something only when a trusted proxy sent them.

A client can write any ``X-Forwarded-For`` it likes. Middleware therefore removes these headers from every request that
does not come from an address in ``TRUSTED_PROXIES``; from a trusted proxy, the client's own address becomes
``REMOTE_ADDR``, which is all that lockouts, rate limits and logs read.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT")
FORWARDED_PROTO = "HTTP_X_FORWARDED_PROTO"
CLIENT_NETWORK_BITS = 64  # of IPv6: a household or a school owns that many addresses at once


@sync_and_async_middleware
def forwarded_headers(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Correct a request's addresses; the first middleware, so that no later one need ask whom to believe."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> Any:
            _settle(request.META)
            response: Awaitable[Any] = get_response(request)
            return await response

        return answer_later

    def answer(request: HttpRequest) -> Any:
        _settle(request.META)
        return get_response(request)

    return answer


def _settle(meta: dict[str, Any]) -> None:
    """Put the client's address into ``REMOTE_ADDR`` and leave no header that its sender was not entitled to."""
    trusted = networks(tuple(settings.TRUSTED_PROXIES))
    chain = str(meta.get("HTTP_X_FORWARDED_FOR", ""))
    # Kept for the accounts that only the machine itself may use: a proxy of any kind means that others may be behind.
    meta["lectern.was_forwarded"] = any(name in meta for name in (*FORWARDED, FORWARDED_PROTO))
    is_trusted = is_in(meta.get("REMOTE_ADDR", ""), trusted)
    if is_trusted and chain:
        meta["REMOTE_ADDR"] = client_in_chain(chain, trusted) or meta["REMOTE_ADDR"]
    for name in FORWARDED if is_trusted else (*FORWARDED, FORWARDED_PROTO):
        meta.pop(name, None)


def client_in_chain(chain: str, trusted: Iterable[Network]) -> str:
    """Return the last address of an ``X-Forwarded-For`` that is no trusted proxy; the first one if all are.

    Only what stands to the right was written by proxies that are trusted. What is no address ends the search: the
    proxy before it wrote nonsense, so nothing further left can be believed.
    """
    found = ""
    for word in reversed(chain.split(",")):
        address = parse(word)
        if address is None:
            break
        found = str(address)
        if not is_in(found, trusted):
            break
    return found


def parse(text: str) -> Address | None:
    """Return the address in a text, an IPv4 one that is mapped into IPv6 as IPv4; None if there is none."""
    try:
        address = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@functools.cache
def networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    """Return the networks that a setting names; raises ValueError for an entry that names none."""
    return tuple(ipaddress.ip_network(entry, strict=False) for entry in entries)


def is_in(text: str, trusted: Iterable[Network]) -> bool:
    """Return whether a text is an address inside one of the networks."""
    address = parse(text)
    return address is not None and any(address in network for network in trusted)


def is_loopback(text: str) -> bool:
    """Return whether a host name or an address is this machine itself."""
    address = parse(text)
    return text.strip("[]").lower() == "localhost" or (address is not None and address.is_loopback)


def client_address(request: HttpRequest) -> str:
    """Return the address to count a client's attempts under. IPv6 clients own a whole network, so it stands for them
    all; without an address (a Unix socket) it is the unspecified one."""
    address = parse(str(request.META.get("REMOTE_ADDR", "")))
    if address is None:
        return "0.0.0.0"  # noqa: S104 - counted, not bound
    if address.version == 6:
        return str(ipaddress.ip_network((address, CLIENT_NETWORK_BITS), strict=False).network_address)
    return str(address)
