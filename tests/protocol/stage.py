"""Where the examples are played: the cast with its sockets, at one real server. The notation is notation.py's."""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from tests.protocol.document import PATH
from tests.protocol.notation import (
    ANY,
    Asks,
    Closes,
    Happens,
    Hears,
    Misprint,
    Names,
    Says,
    Step,
    differences,
    filled,
    inserted,
)
from tests.support.environment import KEYS
from tests.support.people import Person, sign_token
from tests.support.servers import ChatServer
from tests.support.sockets import Frame, SocketClient

WITHIN: Final = 10  # what happens out of sight is found by the server's sweep, every 4 seconds
_SOCKET: Final = "/ws/chat/"

# What has no door yet is done to the database; the server then finds it by itself.
_TAKE_OUT: Final = """
from conversations.models import Participant
from localroots_chat.database import DatabaseNow
seats = Participant.objects.filter(user__public_id={person!r}, conversation_id={conversation!r})
assert seats.update(left_at=DatabaseNow(), changed_at=DatabaseNow()) == 1
"""


class Listener(SocketClient):
    """A socket whose events are heard one after the other, none left out."""

    lenient = False  # an example has said that what comes now is not shown
    ended = False

    async def say(self, value: Any) -> None:  # type: ignore[override]  # an example says frames, not sentences
        if isinstance(value, dict) and isinstance(value.get("ref"), str):
            self._asked.add(value["ref"])
        await self.send_raw(json.dumps(value))

    async def next_event(self, *, beats: bool) -> Frame:
        """The next event; heartbeats only where they are wanted."""

        def find() -> Frame | None:
            if not beats:
                self._waiting = self.unheard()
            return self._waiting.pop(0) if self._waiting else None

        return await self._until(find, WITHIN, "another event")

    def unheard(self) -> list[Frame]:
        return [frame for frame in self._waiting if frame.event != "heartbeat"]


