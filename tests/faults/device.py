"""A client as the protocol asks for one: an outbox in order, sync at every connect, each change applied once.

It stands for real clients in the fault tests: it comes back by itself, sends again what was not acknowledged, and
logs what it hears. It forgives nothing: whatever it does not expect is kept for the checker.
"""

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.faults.checker import Attempt, Head, Heard, Log, Shown

_IN_FLIGHT = 16
_BACK_MOST = 0.5
_UNANSWERED_SECONDS = 20
_numbers = itertools.count(1)

Json = dict[str, Any]


class Device:
    """One client of one person: `async with device:`. It connects to one of `urls`, a random one each time."""

    def __init__(
        self, name: str, token: str, urls: Sequence[str], conversations: Sequence[str], log: Log, news: asyncio.Event
    ) -> None:
        self.name, self.log, self.news = name, log, news  # `news` is set when something has changed here
        self.shown = {conversation: Shown() for conversation in conversations}
        self.connected = False
        self.connects = 0
        self.closes: list[int | None] = []
        self.troubles: list[str] = []  # when and why connections ended
        self.byes: list[float] = []  # in how many seconds it was asked to come back
        self.back_after: float | None = None
        self._token, self._urls = token, urls
        self._outbox: deque[Attempt] = deque()
        self._edits: deque[Attempt] = deque()
        self._wake = asyncio.Event()
        self._epoch: str | None = None
        self._life: asyncio.Task[None] | None = None
        log.devices.append((name, self.shown))

    async def __aenter__(self) -> "Device":
        self._life = asyncio.create_task(self._live())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._life is not None
        self._life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._life

    # What people do

    def say(self, conversation: str) -> Attempt:
        """Puts a message into the outbox; it goes out when it can."""
        number = next(_numbers)
        attempt = Attempt(f"c{number}", conversation, f"{self.name} #{number}", said_at=time.monotonic())
        self.log.attempts[attempt.client_id] = attempt
        self._outbox.append(attempt)
        self._wake.set()
        return attempt

    def edit(self, attempt: Attempt) -> None:
        """Changes a message of one's own, once it is acknowledged."""
        attempt.edited = f"{attempt.content}, edited"
        self._edits.append(attempt)
        self._wake.set()

    @property
    def waiting(self) -> int:
        """What the server has not acknowledged yet."""
        return len(self._outbox) + len(self._edits)

    def state(self) -> str:
        """For whoever must find out what went wrong."""
        where = "connected" if self.connected else "away"
        return f"{where} at {time.monotonic():.1f}, closed with {self.closes}, because of {self.troubles[-3:]}"

    def shows(self, heads: Mapping[str, Head]) -> bool:
        """Whether everything is shown up to these heads."""
        return all(view.version >= heads[conversation].version for conversation, view in self.shown.items())

    def put(self, view: Shown, message: Json) -> None:
        """Puts this message by its id, unless a newer one is held, or it lies before what is shown."""
        if message["seq"] < view.first_seq:
            return
        held = view.messages.get(message["id"])
        if held is None and (attempt := self.log.attempts.get(message["clientId"])) is not None:
            self.log.shown_at.append((attempt.said_at, time.monotonic()))
        if held is None or held[1] < message["version"]:
            view.messages[message["id"]] = (message["seq"], message["version"], message["content"])

    # A client's life

    async def _live(self) -> None:
        while True:
            try:
                await self._connect()
            except (OSError, InvalidHandshake, InvalidMessage, ConnectionClosed, TimeoutError) as trouble:
                self.troubles.append(f"{time.monotonic():.1f} {trouble!r}")
            self.connected = False
            back_after, self.back_after = self.back_after, None
            await asyncio.sleep(random.uniform(0, _BACK_MOST) if back_after is None else back_after)

    async def _connect(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        url = random.choice(self._urls)
        async with connect(
            url, additional_headers=headers, proxy=None, ping_interval=None, max_size=None, open_timeout=10
        ) as socket:
            session = _Session(self, socket)
            try:
                await session.run()
            finally:
                self.closes.append(socket.close_code)


class _Session:
    """One connection of a device."""

    def __init__(self, device: Device, socket: ClientConnection) -> None:
        self.device, self.socket = device, socket
        self.heard: list[Heard] = []
        self.replies: dict[str, asyncio.Future[Json]] = {}
        self.refs = itertools.count(1)
        self.syncing = self.behind = False
        self.tasks: set[asyncio.Task[None]] = set()
        device.log.sockets.append((device.name, self.heard))

    async def run(self) -> None:
        try:
            welcome = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
            if welcome["event"] != "welcome":
                raise ConnectionResetError(f"no welcome but {welcome}")
            await asyncio.gather(self._spawn(self._read()), self._spawn(self._talk(welcome["data"]["epoch"])))
        finally:
            for task in self.tasks:
                task.cancel()
            for future in self.replies.values():
                future.cancel()

    async def _talk(self, epoch: str) -> None:
        before, self.device._epoch = self.device._epoch, epoch
        await self._sync(before or epoch)
        self.device.connects += 1
        self.device.connected = True
        self.device.news.set()
        await self._send_outbox()

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        return task

    async def _ask(self, event: str, data: Json) -> asyncio.Future[Json]:
        ref = f"r{next(self.refs)}"
        future = self.replies[ref] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"event": event, "data": data, "ref": ref}))
        return future

    # Hearing

    async def _read(self) -> None:
        async for payload in self.socket:
            frame = json.loads(payload)
            match frame["event"]:
                case "reply":
                    future = self.replies.pop(frame["ref"])
                    if not future.done():
                        future.set_result(frame)
                case "heartbeat":
                    await self.socket.send('{"event":"heartbeat"}')
                case "bye":
                    self.device.back_after = frame["data"]["reconnectAfter"]
                    self.device.byes.append(frame["data"]["reconnectAfter"])
                case "message:new" | "message:updated":
                    self._hear(frame)
        raise ConnectionResetError("closed")

    def _hear(self, frame: Json) -> None:
        conversation, prev, version = frame["conversationId"], frame["prev"], frame["version"]
        self.heard.append(Heard(conversation, prev, version, frame["data"]["id"]))
        view = self.device.shown[conversation]
        if prev > view.version:
            self.behind = True
            if not self.syncing:
                _ = self._spawn(self._sync(self.device._epoch))
        elif version > view.version:
            self.device.put(view, frame["data"])
            view.version = version
            self.device.news.set()

    async def _sync(self, epoch: str | None) -> None:
        self.syncing = self.behind = True
        try:
            while self.behind:
                self.behind = False  # what comes from now on may lie behind the answer's heads
                cursors = {key: view.version for key, view in self.device.shown.items()}
                answer = await asyncio.wait_for(
                    await self._ask("sync", {"cursors": cursors, "epoch": epoch}), _UNANSWERED_SECONDS
                )
                if not answer["ok"]:
                    self.behind = True
                    await self._endure(answer["error"])
                    continue
                epoch = answer["data"]["epoch"]
                await self._apply(answer["data"])
                self.behind = self.behind or bool(answer["data"]["more"])
        finally:
            self.syncing = False
        self.device.news.set()

    async def _apply(self, page: Json) -> None:
        for conversation in page["reset"]:
            await self._load_again(conversation)
        for conversation, changes in page["changes"].items():
            view = self.device.shown[conversation]
            for message in changes:
                self.device.put(view, message)
            if conversation in page["more"]:
                view.version = max(view.version, changes[-1]["version"])
        for conversation, head in page["heads"].items():
            if conversation not in page["more"]:
                view = self.device.shown[conversation]
                view.version = max(view.version, head["version"])

    async def _load_again(self, conversation: str) -> None:
        answer = await asyncio.wait_for(
            await self._ask("join:conversation", {"conversationId": conversation}), _UNANSWERED_SECONDS
        )
        if not answer["ok"]:
            raise ConnectionResetError("the page could not be loaded")
        messages = answer["data"]["messages"]
        view = self.device.shown[conversation]
        view.version = answer["data"]["conversation"]["version"]
        view.first_seq = messages[0]["seq"] if messages else 1
        view.messages = {}
        for message in messages:
            self.device.put(view, message)

    # Saying

    async def _send_outbox(self) -> None:
        while True:
            self.device._wake.clear()
            if self.device._outbox:
                await self._send_first(list(itertools.islice(self.device._outbox, _IN_FLIGHT)))
            elif self.device._edits:
                await self._edit_first()
            else:
                await self.device._wake.wait()

    async def _send_first(self, attempts: list[Attempt]) -> None:
        asked = [
            await self._ask(
                "message:send",
                {"conversationId": one.conversation, "content": one.content, "clientId": one.client_id},
            )
            for one in attempts
        ]
        for attempt, future in zip(attempts, asked, strict=True):
            answer = await asyncio.wait_for(future, _UNANSWERED_SECONDS)
            if not answer["ok"]:  # everything behind it stays in the outbox too, in its order
                for later in asked:
                    await asyncio.wait_for(later, _UNANSWERED_SECONDS)
                await self._endure(answer["error"])
                return
            attempt.acknowledged = answer["data"]["message"]["id"]
            self.device._outbox.popleft()
            self.device.news.set()

    async def _edit_first(self) -> None:
        attempt = self.device._edits[0]
        if attempt.acknowledged is None:
            self.device._edits.rotate()
            await asyncio.sleep(0.01)
            return
        answer = await asyncio.wait_for(
            await self._ask("message:edit", {"messageId": attempt.acknowledged, "content": attempt.edited}),
            _UNANSWERED_SECONDS,
        )
        if answer["ok"]:
            attempt.edit_acknowledged = True
            self.device._edits.popleft()
            self.device.news.set()
        else:
            await self._endure(answer["error"])

    async def _endure(self, error: Json) -> None:
        if not error["retryable"]:
            self.device.log.refused.append(f"{self.device.name}: {error}")
            raise ConnectionResetError("refused for good")
        await asyncio.sleep(random.uniform(0.05, 0.3))
