"""The servers themselves: what `serve` and `runserver` serve, refuse and write into their logs."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.people import Person, sign_token
from tests.support.servers import ROOT, ChatServer
from tests.support.sockets import SocketClient

# Long intervals, shortened
QUICK = {"CHAT_HEARTBEAT_SECONDS": "1", "CHAT_SILENCE_SECONDS": "2.5", "CHAT_AUTH_SECONDS": "1", "LOG_LEVEL": "DEBUG"}


class DevelopmentServer(ChatServer):
    """manage.py runserver, which is daphne."""

    def command(self) -> list[str | Path]:
        return [sys.executable, "manage.py", "runserver", "--noreload", str(self.port)]


@pytest.fixture(scope="module")
def quick_server() -> Iterator[ChatServer]:
    with ChatServer(env=QUICK) as server:
        yield server


@pytest.fixture(scope="module")
def development_server() -> Iterator[ChatServer]:
    with DevelopmentServer(env={"DEBUG": "1"}) as server:
        yield server


PAGES = ["/static/admin/css/base.css", "/admin/login/", "/sign-in/", "/healthz", "/readyz"]


@pytest.mark.parametrize("page", PAGES)
def test_serve_serves_pages_admin_and_static_files(quick_server: ChatServer, page: str) -> None:
    assert httpx.get(quick_server.base_url + page, follow_redirects=True).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_runserver_serves_the_same(development_server: ChatServer, page: str) -> None:
    assert httpx.get(development_server.base_url + page, follow_redirects=True).status_code == 200


async def test_runserver_carries_a_talk(development_server: ChatServer) -> None:
    alice, bob = Person("alice", development_server), Person("bob", development_server)
    where = alice.talks_to(bob)["id"]
    async with alice.connect() as a, bob.connect(auth="ticket") as b:
        sent = await a.say(where, "hello")
        await b.expect("message:new", id=sent["id"])
        bob.post(f"/api/conversations/{where}/messages/", {"content": "by REST"})
        await a.expect("message:new", content="by REST")
        await a.send_raw("no JSON")
        await a.expect_error("bad_json")


def test_the_browsable_api_answers_a_browser_and_json_everything_else(quick_server: ChatServer) -> None:
    alice = Person("alice", quick_server)
    browser = alice.http.get("/api/conversations/", headers={"Accept": "text/html,application/xhtml+xml"})
    assert browser.headers["content-type"].startswith("text/html")
    assert "Conversation" in browser.text
    assert alice.http.get("/api/conversations/").json() == {"results": [], "next": None}


async def test_heartbeats_come_and_silence_ends_the_socket(quick_server: ChatServer) -> None:
    alice = Person("alice", quick_server)
    async with alice.connect() as lively, alice.connect(heartbeat=False) as silent:
        assert lively.welcome["heartbeatInterval"] == 1
        await silent.expect("heartbeat")
        await silent.expect_close(4408)
        await lively.ask("heartbeat")


async def test_a_token_that_runs_out_ends_the_socket_unless_it_is_renewed(quick_server: ChatServer) -> None:
    alice = Person("alice", quick_server)
    short = sign_token(alice.id, lifetime=3)
    async with alice.connect(token=short) as renewed, alice.connect(token=short) as left:
        await left.expect("session:expiring")
        await renewed.expect("session:expiring")
        assert (await renewed.ask("auth", {"token": alice.token}))["expiresAt"]
        await left.expect_close(4401)
        await renewed.ask("heartbeat")
    mallory = Person("mallory", quick_server)
    async with alice.connect() as socket:
        await socket.send("auth", {"token": mallory.token})
        await socket.expect_close(4403)


async def test_neither_tokens_nor_tickets_reach_the_log(quick_server: ChatServer) -> None:
    alice = Person("alice", quick_server)
    ticket = alice.post("/api/ws-ticket/")["ticket"]
    by_ticket = SocketClient(f"{quick_server.ws_url}?ticket={ticket}", auth=None)
    async with by_ticket:
        await by_ticket.ask("heartbeat")
    async with SocketClient(f"{quick_server.ws_url}?token={alice.token}", auth=None, welcome=False) as refused:
        await refused.expect_close(4401)
    httpx.get(f"{quick_server.base_url}/api/me/?token={alice.token}")
    assert "/ws/chat/" in quick_server.log, "it does log handshakes"
    assert ticket not in quick_server.log
    assert alice.token not in quick_server.log


def test_several_workers_need_redis(quick_server: ChatServer) -> None:
    command = [sys.executable, "manage.py", "serve", "--workers", "2"]
    ran = subprocess.run(command, cwd=ROOT, env=quick_server.environment(), capture_output=True, text=True)
    assert ran.returncode == 1
    assert "REDIS_URL" in ran.stderr


async def test_two_workers_are_two_servers(server_pair: tuple[ChatServer, ChatServer]) -> None:
    first = server_pair[0]
    with ChatServer(database_url=first.database_url, redis_url=first.redis_url, workers=2) as server:
        alice, bob = Person("alice", server), Person("bob", server)
        where = alice.talks_to(bob)["id"]
        async with AsyncExitStack() as stack:
            # The kernel spreads connections over the workers; eight of them hardly all land at one.
            readers = [await stack.enter_async_context(bob.connect()) for _ in range(8)]
            writer = await stack.enter_async_context(alice.connect())
            sent = await writer.say(where, "to everybody")
            for reader in readers:
                await reader.expect("message:new", id=sent["id"])


def test_production_refuses_weak_settings(quick_server: ChatServer) -> None:
    strong = {
        name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "AUTH_SECRET", "SERVER_KEY")
    }
    production = {**quick_server.environment(), **strong, "PUBLIC_URL": "https://chat.example.org", "ALLOWED_HOSTS": ""}
    for changed, named in [
        ({}, ""),
        ({"DEBUG": "1"}, "DEBUG"),
        ({"AUTH_SECRET": "short"}, "AUTH_SECRET"),
        ({"SERVER_KEY": strong["SECRET_KEY"]}, "differ"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"PUBLIC_URL": "chat.example.org"}, "PUBLIC_URL"),
        ({"CHAT_RATE_MESSAGE_SEND": "lots"}, "CHAT_RATE_MESSAGE_SEND"),
    ]:
        command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
        ran = subprocess.run(command, cwd=ROOT, env={**production, **changed}, capture_output=True, text=True)
        assert (ran.returncode == 0) is (not changed), (changed, ran.stderr[-2000:])
        assert named in ran.stderr


@pytest.mark.parametrize("page", ["/healthz", "/readyz"])
def test_a_balancer_asks_for_health_by_address_and_without_tls(page: str) -> None:
    keys = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "AUTH_SECRET", "SERVER_KEY")}
    production = {**keys, "PUBLIC_URL": "https://chat.example.org", "ALLOWED_HOSTS": ""}
    with ChatServer(env=production) as server:
        answer = httpx.get(server.base_url + page, headers={"Host": "10.1.2.3:8000"})
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        assert "no-store" in answer.headers["Cache-Control"]
        assert httpx.get(f"{server.base_url}/api/", headers={"Host": "10.1.2.3:8000"}).status_code in (301, 400)
