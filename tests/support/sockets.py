"""The socket test language: a test reads as a conversation, over real frames and real close codes.

Every frame that arrives is also held against the wire's promises; one that breaks them fails the test.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, Self, TypeVar

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

Auth = Literal["header", "ticket", "frame"]
T = TypeVar("T")

# These carry conversationId, prev and version beside event and data.
DURABLE = frozenset(
    {
        "message:new",
        "message:updated",
        "conversation:changed",
        "group:created",
        "group:updated",
        "group:member_added",
        "group:member_removed",
        "group:member_updated",
    }
)


class Frame(dict[str, Any]):
    """One JSON frame from the server."""

    @property
    def event(self) -> str:
        return str(self.get("event"))

    @property
    def data(self) -> Any:
        return self.get("data")

    @property
    def ref(self) -> str | None:
        return self.get("ref")

    @property
    def conversation_id(self) -> str:
        return str(self["conversationId"])

    @property
    def prev(self) -> int:
        return int(self["prev"])

    @property
    def version(self) -> int:
        return int(self["version"])

    @property
    def is_durable(self) -> bool:
        return "version" in self

    def matches(self, event: str, fields: Mapping[str, Any]) -> bool:
        """Whether it is this event with these fields, in its data or (conversationId, version) beside it."""
        if self.event != event:
            return False
        return not fields or (isinstance(self.data, Mapping) and _holds({**self, **self.data}, fields))


def _holds(actual: Any, wanted: Any) -> bool:
    """Equal, where an object may have more keys than are asked for."""
    if isinstance(wanted, Mapping):
        return isinstance(actual, Mapping) and all(
            key in actual and _holds(actual[key], value) for key, value in wanted.items()
        )
    return bool(actual == wanted)


class SocketClient:
    """One person's socket. `async with` connects, waits for `welcome`, and closes."""

    def __init__(
        self,
        url: str,
        *,
        name: str = "socket",
        token: str | None = None,
        auth: Auth | None = "header",
        origin: str | None = None,
        welcome: bool = True,
        heartbeat: bool = True,
        headers: Mapping[str, str] | None = None,
        ticket_url: str | None = None,
    ) -> None:
        self.url = url
        self.name = name
        self.token = token
        self.frames: list[Frame] = []
        self.welcome: dict[str, Any] = {}
        self._auth = auth
        self._origin = origin
        self._wants_welcome = welcome
        self._beats = heartbeat
        self._headers = dict(headers or {})
        self._ticket_url = ticket_url
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()
        self._reading = asyncio.Event()
        self._reading.set()
        self._waiting: list[Frame] = []  # events that no expectation has taken yet
        self._replies: dict[str, Frame] = {}
        self._asked: set[str] = set()
        self._answered: set[str] = set()
        self._refs = itertools.count(1)
        self._violation: str | None = None

    def __repr__(self) -> str:
        return f"<{self.name}'s socket>"

    # Connecting

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, problem: type[BaseException] | None, *_: object) -> None:
        await self.close()
        if problem is None:
            self._check()

    async def open(self) -> None:
        url, headers = self.url, dict(self._headers)
        if self._auth == "header":
            headers["Authorization"] = f"Bearer {self.token}"
        elif self._auth == "ticket":
            url = f"{url}?ticket={await self._ticket()}"
        self._connection = await connect(
            url,
            additional_headers=headers,
            origin=Origin(self._origin) if self._origin is not None else None,
            proxy=None,
            ping_interval=None,  # the server must not hear from us what no browser sends
            max_size=None,
        )
        self._reader = asyncio.create_task(self._read(self._connection))
        try:
            if self._auth == "frame":
                await self.send("auth", {"token": self.token})
            if self._wants_welcome:
                self.welcome = (await self.expect("welcome")).data
        except BaseException:
            await self.close()
            raise

    async def close(self, code: int = 1000) -> None:
        """Say goodbye."""
        if self._connection is not None:
            self._reading.set()
            await self._connection.close(code)
        await self._stop_reading()

    async def drop(self) -> None:
        """Be gone without a word, as a telephone in a tunnel: the server sees a reset connection at best."""
        self._live.transport.abort()
        await self._stop_reading()

    async def expect_refusal(self, status: int) -> None:
        """Connecting is answered by this HTTP status instead of a socket."""
        try:
            await self.open()
        except InvalidStatus as refusal:
            got = refusal.response.status_code
            assert got == status, f"{self.name} was refused with HTTP {got}, not {status}"
            return
        await self.close()
        raise AssertionError(f"{self.name} was let in instead of refused with HTTP {status}")

    async def _ticket(self) -> str:
        assert self._ticket_url, "a ticket needs ticket_url"
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(self._ticket_url, headers={"Authorization": f"Bearer {self.token}"})
        assert answer.is_success, f"{self.name} got no ticket: {answer.status_code} {answer.text}"
        return str(answer.json()["ticket"])

    async def _stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    @property
    def _live(self) -> ClientConnection:
        assert self._connection is not None, f"{self.name}'s socket was not opened"
        return self._connection

    # Saying

    async def send(self, event: str, data: Any = None, ref: str | None = None) -> None:
        """Send a command, and go on."""
        frame = {"event": event}
        if data is not None:
            frame["data"] = data
        if ref is not None:
            frame["ref"] = ref
            self._asked.add(ref)
        await self.send_raw(json.dumps(frame))

    async def send_raw(self, payload: str | bytes) -> None:
        """Send whatever it is: a text frame, or a binary one."""
        await self._live.send(payload)

    async def send_bytes_as_text(self, payload: bytes) -> None:
        """A text frame whose bytes need not be UTF-8."""
        await self._live.send(payload, text=True)

    async def ask(self, event: str, data: Any = None, *, within: float = 5) -> Any:
        """Send a command and return the data of its reply, which must be ok."""
        frame = await self._ask(event, data, within)
        assert frame["ok"] is True, f"{self.name} was refused {event}: {frame['error']}"
        return frame.data

    async def ask_refused(
        self, event: str, data: Any = None, *, code: str, field: str | None = None, within: float = 5
    ) -> dict[str, Any]:
        """Send a command that must be refused with this code; return the error."""
        frame = await self._ask(event, data, within)
        assert frame["ok"] is False, f"{self.name} was not refused {event} with {code}: {frame.data}"
        return self._error(frame["error"], code, field)

    async def say(self, conversation_id: str, content: str, **fields: Any) -> dict[str, Any]:
        """Send a message; return it as the server stored it."""
        reply = await self.ask("message:send", {"conversationId": conversation_id, "content": content, **fields})
        message: dict[str, Any] = reply["message"]
        return message

    async def reply(self, ref: str, *, within: float = 5) -> Frame:
        """The reply to a command that was sent with this ref, ok or not."""
        return await self._until(lambda: self._replies.pop(ref, None), within, f"the reply to {ref!r}")

    async def _ask(self, event: str, data: Any, within: float) -> Frame:
        ref = f"{event}#{next(self._refs)}"
        await self.send(event, data, ref)
        return await self.reply(ref, within=within)

    def _error(self, error: dict[str, Any], code: str, field: str | None) -> dict[str, Any]:
        assert error["code"] == code, f"{self.name} expected the error {code}, got {error}"
        assert field is None or error.get("field") == field, f"{self.name} expected field {field!r}, got {error}"
        assert error["message"], f"{error} says nothing to a person"
        assert isinstance(error["retryable"], bool), f"{error} does not say whether to try again"
        return error

    # Hearing

    async def expect(self, event: str, *, within: float = 5, **fields: Any) -> Frame:
        """The first event, arrived or to arrive, that matches; the others stay for later expectations."""
        return await self._until(lambda: self._take(event, fields), within, _described(event, fields))

    async def expect_error(self, code: str, field: str | None = None, *, within: float = 5) -> dict[str, Any]:
        """The refusal of a command that was sent without ref."""
        frame = await self.expect("error", within=within)
        return self._error(frame.data, code, field)

    async def expect_close(self, code: int, *, within: float = 5) -> str:
        """The server closes with this code; returns its reason."""
        try:
            async with asyncio.timeout(within):
                await self._live.wait_closed()
                if self._reader is not None:
                    await asyncio.wait([self._reader])
        except TimeoutError:
            raise self._failure(f"was not closed with {code} within {within:g} s") from None
        if self._live.close_code != code:
            raise self._failure(f"expected close {code}, was closed with {self._closing()}")
        self._check()
        return self._live.close_reason or ""

    async def refute(
        self, event: str, *, after: Awaitable[Any] | None = None, within: float = 5, **fields: Any
    ) -> None:
        """No such event has come. Proved by a marker, not by waiting: the answer to a command sent now.

        An event that another server, or another person's action, might still be sending could be under way
        when the marker passes: then name in `after` what must arrive later on the same path.
        """
        if after is not None:
            await after
        await self.ask("heartbeat", within=within)
        if any(frame.matches(event, fields) for frame in self._waiting):
            raise self._failure(f"got {_described(event, fields)}")

    def stall(self) -> None:
        """Stop reading, as a stuck client does: the kernel's buffers fill, then the server's."""
        self._reading.clear()

    def resume(self) -> None:
        self._reading.set()

    def _take(self, event: str, fields: Mapping[str, Any]) -> Frame | None:
        for index, frame in enumerate(self._waiting):
            if frame.matches(event, fields):
                return self._waiting.pop(index)
        return None

    async def _until(self, find: Callable[[], T | None], within: float, wanted: str) -> T:
        try:
            async with asyncio.timeout(within):
                while True:
                    if (found := find()) is not None:
                        self._check()
                        return found
                    if self._reader is None or self._reader.done():
                        raise self._failure(f"was closed with {self._closing()} before {wanted}")
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise self._failure(f"did not get {wanted} within {within:g} s") from None

    # Reading

    async def _read(self, connection: ClientConnection) -> None:
        try:
            while True:
                await self._reading.wait()
                self._receive(await connection.recv())
                if self._beats and self.frames[-1].event == "heartbeat":
                    await self.send("heartbeat")
        except ConnectionClosed:
            pass
        finally:
            self._arrived.set()

    def _receive(self, payload: str | bytes) -> None:
        frame, violation = _parsed(payload)
        if frame.event == "reply" and frame.ref is not None:
            if frame.ref not in self._asked or frame.ref in self._answered:
                violation = violation or "a reply that answers nothing, or answers twice"
            self._answered.add(frame.ref)
            self._replies[frame.ref] = frame
        else:
            self._waiting.append(frame)
        self.frames.append(frame)
        if violation and self._violation is None:
            self._violation = f"{violation}: {payload[:500]!r}"
        self._arrived.set()

    # Saying what went wrong

    def _check(self) -> None:
        if self._violation is not None:
            raise self._failure(f"heard what the wire does not allow: {self._violation}")

    def _closing(self) -> str:
        code, reason = self._live.close_code, self._live.close_reason
        return f"{code} {reason}".strip() if code is not None else "no word"

    def _failure(self, what: str) -> AssertionError:
        waiting = {id(frame) for frame in self._waiting}
        lines = [f"  {'new ' if id(frame) in waiting else 'read'} {json.dumps(frame)[:400]}" for frame in self.frames]
        closed = "" if self._reader is None or not self._reader.done() else f"\nThe socket is closed: {self._closing()}"
        arrived = "\nWhat did arrive, in order:\n" + "\n".join(lines[-40:]) if lines else "\nNothing arrived."
        return AssertionError(f"{self.name} {what}.{arrived}{closed}")


