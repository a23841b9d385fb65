"""What a block costs: one more encoding of a message, however many listeners have blocked its sender."""

import json

import pytest

from conversations.hiding import veiled
from localroots_chat.gateway import parcel
from localroots_chat.gateway.parcel import Parcel
from localroots_chat.gateway.wiring import ACTOR, AUTHOR, QUOTED, Change, wired

BOB, CAROL, DAN = 2, 3, 4
MESSAGE = {
    "id": "m",
    "conversationId": "talk",
    "seq": 7,
    "version": 9,
    "clientId": "c",
    "type": "TEXT",
    "content": "rude",
    "replyTo": {"id": "r", "seq": 6, "senderId": "carol", "excerpt": "what?"},
    "reactions": [{"emoji": "🥕", "count": 1}],
    "sender": {"id": "bob", "name": "Bob", "image": None, "role": "CUSTOMER"},
    "senderId": "bob",
    "createdAt": "2026-05-01T08:30:00.000Z",
    "updatedAt": "2026-05-01T08:30:00.000Z",
}
FRAME = json.dumps(
    {
        "event": "message:updated",
        "data": {**MESSAGE, "actorId": "dan", "reaction": {"emoji": "🥕", "removed": False}},
        "conversationId": "talk",
        "prev": 8,
        "version": 9,
    }
).encode()
BY_DAN = Change(8, 9, 7, actor=DAN, frame=FRAME, author=BOB, quoted=CAROL)


@pytest.fixture
def encodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In which ways something was encoded once more."""
    made: list[int] = []

    def count(frame: bytes, veils: int) -> bytes:
        made.append(veils)
        return veiled(frame, veils)

    monkeypatch.setattr(parcel, "wired", lambda: wired()._replace(veiled=count))
    return made


def test_one_more_encoding_for_all_who_have_blocked_the_sender(encodings: list[int]) -> None:
    parts = Parcel([BY_DAN])
    packets = {parts.for_one_who_blocked({BOB} if number % 2 else set()) for number in range(500)}
    assert len(packets) == 2
    assert encodings == [AUTHOR]


def test_each_way_of_hearing_less_is_made_once(encodings: list[int]) -> None:
    parts = Parcel([BY_DAN, Change(9, 10, 7, actor=CAROL, frame=FRAME, author=CAROL)])
    for _ in range(3):
        for blocked in ({1}, {BOB}, {CAROL}, {DAN}, {BOB, DAN, 99}, {BOB, 98}):
            parts.for_one_who_blocked(blocked)
    assert sorted(encodings) == sorted([AUTHOR, QUOTED, AUTHOR + ACTOR, ACTOR, AUTHOR + ACTOR])


@pytest.mark.parametrize(
    ("blocked", "hears"),
    [
        ({BOB}, {"hidden": True}),
        ({BOB, CAROL, DAN}, {"hidden": True}),
        ({CAROL}, {"content": "rude", "replyTo": {"id": "r", "seq": 6, "senderId": None, "excerpt": ""}}),
        ({DAN}, {"content": "rude", "replyTo": MESSAGE["replyTo"], "reactions": MESSAGE["reactions"]}),
    ],
)
def test_what_is_left_to_hear(blocked: set[int], hears: dict[str, object]) -> None:
    (payload,) = Parcel([BY_DAN]).for_one_who_blocked(blocked).payloads
    frame = json.loads(payload)
    assert (next(iter(frame)), frame["prev"], frame["version"]) == ("event", 8, 9)
    data = frame["data"]
    assert {name: data.get(name) for name in hears} == hears
    assert {"actorId", "reaction"}.isdisjoint(data)
    if "hidden" in hears:
        assert not any(word in payload for word in (b"rude", b"what?", b"bob", b"Bob", b"carol", "🥕".encode()))


def test_who_has_blocked_nobody_there_takes_the_same_bytes_as_all() -> None:
    parts = Parcel([BY_DAN])
    assert parts.for_one_who_blocked({77}) is parts.for_one_who_blocked(set())
    assert parts.for_one_who_blocked(set()).payloads == (FRAME,)
