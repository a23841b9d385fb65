"""PROTOCOL.md is whole: what the code has is on the page, and what the page has is in the code."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from django.conf import settings

from conversations import events, shapes, system_messages
from conversations.models import Conversation, HeldMessage, Message, Participant
from groups.models import Group
from localroots_chat import errors
from localroots_chat.accounts.models import Role
from localroots_chat.accounts.people import UserShape
from localroots_chat.gateway import arrivals, protocol
from localroots_chat.sockets import COMMANDS, EVENTS
from presence import typing as presence_typing
from tests.protocol import declarations, notation
from tests.protocol.declarations import Field
from tests.protocol.document import DOCUMENT, Row, named_in
from tests.protocol.notation import ANY
from tests.support.sockets import DURABLE

ROOT = Path(settings.BASE_DIR)
SOURCES = {
    path: path.read_text(encoding="utf-8")
    for app in ("localroots_chat", "conversations", "groups", "presence")
    for path in (ROOT / app).rglob("*.py")
    if "migrations" not in path.parts
}
ALL_COMMANDS = {*COMMANDS, "auth", "heartbeat"}  # the last two are the gateway's own


def _examples() -> Iterator[notation.Step]:
    for block in DOCUMENT.blocks_of("chat", "chat hurried", "chat screened"):
        yield from notation.steps_of(block.lines, block.line)


def _by_name(heading: str) -> dict[str, Row]:
    rows = {name: row for row in DOCUMENT.rows_under(heading) for name in named_in(row.cells[0])}
    assert sum(len(named_in(row.cells[0])) for row in DOCUMENT.rows_under(heading)) == len(rows), "a name twice"
    return rows


# Commands and events


def test_every_command_has_a_heading_and_an_example() -> None:
    begin, end = DOCUMENT.headings.index("Commands"), DOCUMENT.headings.index("Events")
    told = [name for heading in DOCUMENT.headings[begin + 1 : end] for name in named_in(heading)]
    assert set(told) == ALL_COMMANDS, "the headings under Commands"
    assert len(told) == len(set(told)), "a heading twice"
    sent = [step.value for step in _examples() if isinstance(step, notation.Says)]
    shown = {frame.get("event") for frame in sent if isinstance(frame, dict)}
    assert shown >= ALL_COMMANDS, 'a line "→ {"event": …}" in an example'


def test_every_event_is_in_the_table_and_in_an_example() -> None:
    assert set(_by_name("Events")) == set(EVENTS), "the rows of the table under Events"
    heard = {step.pattern["event"] for step in _examples() if isinstance(step, notation.Hears) and step.pattern != ANY}
    assert heard == set(EVENTS), 'a line "← {"event": …}" in an example'


def test_the_durable_events_are_marked() -> None:
    marked = {name for name, row in _by_name("Events").items() if row.cells[2] == "·"}
    assert marked == DURABLE & set(EVENTS)


# Objects


def _structs_in(kind: object) -> set[type[msgspec.Struct]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {kind}.union(*(_structs_in(field.type) for field in msgspec.structs.fields(kind)))
    return set().union(*map(_structs_in, typing.get_args(kind)))


def _answer_of(handle: object) -> object:
    return typing.get_type_hints(handle)["return"]


def _made_in(*modules: ModuleType) -> set[type[msgspec.Struct]]:
    return {
        made
        for module in modules
        for made in vars(module).values()
        if isinstance(made, type) and issubclass(made, msgspec.Struct) and made.__module__ == module.__name__
    }


_DESCRIBED_ONLY = {"SentShape"}  # what REST's description calls Stored
_TAKEN = set().union(*(_structs_in(spec.takes) for spec in COMMANDS.values()), _structs_in(arrivals.Auth))
_EVENTS = {struct for struct in msgspec.Struct.__subclasses__() if struct.__name__.endswith("Event")}
_TOLD = _made_in(shapes, events, system_messages, presence_typing, errors).union(
    _EVENTS,
    *(_structs_in(kind) for kind in (arrivals.Welcome, UserShape)),
    *(_structs_in(_answer_of(spec.handle)) for spec in COMMANDS.values()),
)
STRUCTS: dict[str, type[msgspec.Struct]] = {
    struct.__name__.removesuffix("Shape"): struct
    for struct in sorted(_TAKEN | _TOLD, key=lambda struct: struct.__name__)
    if struct.__name__ not in _DESCRIBED_ONLY
}
STRUCTS["Command"] = protocol._Envelope
_FROM_CLIENTS = {protocol._Envelope, *_TAKEN}
# JSON that was made before (Raw), and what the code decides where its types are wider.
_NARROWER = {
    ("Stored", "message"): Field("message", False, frozenset({"Message"})),
    ("Welcome", "user"): Field("user", False, frozenset({"User"})),
    ("Welcome", "limits"): Field("limits", False, frozenset({"object"})),
    ("Auth", "token"): Field("token", False, frozenset({"string"})),
    ("Error", "retryable"): Field("retryable", False, frozenset({"boolean"})),
}
_ROLES = set(Participant.Role.values)
_OF_GROUPS = ("Group", "GroupCreated", "NewGroup", "Changing")
TEXTS = {
    ("User", "role"): set(Role.values),
    ("Message", "type"): set(Message.Type.values),
    ("Held", "type"): set(Message.Type.values),
    ("Held", "state"): {"WAITING", "WITHDRAWN", *HeldMessage.Outcome.values},
    ("MessageSend", "type"): set(Message.Type.values) - {"SYSTEM"},
    ("Conversation", "type"): set(Conversation.Type.values),
    ("Participant", "role"): _ROLES,
    **{(name, "category"): set(Group.Category.values) for name in _OF_GROUPS},
    **{(name, "visibility"): set(Group.Visibility.values) for name in _OF_GROUPS},
    ("Group", "myRole"): _ROLES,
    ("GroupCreated", "myRole"): _ROLES,
}


def test_every_object_is_declared() -> None:
    interfaces, texts = declarations.declared_in(DOCUMENT.blocks_of("ts"))
    assert set(interfaces) == set(STRUCTS), "the interfaces of the page, and the structs of the code"
    assert texts == TEXTS


@pytest.mark.parametrize("name", STRUCTS)
def test_an_object_has_the_fields_of_its_struct(name: str) -> None:
    interfaces, _ = declarations.declared_in(DOCUMENT.blocks_of("ts"))
    fields = declarations.declared_by(STRUCTS[name], from_client=STRUCTS[name] in _FROM_CLIENTS)
    told = {field.name: field for field in interfaces[name]}
    assert told == {field.name: _NARROWER.get((name, field.name), field) for field in fields}
    assert len(told) == len(interfaces[name]), "a field twice"


# Codes

_CLOSE_CODE = re.compile(r"\b(44\d\d|10(?:0[2-9]|1\d))\b")
# websockets and uvicorn close with these by themselves: no WebSocket at all, not UTF-8, the server ends.
_OF_THE_SERVER = {1002, 1007, 1012}
_OF_NOBODY = {1000, 1006}  # said by the client, and by its library where nothing was said


def test_every_close_code_is_in_the_table() -> None:
    used = {int(code) for text in SOURCES.values() for code in _CLOSE_CODE.findall(text)}
    told = [int(code) for row in DOCUMENT.rows_under("When the socket closes") for code in row.cells[0].split(", ")]
    assert sorted(told) == sorted(used | _OF_THE_SERVER | _OF_NOBODY)


def test_every_error_code_is_in_the_table() -> None:
    rows = _by_name("Errors")
    told = [
        (name, int(status))
        for row in DOCUMENT.rows_under("Errors")
        for name, status in zip(named_in(row.cells[0]), row.cells[1].split(", "), strict=True)
    ]
    assert sorted(told) == sorted(errors.STATUS.items())
    assert {row.cells[2] for row in rows.values()} == {"yes", "no"}
    assert {name for name, row in rows.items() if row.cells[2] == "yes"} == errors.RETRYABLE


def test_what_is_not_used_yet_is_not() -> None:
    unused = {name for name, row in _by_name("Errors").items() if row.cells[3] == "not used"}
    made = {
        name
        for path, text in SOURCES.items()
        for name in re.findall(r'ChatError\(\s*"(\w+)"', text)
        if path.name != "errors.py"
    }
    by_helpers = set(re.findall(r'return ChatError\("(\w+)"', SOURCES[ROOT / "localroots_chat" / "errors.py"]))
    assert unused == set(errors.STATUS) - made - by_helpers


# Limits

_RATE = re.compile(r'"(\w+)": env\.rate\("(CHAT_\w+)", "(\d+)/(\d+)s"\)')
_NUMBER = re.compile(r"^(CHAT_\w+) = (?:env\.(?:number|seconds)\(\"\w+\", )?([\d_]+)", re.MULTILINE)
# What is the operator's business alone.
_NOT_OF_CLIENTS = {
    "CHAT_SCREEN_SECONDS",
    "CHAT_UPLOAD_THREADS",
    "CHAT_DATABASE_THREADS", "CHAT_HTTP_THREADS", "CHAT_BUS_GROUPS", "CHAT_SWEEP_SECONDS", "CHAT_STATEMENT_SECONDS",
}  # fmt: skip
_SETTINGS = SOURCES[ROOT / "localroots_chat" / "settings.py"]


def _limits() -> dict[str, Row]:
    return {named_in(row.cells[2])[0]: row for row in DOCUMENT.rows_under("Limits")}


def test_every_limit_has_its_default_and_its_setting() -> None:
    told = {name: [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", row.cells[1])]
            for name, row in _limits().items()}  # fmt: skip
    rates = {name: [int(count), int(window)] for _, name, count, window in _RATE.findall(_SETTINGS)}
    numbers = {name: [int(number)] for name, number in _NUMBER.findall(_SETTINGS) if name not in _NOT_OF_CLIENTS}
    assert len(rates) == len(settings.CHAT_RATES)
    assert told == rates | numbers


def test_every_command_is_named_beside_the_rate_that_counts_it() -> None:
    rows, setting_of = _limits(), {rate: name for rate, name, _, _ in _RATE.findall(_SETTINGS)}
    counted: dict[str, set[str]] = {name: set() for name in setting_of.values()}
    for command, spec in COMMANDS.items():
        counted[setting_of[spec.rate or "send"]].add(command)
    counted[setting_of["command"]].add("auth")
    assert {name: set(named_in(rows[name].cells[0])) for name in counted} == counted
