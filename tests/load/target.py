"""What the load is put on: an address, the marketplace's secret, and who talks with whom there."""

import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from tests.support.people import sign_token

GROUP_MEMBERS: Final = 2000  # of the group that manage.py loadtest_fixture makes: the first so many people
TOKEN_SECONDS: Final = 3 * 3600
SOCKETS_PER_PERSON: Final = 20  # the service's own limit


class BadTargetError(Exception):
    """The message says what is wrong with what the user gave."""


@dataclass(frozen=True)
class Fixture:
    """The conversations: a group of the people u0, u1, … and a direct conversation of each two neighbours."""

    group: str
    pairs: Sequence[str]
    members: int = GROUP_MEMBERS

    @classmethod
    def read(cls, text: str) -> Self:
        """From what `manage.py loadtest_fixture` prints. A group of another size says so in `members`."""
        try:
            found = json.loads(text)
            pairs = [str(pair) for pair in found["pairs"]]
            return cls(str(found["group"]), pairs, int(found.get("members", GROUP_MEMBERS)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadTargetError(f"This is not what manage.py loadtest_fixture prints: {error!r}") from error

    @property
    def people(self) -> int:
        return 2 * len(self.pairs)

    def pair_of(self, person: int) -> str:
        return self.pairs[person // 2]

    def hears(self, person: int) -> tuple[str, ...]:
        """All conversations of this person that the load talks in."""
        pair = self.pair_of(person)
        return (self.group, pair) if person < self.members else (pair,)


@dataclass(frozen=True)
class Target:
    """A chat server, as its clients see it."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None
    secret: str
    prefix: str = "u"  # of the people's ids

    @classmethod
    def at(cls, url: str, secret: str, prefix: str = "u") -> Self:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadTargetError(f"{url!r} is not an address like https://chat.example.org")
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        port = parts.port or (443 if tls else 80)
        return cls(parts.hostname, port, parts.path.rstrip("/"), tls, secret, prefix)

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.netloc}{self.path}"

    def token(self, person: int) -> str:
        return sign_token(f"{self.prefix}{person}", secret=self.secret, lifetime=TOKEN_SECONDS)


def read_file(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise BadTargetError(f"{path}: {error.strerror}") from error
