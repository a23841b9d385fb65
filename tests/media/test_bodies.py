"""Bodies of requests: counted, with an end to the patience, and only so many uploads at once."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from localroots_chat import http_threads
from localroots_chat.errors import ChatError
from localroots_chat.http_threads import OneHopHandler, _Uploads
from tests.support.people import Person
from tests.support.servers import ChatServer

UPLOAD = {"type": "http", "method": "POST", "path": "/api/attachments/", "headers": [(b"authorization", b"Bearer x")]}


class Client:
    """A client that has sent these pieces, and then says nothing, or goes; and what it is answered."""

    def __init__(self, *pieces: bytes, goes: bool = False) -> None:
        self._pieces, self._goes = list(pieces), goes
        self.answer: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self._pieces:
            return {"type": "http.request", "body": self._pieces.pop(0), "more_body": True}
        if not self._goes:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.answer.append(message)


def open_files() -> int:
    return sum("(deleted)" in str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())


@pytest.mark.parametrize("goes", [True, False])
async def test_a_body_that_does_not_come_is_not_waited_for(goes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_threads, "_SILENT_SECONDS", 0.05)
    handler, before = OneHopHandler(), open_files()
    client = Client(b"x" * 100_000, b"x" * 100_000, goes=goes)
    await asyncio.wait_for(handler(UPLOAD, client.receive, client.send), 10)
    assert client.answer == []
    assert handler._uploads._of.total() == 0
    assert open_files() == before


async def test_a_body_that_comes_for_ever_is_not_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_threads, "_UPLOAD_SECONDS", 0.1)

    async def drips() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    client = Client()
    await asyncio.wait_for(OneHopHandler()(UPLOAD, drips, client.send), 10)
    assert client.answer == []


async def test_who_brings_nothing_is_refused_before_anything_is_read(embedded_server: ChatServer) -> None:
    client = Client(goes=False)
    await asyncio.wait_for(OneHopHandler()({**UPLOAD, "headers": []}, client.receive, client.send), 10)
    assert client.answer[0]["status"] == 401
    answer = httpx.post(f"{embedded_server.base_url}/api/attachments/", content=b"x", trust_env=False)
    assert answer.json()["error"]["code"] == "token_invalid"


def test_only_so_many_are_under_way() -> None:
    uploads = _Uploads()

    def begin(who: str, header: bytes = b"authorization") -> bytes:
        return uploads.begin({"headers": [(header, who.encode())]})

    for _ in range(10):
        begin("alice")
    with pytest.raises(ChatError) as error:
        begin("alice")
    assert (error.value.code, error.value.retry_after) == ("rate_limited", 2)
    others = [begin(f"person-{number}", b"cookie") for number in range(40)]
    with pytest.raises(ChatError) as error:
        begin("bob")
    assert (error.value.code, error.value.shape.retryable) == ("overloaded", True)
    uploads.end(others[0])
    begin("bob")


def test_more_than_may_come_is_refused_and_the_client_hears_it(
    embedded_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    alice = new_person("alice", embedded_server)
    headers = {"Content-Type": "application/json"}
    for path, size in (("/api/conversations/", 1_100_000), ("/api/attachments/", 10_600_000)):
        alice.refused("POST", path, code="file_too_large", content=b"x" * size, headers=headers)
    assert alice.http.post("/admin/login/", content=b"x" * 1_100_000).status_code == 413
    alice.arrives()


def form(name: bytes, content: bytes = b"hello") -> bytes:
    """A form with one file, its name as no client library would write it."""
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n'
    return head + content + b"\r\n--edge--\r\n"


def says(server: ChatServer, person: Person, body: bytes, *, length: int) -> bytes:
    """What the server answers to these bytes behind a Content-Length that may lie. Then the connection ends."""
    request = (
        f"POST /api/attachments/ HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {person.token}\r\n"
        f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {length}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(request.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return answer


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a\0b.txt", "ab.txt"),
        (b"a\r\n b.txt", '"a.txt'),
        (b"..\\..\\boot.ini", "boot.txt"),
        ("\u202etxt.exe".encode(), "txt.txt"),
        (b"x" * 300, "x" * 116 + ".txt"),
    ],
)
def test_names_as_no_browser_writes_them(
    name: bytes, shown: str, embedded_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    sent = new_person("alice", embedded_server).post(
        "/api/attachments/", content=form(name), headers=headers, status=201
    )
    assert sent["name"] == shown


def test_a_length_that_lies(embedded_server: ChatServer, new_person: Callable[..., Person]) -> None:
    alice, body = new_person("alice", embedded_server), form(b"a.txt")
    media = Path(embedded_server.environment()["MEDIA_ROOT"])
    before = {*media.rglob("*")}
    assert says(embedded_server, alice, body, length=len(body) + 1000) == b"", "cut off: nobody is there to be answered"
    for length in (10, 10**12):
        assert b" 201 " not in says(embedded_server, alice, body, length=length)
    assert {*media.rglob("*")} == before
    alice.arrives()
