"""Whenever the demo is made, its lines were said in order, before now, and while people are awake."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from localroots_chat.demo.clock import EVENING, MORNING, machine_zone, moments
from localroots_chat.demo.communities import COMMUNITIES
from localroots_chat.demo.directs import DIRECTS

HOURS = [(0, 0), (3, 30), (5, 59), (6, 0), (6, 1), (6, 45), (12, 0), (18, 20), (21, 59), (22, 0), (22, 1), (23, 59)]
ZONES = [UTC, ZoneInfo("Asia/Tokyo"), ZoneInfo("America/Los_Angeles")]


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("hour", HOURS, ids=lambda hour: f"{hour[0]:02}:{hour[1]:02}")
def test_lines_are_in_order_in_the_past_and_by_day(hour: tuple[int, int], zone: tzinfo) -> None:
    now = datetime(2026, 3, 29, *hour, tzinfo=zone)
    for talk in (*DIRECTS, *COMMUNITIES):
        times = [moment for sitting in talk.sittings for moment in moments(sitting, now)]
        assert all(later - earlier >= timedelta(seconds=50) for earlier, later in pairwise(times)), talk
        assert times[-1] < now
        for moment in times:
            assert MORNING <= moment.astimezone(zone).time() <= EVENING


def test_by_day_the_newest_lines_are_of_the_last_hour() -> None:
    now = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
    newest = max(moment for talk in DIRECTS for moment in moments(talk.sittings[-1], now))
    assert timedelta() < now - newest < timedelta(hours=1)


def test_the_times_are_the_same_each_time() -> None:
    now = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
    sitting = DIRECTS[0].sittings[0]
    assert list(moments(sitting, now)) == list(moments(sitting, now))


def test_the_machine_has_a_zone() -> None:
    assert datetime.now(machine_zone()).utcoffset() is not None
