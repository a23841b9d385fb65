"""Who is let in: by which page, with which credential, and how long one may take to show it."""

import time
from collections.abc import Callable

import pytest

from tests.support.people import Person, sign_token
from tests.support.sockets import Auth, SocketClient
from tests.wire import raw
from tests.wire.table import ALLOWED_ORIGIN

AUTH_SECONDS = 5
WITH_A_TOKEN: list[Auth] = ["header", "frame"]
EVERY_WAY: list[Auth] = [*WITH_A_TOKEN, "ticket"]
ORIGIN_HOST = ALLOWED_ORIGIN.removeprefix("https://")

# {port} is the server's; it was asked for at 127.0.0.1.
WELCOME_PAGES = {
    "the service's own": "http://127.0.0.1:{port}",
    "the marketplace's": ALLOWED_ORIGIN,
    "the marketplace's with its port": f"{ALLOWED_ORIGIN}:443",
}
FOREIGN_PAGES = {
    "another site": "https://evil.example",
    "a name that begins like ours": f"{ALLOWED_ORIGIN}.evil.example",
    "a name that ends like ours": f"https://evil{ORIGIN_HOST}",
    "a name below ours": f"https://shop.{ORIGIN_HOST}",
    "a name above ours": "https://example",
    "our name as the user": f"{ALLOWED_ORIGIN}@evil.example",
    "http for https": f"http://{ORIGIN_HOST}",
    "https for http": "https://127.0.0.1:{port}",
    "a socket's scheme": f"wss://{ORIGIN_HOST}",
    "another port of the marketplace": f"{ALLOWED_ORIGIN}:8443",
    "another port of the service": "http://127.0.0.1:1",
    "the service without its port": "http://127.0.0.1",
    "another name of the service": "http://localhost:{port}",
    "null": "null",
    "a file": "file://",
    "an extension": "chrome-extension://abcdefghijklmnop",
    "two pages": f"{ALLOWED_ORIGIN} {ALLOWED_ORIGIN}",
    "two pages with a comma": f"{ALLOWED_ORIGIN}, https://evil.example",
}
MALFORMED_PAGES = {
    "nothing": "",
    "a word": "market",
    "a name alone": ORIGIN_HOST,
    "no scheme": f"//{ORIGIN_HOST}",
    "no name": "https://",
    "no name but a port": "https://:443",
    "half an IPv6 address": "http://[::1",
    "no IPv6 address": "http://[market]",
    "a port beyond all ports": f"{ALLOWED_ORIGIN}:99999",
    "a port below all ports": f"{ALLOWED_ORIGIN}:-1",
    "a port in letters": f"{ALLOWED_ORIGIN}:https",
    "a path": f"{ALLOWED_ORIGIN}/chat",
    "a query": f"{ALLOWED_ORIGIN}?a=b",
    "the beginning of a query": f"{ALLOWED_ORIGIN}?",
    "a fragment": f"{ALLOWED_ORIGIN}#top",
    "the beginning of a fragment": f"{ALLOWED_ORIGIN}#",
    "a user": f"https://user@{ORIGIN_HOST}",
    "a user without a name": f"https://@{ORIGIN_HOST}",
    "port zero": f"{ALLOWED_ORIGIN}:0",
    "a port without a number": f"{ALLOWED_ORIGIN}:",
    "a script": "javascript:alert(1)",
    "a carrot": "https://🥕".encode().decode("latin-1"),
    "10,000 letters": "https://" + "x" * 5_000,
}

