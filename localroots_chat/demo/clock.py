"""When the demo's lines were said: by day, before now, and always in the order in which they are written."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zlib import crc32
from zoneinfo import ZoneInfo

from localroots_chat.demo.talks import Line, Sitting

# People get up early here. The first line of a morning may be written at 06:00, the last of an evening at 22:00.
MORNING: Final = time(6)
EVENING: Final = time(22)
_LEAST_SECONDS: Final = 50
_SPREAD_SECONDS: Final = 250


def machine_zone() -> tzinfo:
    """The machine's own time zone, which its browser shows; Django has set the process's to settings.TIME_ZONE."""
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return UTC


def moments(sitting: Sitting, now: datetime) -> Iterator[datetime]:
    """When each line of the sitting was said. `now` is in the zone of the people's days."""
    for seconds in _offsets(sitting.lines):
        if sitting.days:
            start = datetime.combine(now.date() - timedelta(days=sitting.days), sitting.at, now.tzinfo)
            moment = start + timedelta(seconds=seconds)
        else:
            moment = _awake(now, timedelta(minutes=sitting.minutes) - timedelta(seconds=seconds))
        yield moment.astimezone(UTC)


def _offsets(lines: Sequence[Line]) -> Iterator[float]:
    """Seconds after the sitting's start. They come from the texts, so that each time they are the same."""
    seconds = 0.0
    for number, line in enumerate(lines):
        chance = crc32(line.text.encode())
        if number:
            seconds += _LEAST_SECONDS + chance % _SPREAD_SECONDS
        yield seconds + chance % 1000 / 1000


def _awake(now: datetime, ago: timedelta) -> datetime:
    """So long ago, not counting the nights."""
    day = datetime.combine(now.date(), MORNING, now.tzinfo)
    moment = min(now, datetime.combine(now.date(), EVENING, now.tzinfo))
    while moment - ago < day:
        ago -= max(moment - day, timedelta())
        day -= timedelta(days=1)
        moment = datetime.combine(day.date(), EVENING, now.tzinfo)
    return moment - ago
