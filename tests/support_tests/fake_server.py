"""A small server that speaks the chat's frames and breaks their rules on demand, to try the socket test language on."""

import asyncio
import json
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

FOREIGN = "https://elsewhere.example"
BAD_TOKEN = "bad"
AUTH_SECONDS = 0.5

Json = dict[str, Any]


class FakeServer:
    """Everybody who is let in hears every message, whatever its conversation. `async with` starts and stops it."""

    def __init__(self) -> None:
        self.heard: list[Json] = []
        self._people: set[ServerConnection] = set()
        self._empty = asyncio.Event()
        self._versions: dict[str, int] = {}
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(self._talk, "127.0.0.1", 0, process_request=self._door)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        _, port = next(iter(self._server.sockets)).getsockname()
        return f"ws://127.0.0.1:{port}/ws/chat/"

    # What a test has it do

    async def tell(self, event: str, data: Any, **beside: Any) -> None:
        """An event for everybody."""
        for connection in list(self._people):
            await _send(connection, {"event": event, "data": data, **beside})

    async def tell_message(self, conversation: str, content: str) -> None:
        """Somebody has written."""
        prev = self._versions.get(conversation, 0)
        version = self._versions[conversation] = prev + 1
        message = {
            "id": f"m{version}",
            "conversationId": conversation,
            "content": content,
            "sender": {"id": "bob", "name": "Bob"},
        }
        await self.tell("message:new", message, conversationId=conversation, prev=prev, version=version)

    async def until_empty(self, within: float = 5) -> None:
        """Everybody is gone."""
        async with asyncio.timeout(within):
            await self._empty.wait()

    # How it receives people

    def _door(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Origin") == FOREIGN:
            return connection.respond(403, "Not from there.\n")
        return None

    async def _talk(self, connection: ServerConnection) -> None:
        token = await self._token(connection)
        if token is None or token == BAD_TOKEN:
            await connection.close(4401, "token_missing" if token is None else "token_invalid")
            return
        self._people.add(connection)
        self._empty.clear()
        try:
            await _send(connection, {"event": "welcome", "data": {"connectionId": "c1", "user": {"id": token}}})
            async for payload in connection:
                await self._answer(connection, payload)
        finally:
            self._people.remove(connection)
            if not self._people:
                self._empty.set()

    async def _token(self, connection: ServerConnection) -> str | None:
        assert connection.request is not None
        header = connection.request.headers.get("Authorization")
        if header is not None:
            return header.removeprefix("Bearer ")
        try:
            frame = json.loads(await asyncio.wait_for(connection.recv(), AUTH_SECONDS))
        except TimeoutError:
            return None
        return str(frame["data"]["token"])

    # How it answers

    async def _answer(self, connection: ServerConnection, payload: str | bytes) -> None:
        if isinstance(payload, bytes):
            await connection.close(1003, "binary")
            return
        frame: Json = json.loads(payload)
        self.heard.append(frame)
        match frame["event"]:
            case "heartbeat":
                await _reply(connection, frame, {})
            case "message:send":
                await self._store(connection, frame)
            case "be silent":
                pass
            case "reply twice":
                await _reply(connection, frame, 1)
                await _reply(connection, frame, 2)
            case "send data before event":
                await _send(connection, {"data": {}, "event": "x"})
            case "send a message without version":
                await _send(connection, {"event": "message:new", "data": {}})
            case "send binary":
                await connection.send(b"123")
            case "put me out":
                await connection.close(4403, "revoked")
            case _:
                await _refuse(connection, frame, {"code": "unknown_event"})

    async def _store(self, connection: ServerConnection, frame: Json) -> None:
        content = frame["data"]["content"]
        if not content:
            await _refuse(connection, frame, {"code": "body_empty", "field": "content"})
            return
        await _reply(connection, frame, {"message": {"id": "m", **frame["data"]}, "duplicate": False})
        await self.tell_message(frame["data"]["conversationId"], content)


async def _send(connection: ServerConnection, frame: Json) -> None:
    await connection.send(json.dumps(frame))


async def _reply(connection: ServerConnection, frame: Json, data: Any) -> None:
    if "ref" in frame:
        await _send(connection, {"event": "reply", "ref": frame["ref"], "ok": True, "data": data})


async def _refuse(connection: ServerConnection, frame: Json, error: Json) -> None:
    error = {**error, "message": "No.", "retryable": False}
    if "ref" in frame:
        await _send(connection, {"event": "reply", "ref": frame["ref"], "ok": False, "error": error})
    else:
        await _send(connection, {"event": "error", "data": error})