BAD_TOKENS: dict[str, Callable[[Person], str]] = {
    "nothing": lambda alice: "",
    "a word": lambda alice: "carrots",
    "dots": lambda alice: "..",
    "three words": lambda alice: "a.b.c",
    "of another secret": lambda alice: sign_token(alice.id, secret="another secret of the right length"),
    "of yesterday": lambda alice: sign_token(alice.id, lifetime=-86_400),
    "half of one": lambda alice: alice.token[: len(alice.token) // 2],
    "without its signature": lambda alice: alice.token.rpartition(".")[0] + ".",
    "with another's name": lambda alice: ".".join(
        [alice.token.split(".")[0], sign_token("mallory").split(".")[1], alice.token.split(".")[2]]
    ),
    "8,000 letters": lambda alice: "x" * 8_000,
}


@pytest.mark.parametrize("page", WELCOME_PAGES)
async def test_a_page_of_ours_may_connect(page: str, alice: Person) -> None:
    origin = WELCOME_PAGES[page].format(port=alice.server.port)
    for auth in EVERY_WAY:
        async with alice.connect(origin=origin, auth=auth) as socket:
            assert socket.welcome["user"]["id"] == alice.id


@pytest.mark.parametrize("page", FOREIGN_PAGES | MALFORMED_PAGES)
async def test_a_foreign_or_malformed_page_is_refused_before_the_upgrade(page: str, alice: Person) -> None:
    """Whatever it shows, and though it shows something good."""
    origin = (FOREIGN_PAGES | MALFORMED_PAGES)[page].format(port=alice.server.port)
    for auth in EVERY_WAY:
        await alice.connect(origin=origin, auth=auth).expect_refusal(403)


async def test_a_page_is_not_ours_because_it_says_so_twice(alice: Person) -> None:
    """DNS that points a foreign name here makes the foreign page's own Host foreign too."""
    lines = ["Origin: http://evil.example", f"Authorization: Bearer {alice.token}"]
    async with raw.connection_to(alice.server) as connection:
        request = raw.handshake(alice.server, *lines)
        await connection.send(request.replace(f"Host: 127.0.0.1:{alice.server.port}".encode(), b"Host: evil.example"))
        assert await connection.status() == 403


async def test_who_is_no_browser_has_no_origin(alice: Person) -> None:
    for auth in EVERY_WAY:
        async with alice.connect(auth=auth) as socket:
            assert socket.welcome["user"]["id"] == alice.id


async def test_there_is_no_socket_elsewhere(alice: Person) -> None:
    for path in ("", "ws/", "ws/chat", "ws/chat/x/", "ws//chat/", "api/me/", "ws/chat/%00"):
        url = f"ws://127.0.0.1:{alice.server.port}/{path}"
        await SocketClient(url, name=alice.name, token=alice.token).expect_refusal(403)


# Tokens


@pytest.mark.parametrize("what", BAD_TOKENS)
async def test_a_bad_token_is_let_in_to_be_told_so(what: str, alice: Person) -> None:
    token = BAD_TOKENS[what](alice)
    for auth in WITH_A_TOKEN:
        async with alice.connect(token=token, auth=auth, welcome=False) as socket:
            await socket.expect_close(4401)
            assert socket.frames == []
    url = f"{alice.server.ws_url}?ticket={token}"
    async with SocketClient(url, auth=None, welcome=False) as socket:
        if token:  # else it is no ticket, and there may still be a first frame
            await socket.expect_close(4401)


@pytest.mark.parametrize("name", ["token", "access_token", "a=b&token"])
async def test_a_token_in_the_address_is_refused(name: str, alice: Person) -> None:
    """Also beside a good one at its place: the address has been seen by every log on the way."""
    auths: list[Auth | None] = [None, "header"]
    for auth in auths:
        url = f"{alice.server.ws_url}?{name}={alice.token}"
        async with SocketClient(url, token=alice.token, auth=auth, welcome=False) as socket:
            await socket.expect_close(4401)
            assert socket.frames == []


@pytest.mark.parametrize(
    "query", ["?", "?a=b", "?ticket", "?ticket=", "?%", "?%ff", "?%00=%00", "?" + "a" * 5_000, "?" + "a=b&" * 1_500]
)
async def test_an_address_with_anything_else_is_good(query: str, alice: Person) -> None:
    for auth in WITH_A_TOKEN:
        async with SocketClient(alice.server.ws_url + query, token=alice.token, auth=auth) as socket:
            assert socket.welcome["user"]["id"] == alice.id


@pytest.mark.parametrize(
    "frame",
    ["", "hello", "[]", '{"event": "heartbeat", "ref": "1"}', '{"event": "auth"}', '{"event": "auth", "data": {}}',
     '{"event": "join:conversation", "data": "x"}', '{"event": "AUTH", "data": {"token": "{token}"}}',
     '{"event": "auth", "data": "{token}"}', '{"event": "auth", "data": ["{token}"]}', "[" * 60_000],
)  # fmt: skip
async def test_what_comes_first_is_auth(frame: str, alice: Person) -> None:
    async with alice.connect(auth=None, welcome=False) as socket:
        await socket.send_raw(frame.replace("{token}", alice.token))
        await socket.expect_close(4401)
        assert socket.frames == []


async def test_before_auth_frames_have_the_same_limits(alice: Person) -> None:
    async with alice.connect(auth=None, welcome=False) as socket:
        await socket.send_raw(b"{}")
        await socket.expect_close(1003)
    async with alice.connect(auth=None, welcome=False) as socket:
        await socket.send_raw("x" * 65_537)
        await socket.expect_close(1009)


async def test_a_first_frame_with_a_ref_is_answered_like_every_other(alice: Person) -> None:
    async with alice.connect(auth=None, welcome=False) as socket:
        await socket.send("auth", {"token": alice.token}, ref="first")
        await socket.expect("welcome")
        assert (await socket.reply("first"))["ok"] is True


async def test_commands_sent_behind_the_auth_are_carried_out_after_it(alice: Person) -> None:
    async with alice.connect(auth=None, welcome=False) as socket:
        await socket.send("auth", {"token": alice.token})
        await socket.send("heartbeat", ref="second")
        assert (await socket.reply("second"))["ok"] is True
        assert [frame.event for frame in socket.frames] == ["welcome", "reply"]


async def test_who_does_not_say_who_they_are_is_closed_after_five_seconds(alice: Person) -> None:
    """Neither a silent one, nor one who pings, nor one who never ends the frame gets longer."""
    started = time.monotonic()
    async with (
        alice.connect(auth=None, welcome=False) as silent,
        raw.connection_to(alice.server) as pinging,
        raw.connection_to(alice.server) as beginning,
    ):
        for connection in (pinging, beginning):
            await connection.send(raw.handshake(alice.server))
            assert await connection.status() == 101
        await pinging.send(*[raw.frame(b"hello?", opcode=raw.PING)] * 10)
        await beginning.send(raw.frame(b'{"event": "auth", ', fin=False))
        await silent.expect_close(4401, within=AUTH_SECONDS + 3)
        assert time.monotonic() - started > AUTH_SECONDS - 0.5
        assert await pinging.close_code() == 4401
        assert await beginning.close_code() == 4401
        assert time.monotonic() - started < AUTH_SECONDS + 3


# Tickets


async def test_a_ticket_is_good_once(alice: Person) -> None:
    url = f"{alice.server.ws_url}?ticket={alice.post('/api/ws-ticket/')['ticket']}"
    async with SocketClient(url, auth=None) as socket:
        assert socket.welcome["user"]["id"] == alice.id
        for _ in range(2):
            async with SocketClient(url, auth=None, welcome=False) as again:
                await again.expect_close(4401)
                assert again.frames == []
        await socket.ask("heartbeat")


async def test_a_ticket_is_only_for_sockets(alice: Person) -> None:
    ticket = alice.post("/api/ws-ticket/")["ticket"]
    for scheme in ("Bearer", "Ticket"):
        alice.refused("GET", "/api/me/", headers={"Authorization": f"{scheme} {ticket}"}, code="token_invalid")
    for auth in WITH_A_TOKEN:
        async with alice.connect(token=ticket, auth=auth, welcome=False) as socket:
            await socket.expect_close(4401)
    async with SocketClient(f"{alice.server.ws_url}?ticket={ticket}", auth=None) as socket:
        assert socket.welcome["user"]["id"] == alice.id


async def test_a_refused_page_does_not_use_the_ticket_up(alice: Person) -> None:
    ticket = alice.post("/api/ws-ticket/")["ticket"]
    url = f"{alice.server.ws_url}?ticket={ticket}"
    await SocketClient(url, auth=None, origin="https://evil.example").expect_refusal(403)
    async with SocketClient(url, auth=None) as socket:
        assert socket.welcome["user"]["id"] == alice.id


# The log


async def test_the_log_holds_neither_tokens_nor_tickets(alice: Person) -> None:
    """However they came, and whatever came of it."""
    bad = BAD_TOKENS["of yesterday"](alice)
    tickets = [alice.post("/api/ws-ticket/")["ticket"] for _ in range(3)]
    used, refused, twice = (f"{alice.server.ws_url}?ticket={ticket}" for ticket in tickets)
    async with SocketClient(used, auth=None), alice.connect(), alice.connect(auth="frame") as socket:
        await socket.ask("auth", {"token": alice.token})
        await socket.ask_refused("auth", {"token": bad}, code="token_invalid")
        await socket.send_raw(f'{{"event": "auth", "data": {{"token": "{alice.token}')
    await SocketClient(refused, auth=None, origin="https://evil.example").expect_refusal(403)
    await SocketClient(twice.replace("/ws/chat/", "/ws/elsewhere/"), auth=None).expect_refusal(403)
    for name, secret in (("ticket", tickets[0]), ("token", alice.token), ("jwt", alice.token), ("token", bad)):
        async with SocketClient(f"{alice.server.ws_url}?{name}={secret}", auth=None, welcome=False) as socket:
            if name != "jwt":
                await socket.expect_close(4401)
    alice.http.get(f"/api/me/?token={alice.token}")
    alice.http.get(f"/api/{alice.token}/", headers={"Referer": f"https://a/?token={alice.token}"})
    alice.http.post("/api/token/refresh/", json={"refresh": alice.token})
    alice.http.post("/api/conversations/", content=f'{{"userId": "{alice.token}')

    log = alice.server.log
    assert "/ws/chat/" in log, "it does log handshakes"
    secrets = [*tickets, *alice.token.split(".")[1:], *bad.split(".")[1:]]  # all tokens have the same first part
    assert [secret for secret in secrets if secret in log] == []