def _described(event: str, fields: Mapping[str, Any]) -> str:
    return event + "".join(f" {name}={value!r}" for name, value in fields.items())


def _parsed(payload: str | bytes) -> tuple[Frame, str | None]:
    """The frame, and which promise it breaks."""
    if isinstance(payload, bytes):
        return Frame(event="(binary)"), "a binary frame"
    try:
        content = json.loads(payload)
    except ValueError:
        return Frame(event="(not JSON)"), "not JSON"
    if not isinstance(content, dict):
        return Frame(event="(not an object)"), "not an object"
    frame = Frame(content)
    return frame, _broken_promise(frame)


def _broken_promise(frame: Frame) -> str | None:
    if next(iter(frame), None) != "event":
        return "event is not the first key"
    if frame.event == "reply":
        told = "data" if frame.get("ok") is True else "error"
        return None if isinstance(frame.ref, str) and told in frame else "a reply without ref, or without data or error"
    if "data" not in frame:
        return "an event without data"
    if frame.event in DURABLE or frame.is_durable:
        prev, version = frame.get("prev"), frame.get("version")
        if not (isinstance(prev, int) and isinstance(version, int) and isinstance(frame.get("conversationId"), str)):
            return "a durable event without conversationId, prev and version"
        if not 0 <= prev < version:
            return "a durable event whose prev is not below its version"
    return None


def assert_in_order(frames: Iterable[Frame], *, gapless: bool = True) -> None:
    """Durable frames of each conversation come strictly upwards, each change once, and (gapless) without a hole."""
    held: dict[str, Frame] = {}
    for frame in frames:
        if not frame.is_durable:
            continue
        last = held.get(frame.conversation_id)
        if last is not None:
            pair = f"{json.dumps(last)[:300]}\n  and then\n{json.dumps(frame)[:300]}"
            assert frame.version > last.version, f"came late, or twice:\n{pair}"
            assert not gapless or frame.prev <= last.version, f"left a hole:\n{pair}"
        held[frame.conversation_id] = frame
