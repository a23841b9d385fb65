"""What watchers hear: what has changed, together, and nothing that they may not know any more."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.hub import hub
from localroots_chat.gateway.layer import Present, Seated, Settings, Unseated
from presence import attendance, last_seen, roster
from presence.attendance import Attendance
from presence.contacts import Contact
from presence.leases import Asked, Leases, Seen
from tests.presence.conftest import Comes, Ear

ONLINE, OFFLINE = "presence:user_online", "presence:user_offline"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(roster, "TOGETHER_SECONDS", 0.02)
    monkeypatch.setattr(last_seen, "note", lambda people: None)
    settings.CHAT_PRESENCE_GRACE_SECONDS = 0.05


def contact(key: int, *shared: str) -> Contact:
    return Contact(key, f"p{key}", False, None, set(shared))


def watches(connection: Connection, *contacts: Contact, told: bool | None = False) -> None:
    book = attendance.attendance().roster
    book.watch(connection, contacts)
    book.told(connection, {one.key: told for one in contacts})


async def hears(ear: Ear, *wanted: tuple[str, str]) -> None:
    heard: list[tuple[str, str]] = []
    while len(heard) < len(wanted):
        heard += await ear.hears()
    assert sorted(heard) == sorted(wanted)


def announce(*items: Present) -> None:
    hub().announce([*items])


async def test_watchers_hear_who_comes_and_goes_and_nobody_else_does(comes: Comes) -> None:
    ann, ear = comes(1, "talk")
    _, other = comes(3, "elsewhere")
    watches(ann, contact(2, "talk"))
    ben, _ = comes(2, "talk")
    await hears(ear, (ONLINE, "p2"))
    hub().detach(ben)
    await hears(ear, (OFFLINE, "p2"))
    assert other.heard() == []


async def test_who_is_back_in_time_was_never_gone(comes: Comes) -> None:
    ann, ear = comes(1, "talk")
    watches(ann, contact(2, "talk"), contact(3, "talk"))
    ben, _ = comes(2, "talk")
    carl, _ = comes(3, "talk")
    await hears(ear, (ONLINE, "p2"), (ONLINE, "p3"))
    for _ in range(3):
        hub().detach(ben)
        ben, _ = comes(2, "talk")
    hub().detach(carl)  # later than Ben, and for good
    await hears(ear, (OFFLINE, "p3"))


async def test_with_a_second_device_nobody_goes(comes: Comes) -> None:
    ann, ear = comes(1, "talk")
    watches(ann, contact(2, "talk"))
    phone, _ = comes(2, "talk")
    laptop, _ = comes(2, "talk")
    await hears(ear, (ONLINE, "p2"))
    hub().detach(phone)
    assert 2 not in attendance.attendance()._going
    hub().detach(laptop)
    assert 2 in attendance.attendance()._going
    await hears(ear, (OFFLINE, "p2"))


async def test_what_changes_together_is_told_together_and_what_changes_back_not_at_all(comes: Comes) -> None:
    ann, ear = comes(1, "talk")
    watches(ann, *(contact(key, "talk") for key in range(2, 102)))
    announce(*(Present(key, True, at) for at, key in enumerate(range(2, 102), 1)))
    announce(*(Present(key, False, at) for at, key in enumerate(range(2, 52), 200)))
    await hears(ear, *((ONLINE, f"p{key}") for key in range(52, 102)))
    assert ear.writes == 1


async def test_late_news_change_nothing(comes: Comes) -> None:
    ann, ear = comes(1, "talk")
    watches(ann, contact(2, "talk"), contact(3, "talk"))
    announce(Present(2, True, 8), Present(2, False, 7), Present(3, True, 9))
    await hears(ear, (ONLINE, "p2"), (ONLINE, "p3"))
    announce(Present(2, False, 9 - 3_600_000_000), Present(3, False, 10))  # Redis' clock was set back an hour
    await hears(ear, (OFFLINE, "p2"), (OFFLINE, "p3"))


async def test_news_and_the_answer_to_a_question_are_not_told_twice(comes: Comes) -> None:
    ann, ear = comes(1, "talk")
    book = attendance.attendance().roster
    book.watch(ann, [contact(2, "talk"), contact(3, "talk"), contact(4, "talk")])
    announce(Present(2, True, 1), Present(3, True, 1))
    await settled(attendance.attendance())
    assert ear.heard() == [], "the answer is still to come"
    book.told(ann, {2: True, 3: False, 4: False})  # as it was before the news of 3
    announce(Present(4, True, 2))
    await hears(ear, (ONLINE, "p3"), (ONLINE, "p4"))


async def test_each_list_replaces_the_one_before(comes: Comes) -> None:
    ann, ear = comes(1, "talk")
    watches(ann, contact(2, "talk"))
    watches(ann, contact(3, "talk"))
    announce(Present(2, True, 1), Present(3, True, 1))
    await hears(ear, (ONLINE, "p3"))
    hub().detach(ann)
    assert not attendance.attendance().watched(), "nothing is left of it"


@pytest.mark.parametrize("end", ["the watcher leaves", "the watched leaves", "it grows", "a block"])
async def test_a_watch_ends_with_the_right_to_know(comes: Comes, end: str) -> None:
    ann, ear = comes(1, "talk", "other")
    watches(ann, contact(2, "talk"), contact(3, "other"))
    announce(Present(2, True, 1))
    await hears(ear, (ONLINE, "p2"))
    match end:
        case "the watcher leaves":
            hub().unseat(ann, "talk")
        case "the watched leaves":
            hub().announce([Unseated(2, "talk", 1.0, b"")])
            await hears(ear, (OFFLINE, "p2"))
        case "it grows":
            hub().announce([Seated(9, "talk", 1.0, 0, 0, 201, b"")])
        case "a block":
            hub().announce([Settings(2, 1.0, receipts=True, appear_offline=False, blocked=[1])])
            await hears(ear, (OFFLINE, "p2"))
    announce(Present(2, False, 2), Present(2, True, 3), Present(3, True, 4))
    announce(Present(2, False, 5))
    ended_silently = end in ("the watcher leaves", "it grows")  # noticed when there is something to tell
    await hears(ear, *[(OFFLINE, "p2")] * ended_silently, (ONLINE, "p3"))


async def test_a_watch_lasts_while_anything_is_shared(comes: Comes) -> None:
    ann, ear = comes(1, "talk", "other")
    watches(ann, contact(2, "talk", "other"))
    hub().announce([Unseated(2, "talk", 1.0, b"")])
    announce(Present(2, True, 1))
    await hears(ear, (ONLINE, "p2"))


async def test_who_appears_offline_for_good_was_never_there(comes: Comes) -> None:
    ann, ear = comes(1, "talk")
    watches(ann, contact(2, "talk"))
    ben, _ = comes(2, "talk", hidden=True)
    hub().announce([Settings(2, 1.0, receipts=True, appear_offline=False, blocked=[])])
    await hears(ear, (ONLINE, "p2"))
    assert not ben.person.appear_offline
    hub().announce([Settings(2, 2.0, receipts=True, appear_offline=True, blocked=[])])
    await hears(ear, (OFFLINE, "p2"))


async def test_more_people_than_go_into_one_call_are_told_in_several(
    comes: Comes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendance, "AT_ONCE", 10)
    book = attendance.attendance()
    counting = Counting(book._leases)
    book._leases = counting
    hub()
    ann, _ = comes(1, "talk")
    for key in range(2, 42):
        comes(key, "talk")
    watches(ann, *(contact(key, "talk") for key in range(2, 42)), told=True)
    await settled(book)
    assert (await book.look([1, 41])).online == {1, 41}  # type: ignore[union-attr]
    assert counting.asked == 6
    await book._beat()
    assert counting.asked == 6 + 4
    del counting.questions[:]
    book._anew = True
    await book.look([])
    await settled(book)
    assert [(len(one.came), one.anew) for one in counting.questions] == [(10, True), *[(10, False)] * 3, (1, False)]


class Counting:
    """Leases that count how often they are asked."""

    def __init__(self, leases: Leases) -> None:
        self._leases, self.asked = leases, 0
        self.questions: list[Asked] = []

    async def ask(self, asked: Asked) -> Seen:
        self.asked += 1
        self.questions.append(asked)
        await asyncio.sleep(0)
        return await self._leases.ask(asked)

    async def end(self, seconds: float) -> None:
        await self._leases.end(seconds)


async def settled(book: Attendance) -> None:
    async with asyncio.timeout(5):
        while task := book._asking or book.roster._task:
            await task


async def test_what_a_thousand_cost_who_come_at_once(comes: Comes) -> None:
    """Each of them watches ten others. Redis is asked for all together, and each hears its ten in one piece."""
    book = attendance.attendance()
    counting = book._leases = Counting(book._leases)
    hub()
    people = range(1, 1001)
    came = {key: comes(key, "talk", members=200) for key in people}

    def others(key: int) -> Iterable[int]:
        return ((key + step) % 1000 + 1 for step in range(10))

    for key, (connection, _) in came.items():
        watches(connection, *(contact(other, "talk") for other in others(key)))
    await settled(book)
    assert counting.asked <= 2
    assert {len(ear.frames) for _, ear in came.values()} == {10}
    assert {ear.writes for _, ear in came.values()} == {1}

    counting.asked = 0
    await book._beat()
    assert counting.asked == 1, "an interval costs one call"
    await settled(book)
    assert {ear.writes for _, ear in came.values()} == {1}, "nothing is new"
