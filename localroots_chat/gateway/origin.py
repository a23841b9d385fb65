"""Which web pages may open a socket: the service's own and those in ALLOWED_ORIGINS, by scheme, host and port.

Channels' own validator answers a malformed Origin with a traceback and lets http:// pass for https://.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.http.request import split_domain_port, validate_host

_PORTS = {"http": 80, "https": 443}
_KEPT: Final = 256  # most connections come from the same few pages


def may_connect(origin: bytes | None, host: bytes, *, secure: bool) -> bool:
    """Whether a page of `origin` may; no Origin at all means that the client is no browser."""
    if origin is None:
        return True
    asking = _parts(origin)
    if asking is None:
        return False
    if asking in _allowed((settings.PUBLIC_URL, *settings.ALLOWED_ORIGINS)):
        return True
    # In production PUBLIC_URL alone says what is the service's own.
    return not settings.PRODUCTION and asking == _own(host, tuple(settings.ALLOWED_HOSTS), secure=secure)


@lru_cache(maxsize=1)
def _allowed(addresses: Sequence[str]) -> set[tuple[str, str, int]]:
    known = (_parts(address.encode()) for address in addresses if address)
    return {parts for parts in known if parts is not None}


@lru_cache(maxsize=_KEPT)
def _own(host: bytes, allowed: Sequence[str], *, secure: bool) -> tuple[str, str, int] | None:
    """What the client itself says it connects to, where that is one of the hosts that are allowed."""
    name = host.decode("latin-1")
    domain, _ = split_domain_port(name)
    if not validate_host(domain, allowed):
        return None
    return _parts(f"{'https' if secure else 'http'}://{name}".encode("latin-1"))


_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.IGNORECASE)


@lru_cache(maxsize=_KEPT)
def _parts(origin: bytes) -> tuple[str, str, int] | None:
    """(scheme, host, port) of exactly what RFC 6454 §6.2 lets a browser send; None for everything else."""
    found = _ORIGIN.fullmatch(origin.decode("latin-1"))
    if found is None:
        return None
    scheme, host = found[1].lower(), found[2].lower()
    port = int(found[3]) if found[3] else _PORTS[scheme]
    return (scheme, host, port) if 1 <= port <= 65_535 else None
