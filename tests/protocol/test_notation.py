"""The notation of PROTOCOL.md is read strictly, and a difference is told so that one finds it."""

from typing import Any

import pytest

from tests.protocol import document, notation
from tests.protocol.notation import ANY, Asks, Closes, Happens, Hears, Misprint, Says, differences, read, steps_of

MISPRINTS = {
    "no sign": 'maria {"event":"heartbeat"}',
    "another arrow": 'maria -> {"event":"heartbeat"}',
    "nobody": '→ {"event":"heartbeat"}',
    "nothing": "maria →",
    "half an object": 'maria → {"event":"heartbeat"',
    "a comma too many": 'maria → {"event":"heartbeat",}',
    "single quotes": "maria → {'event':'heartbeat'}",
    "a key twice": 'maria → {"event":"heartbeat","event":"auth"}',
    "sent, but not whole": 'maria → {"event":"heartbeat",…}',
    "sent with something not shown": 'maria → {"event":"heartbeat","ref":…}',
    "two dots of three": 'maria ← {"event":"heartbeat",..}',
    "no code": "maria ⨯ soon",
    "a code of five digits": "maria ⨯ 44011",
    "no status": "maria GET /api/me/",
    "no answer": "maria GET /api/me/ → ok",
    "an unknown method": "maria FETCH /api/me/ → 200",
    "brackets left open": "(tom leaves",
}


def test_the_lines_of_an_example() -> None:
    assert steps_of(
        [
            'maria → {"event":"heartbeat","ref":"1"}',
            'maria\'s phone ← {"event":"reply",…}',
            "",
            "tom ← …",
            "tom ⨯ 4401",
            'tom POST /api/conversations/ (Authorization: Bearer <tom\'s token>) {"userId":"<maria>"} → 201',
            '      {"id":"<talk>",…}',
            "(tom is taken out of <talk>)",
        ],
        7,
    ) == [
        Says(7, "maria", {"event": "heartbeat", "ref": "1"}),
        Hears(8, "maria's phone", {"event": "reply", ANY: 0}),
        Hears(10, "tom", ANY),
        Closes(11, "tom", 4401),
        Asks(12, "tom", "POST", "/api/conversations/", {"Authorization": "Bearer <tom's token>"},
             {"userId": "<maria>"}, 201, {"id": "<talk>", ANY: 0}),
        Happens(14, "tom is taken out of <talk>"),
    ]  # fmt: skip


@pytest.mark.parametrize("what", MISPRINTS)
def test_a_misprint_is_told_with_its_line(what: str) -> None:
    with pytest.raises(Misprint, match=rf"^{document.PATH.name}:42: "):
        steps_of([MISPRINTS[what]], 42)


def test_a_name_that_nobody_has_told() -> None:
    with pytest.raises(Misprint, match="nobody has told <message> yet; known are talk"):
        notation.filled({"id": ["<message>"]}, {"talk": "1"}, 3)
    assert notation.filled({"id": ["<talk>", "no <talk>"], "n": 1}, {"talk": "1"}, 3) == {"id": ["1", "no 1"], "n": 1}


@pytest.mark.parametrize(
    ("shown", "came"),
    [
        ('{"a":1,"b":"x"}', {"b": "x", "a": 1}),
        ('{"a":1,…}', {"a": 1, "b": 2}),
        ("{…}", {}),
        ('{"a":…}', {"a": None}),
        ('{"a":[1,…]}', {"a": [1, 2, 3]}),
        ("[…]", []),
        ('{"at":"2026-05-01T08:30:00.000Z"}', {"at": "1999-12-31T23:59:59.999Z"}),
        ('{"a":"<one>","b":"<one>","c":"<two>"}', {"a": "1", "b": "1", "c": None}),
        ('{"a":"… and <x> in a text"}', {"a": "… and <x> in a text"}),
    ],
)
def test_what_came_as_shown(shown: str, came: Any) -> None:
    assert list(differences(read(shown, 1), came, {})) == []


@pytest.mark.parametrize(
    ("shown", "came", "told"),
    [
        ('{"a":1}', {"a": 2}, ".a: shown is 1, came 2"),
        ('{"a":1}', {"a": True}, ".a: shown is 1, came true"),
        ('{"a":"1"}', {"a": 1}, '.a: shown is "1", came 1'),
        ('{"a":null}', {}, ".a: shown, but did not come"),
        ('{"a":1}', {"a": 1, "b": 2}, ".b: came, but is not shown: 2"),
        ('{"a":…}', {}, ".a: shown, but did not come"),
        ('{"a":{"b":[{"c":1}]}}', {"a": {"b": [{"c": 2}]}}, ".a.b[0].c: shown is 1, came 2"),
        ('{"a":[1]}', {"a": [1, 2]}, ".a: shown are 1 elements, came 2"),
        ('{"a":[1,2,…]}', {"a": [1]}, ".a: shown are 2 elements, came 1"),
        ('{"at":"2026-05-01T08:30:00.000Z"}', {"at": "2026-05-01T08:30:00Z"},
         '.at: shown is a time, came "2026-05-01T08:30:00Z"'),
        ('{"a":"<one>","b":"<one>"}', {"a": "1", "b": "2"}, '.b: shown is <one>, which is "1", came "2"'),
        ('{"a":{…}}', {"a": []}, '.a: shown is {…}, came []'),
    ],
)  # fmt: skip
def test_what_came_differently(shown: str, came: Any, told: str) -> None:
    assert list(differences(read(shown, 1), came, {})) == [told]