class Stage:
    """One example on its server. `names` are known from the beginning; clients answer heartbeats, or leave it."""

    def __init__(
        self,
        server: ChatServer,
        new_person: Callable[..., Person],
        names: Names | None = None,
        *,
        answers_heartbeats: bool = True,
    ) -> None:
        self.server, self._answers_heartbeats = server, answers_heartbeats
        self._people = {name: new_person(name, server) for name in ("tom", "eve", "market")}
        self._people["maria"] = new_person("maria", server, role="FARMER")
        self._sockets: dict[str, Listener] = {}
        self.names: Names = {"server key": KEYS["SERVER_KEY"], **(names or {})}

    async def play(self, steps: Sequence[Step]) -> None:
        """Plays the example. Raises AssertionError where something comes differently, or comes and is not shown."""
        self._set_up()
        async with AsyncExitStack() as stack:
            opened_by_example = {step.who for step in steps if isinstance(step, Asks) and _opens(step)}
            for step in steps:
                if isinstance(step, Says | Hears | Closes) and step.who not in {*self._sockets, *opened_by_example}:
                    headers = {"Authorization": f"Bearer {self._person(step).token}"}
                    await self._open(stack, step.who, headers=headers)
            for step in steps:
                try:
                    await self._step(stack, step)
                except AssertionError as error:
                    raise AssertionError(f"{PATH.name}:{step.line}: {error}") from None
            for name, socket in self._sockets.items():
                await self._assert_all_is_shown(name, socket)

    def _set_up(self) -> None:
        maria, tom, eve = (self._people[name] for name in ("maria", "tom", "eve"))
        self.names["talk"] = maria.talks_to(tom)["id"]
        eve.arrives()
        for person in (maria, tom, eve):
            self.names |= {
                person.name: person.id,
                f"{person.name}'s token": person.token,
                f"{person.name}'s short token": sign_token(person.id, lifetime=50),
                f"{person.name}'s old token": sign_token(person.id, lifetime=-3600),
            }

    def _person(self, step: Step) -> Person:
        assert not isinstance(step, Happens)
        name = step.who.partition("'")[0]
        if name not in self._people:
            raise Misprint(step.line, f"{name} is not of the cast: {', '.join(self._people)}")
        return self._people[name]

    async def _open(
        self, stack: AsyncExitStack, name: str, *, query: str = "", headers: dict[str, str], welcome: bool = True
    ) -> None:
        socket = self._sockets[name] = self._socket(name, query, headers, welcome)
        await stack.enter_async_context(socket)

    def _socket(self, name: str, query: str, headers: dict[str, str], welcome: bool) -> Listener:
        others = {key: value for key, value in headers.items() if key != "Origin"}
        return Listener(
            self.server.ws_url + query, name=name, auth=None, origin=headers.get("Origin"), headers=others,
            welcome=welcome, heartbeat=self._answers_heartbeats,
        )  # fmt: skip

    # The steps

    async def _step(self, stack: AsyncExitStack, step: Step) -> None:
        match step:
            case Says():
                await self._sockets[step.who].say(filled(step.value, self.names, step.line))
            case Hears():
                await self._hear(self._sockets[step.who], step)
            case Closes():
                await self._sockets[step.who].expect_close(step.code)
                self._sockets[step.who].ended = True
            case Asks() if _opens(step):
                await self._connect(stack, step)
            case Asks():
                self._ask(step)
            case Happens():
                self._make_happen(step)

    async def _hear(self, socket: Listener, step: Hears) -> None:
        if step.pattern == ANY:
            socket.lenient = True
            return
        if not isinstance(step.pattern, dict) or "event" not in step.pattern:
            raise Misprint(step.line, "what comes is an object with an event")
        if step.pattern["event"] == "reply":
            if not isinstance(step.pattern.get("ref"), str):
                raise Misprint(step.line, "a reply is shown with its ref")
            frame = await socket.reply(step.pattern["ref"])
        else:
            frame = await self._next(socket, step.pattern)
        self._compare(step.pattern, dict(frame))

    async def _next(self, socket: Listener, pattern: dict[str, Any]) -> Frame:
        while True:
            frame = await socket.next_event(beats=pattern["event"] == "heartbeat")
            if not socket.lenient or not list(differences(pattern, dict(frame), dict(self.names))):
                socket.lenient = False
                return frame

    async def _connect(self, stack: AsyncExitStack, step: Asks) -> None:
        query = inserted(step.path.removeprefix(_SOCKET), self.names, step.line)
        headers = {key: inserted(value, self.names, step.line) for key, value in step.headers.items()}
        if step.status == 101:
            await self._open(stack, step.who, query=query, headers=headers, welcome=False)
        else:
            await self._socket(step.who, query, headers, welcome=False).expect_refusal(step.status)

    def _ask(self, step: Asks) -> None:
        options: dict[str, Any] = {} if step.body is None else {"json": filled(step.body, self.names, step.line)}
        headers = {key: inserted(value, self.names, step.line) for key, value in step.headers.items()}
        path = inserted(step.path, self.names, step.line)
        answer = self._person(step).http.request(step.method, path, headers=headers, **options)
        told = f"{step.method} {path} answered {answer.status_code}: {answer.text[:1000]}"
        assert answer.status_code == step.status, told
        if step.pattern is not None:
            self._compare(step.pattern, answer.json())

    def _make_happen(self, step: Happens) -> None:
        if step.what == "a backup is restored":
            self.server.manage("new_epoch")
        elif found := re.fullmatch(r"([a-z]+) is taken out of (<[a-z]+>)", step.what):
            person, conversation = (inserted(text, self.names, step.line) for text in (f"<{found[1]}>", found[2]))
            self.server.manage("shell", "-c", _TAKE_OUT.format(person=person, conversation=conversation))
        else:
            raise Misprint(step.line, f"nobody knows how to make this happen: {step.what}")

    # What came

    def _compare(self, pattern: Any, came: Any) -> None:
        found = list(differences(pattern, came, self.names))
        text = json.dumps(came, ensure_ascii=False)
        assert not found, "\n".join(["this came differently", *found, f"What came: {text}"])

    async def _assert_all_is_shown(self, name: str, socket: Listener) -> None:
        if not socket.ended:
            await socket.ask("heartbeat")  # a marker: what was under way has come before its answer
        if not socket.lenient:
            left = "\n".join(json.dumps(frame, ensure_ascii=False) for frame in socket.unheard())
            assert not left, f"{name} also heard what the example does not show:\n{left}"


def _opens(step: Asks) -> bool:
    return step.method == "GET" and step.path.startswith(_SOCKET)
