"""How the demo's talks are written down: lines, sittings at a time before now, and the places where they happen."""

from datetime import time
from typing import Final, NamedTuple, Self

from groups.models import Group

# Where a scene is played: the group of this name, or the conversation of these two
Where = str | tuple[str, str]

_EVERYBODY_CAUGHT_UP: Final[dict[str, int]] = {}


class Line(NamedTuple):
    """Who says what; `answers` is how many lines above stands the one it replies to (0: to none)."""

    who: str
    text: str
    answers: int = 0


class Sitting(NamedTuple):
    """Lines that follow each other within minutes: `days` ago at `at`, or `minutes` ago where `days` is 0.

    A talk's sittings of days ago are at least two days ago, and those of minutes ago at most 900 minutes: so they
    stay in order at whatever hour the demo is made.
    """

    days: int
    at: time
    minutes: int
    lines: tuple[Line, ...]


def days_ago(days: int, at: str, *lines: Line) -> Sitting:
    """A sitting some days ago, at this hour."""
    return Sitting(days, time.fromisoformat(at), 0, lines)


def minutes_ago(minutes: int, *lines: Line) -> Sitting:
    """A sitting that began so many minutes ago; at night people sleep, and minutes are counted without it."""
    return Sitting(0, time(), minutes, lines)


class Direct(NamedTuple):
    """The conversation of two people; `behind` says how many of the newest messages somebody has not seen."""

    between: tuple[str, str]
    sittings: tuple[Sitting, ...]
    behind: dict[str, int] = _EVERYBODY_CAUGHT_UP
    muted_by: tuple[str, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        return self.between


class Community(NamedTuple):
    """A group and its talk. The owner is the first of the members."""

    name: str
    description: str
    category: Group.Category
    members: tuple[str, ...]
    moderators: tuple[str, ...]
    sittings: tuple[Sitting, ...]
    behind: dict[str, int] = _EVERYBODY_CAUGHT_UP
    muted_by: tuple[str, ...] = ()
    visibility: Group.Visibility = Group.Visibility.PUBLIC

    @property
    def owner(self) -> str:
        return self.members[0]


class Scene(NamedTuple):
    """What people go on saying, live."""

    where: Where
    lines: tuple[Line, ...]

    @property
    def speakers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(line.who for line in self.lines))

    @classmethod
    def between(cls, one: str, other: str, *lines: Line) -> Self:
        return cls((one, other), lines)

    @classmethod
    def in_group(cls, name: str, *lines: Line) -> Self:
        return cls(name, lines)
