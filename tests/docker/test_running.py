"""The containers' commands, run for real: two replicas over PostgreSQL and a Redis with a password, behind nginx."""

import httpx
import pytest

from tests.docker import files
from tests.docker.conftest import Stack
from tests.docker.native import Visitor, browser
from tests.support.sockets import SocketClient

pytestmark = pytest.mark.timeout(600)  # the first test builds the image


async def test_two_people_talk_through_nginx(up: Stack) -> None:
    alice, bob = Visitor("alice", up.nginx, role="FARMER"), Visitor("bob", up.nginx)
    where = alice.talks_to(bob)["id"]
    async with alice.connect() as a, bob.connect(auth="frame") as b:
        sent = await a.say(where, "Eggs?")
        await b.expect("message:new", id=sent["id"], content="Eggs?")
        alice.post(f"/api/conversations/{where}/messages/", {"content": "by REST"})
        await b.expect("message:new", content="by REST")
    found = bob.get(f"/api/conversations/{where}/messages/")["messages"]
    assert {message["content"] for message in found} == {"Eggs?", "by REST"}


async def test_the_replicas_tell_each_other(up: Stack) -> None:
    alice, bob = Visitor("alice", up.nginx), Visitor("bob", up.nginx)
    where = alice.talks_to(bob)["id"]
    first, second = up.replicas
    async with (
        SocketClient(first.ws_url, name="alice", token=alice.token) as a,
        SocketClient(second.ws_url, name="bob", token=bob.token) as b,
    ):
        sent = await a.say(where, "over there")
        await b.expect("message:new", id=sent["id"])
    assert up.redis.says("PING").startswith(b"-NOAUTH")


async def test_a_browser_signs_in_and_opens_a_socket(up: Stack) -> None:
    up.operator.runs(
        "chat",
        ["python", "manage.py", "createsuperuser", "--noinput", "--username=gardener"],
        DJANGO_SUPERUSER_PASSWORD="as-long-as-a-row-of-beans",
    )
    with browser(up.nginx) as page:
        assert page.get("/sign-in/").status_code == 200
        fields = {
            "username": "gardener",
            "password": "as-long-as-a-row-of-beans",
            "csrfmiddlewaretoken": page.cookies["csrftoken"],
        }
        signed_in = page.post("/sign-in/", data=fields, headers={"Origin": up.operator.address})
        assert signed_in.status_code == 302
        assert signed_in.headers["strict-transport-security"]
        assert all("Secure" in cookie for cookie in signed_in.headers.get_list("set-cookie"))
        for path in ("/", "/admin/", "/static/admin/css/base.css"):
            assert page.get(path).status_code == 200, path
        page.headers.update({"Origin": up.operator.address, "X-CSRFToken": page.cookies["csrftoken"]})
        ticket = page.post("/api/ws-ticket/").json()["ticket"]
    async with SocketClient(f"{up.nginx.ws_url}?ticket={ticket}", auth=None, origin=up.operator.address) as own:
        await own.ask("heartbeat")
    for origin in ("https://elsewhere.example.org", up.operator.address.replace("https", "http")):
        await SocketClient(up.nginx.ws_url, auth=None, origin=origin).expect_refusal(403)


def test_long_answers_are_compressed_and_known_again(up: Stack) -> None:
    alice, bob = Visitor("alice", up.nginx), Visitor("bob", up.nginx)
    where = f"/api/conversations/{alice.talks_to(bob)['id']}/messages/"
    for number in range(5):
        alice.post(where, {"content": f"{number} baskets of beans " * 20})
    answer = alice.http.get(where)
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers.get("content-length", answer.num_bytes_downloaded)) < len(answer.content) / 3
    assert alice.http.get(where, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_the_page_comes_compressed_with_files_that_are_kept(up: Stack) -> None:
    with browser(up.nginx) as page:
        page.get("/static/webclient/js/main.js").raise_for_status()  # by its own name too: for other web apps
        main = next(up.operator.image.app.glob("staticfiles/webclient/js/main.????????????.js")).name
        kept = page.get(f"/static/webclient/js/{main}")
        assert kept.headers["content-encoding"] == "gzip"
        assert "immutable" in kept.headers["cache-control"]


def test_nobody_can_claim_to_be_somewhere_else(up: Stack) -> None:
    """Ten guesses a minute are an address's: who is refused stays refused under another name."""

    def guesses(client: httpx.Client, number: int, address: str) -> int:
        fields = {"username": f"nobody-{address}-{number}", "password": "wrong"}
        headers = {"X-Forwarded-For": address, "X-Forwarded-Proto": "https", "Forwarded": f"for={address}"}
        return client.post("/api/token/", json=fields, headers=headers).status_code

    with browser(up.nginx) as outside:
        answers = [guesses(outside, number, f"203.0.113.{number}") for number in range(20)]
    assert answers[-1] == 429, answers
    # Whereas nginx, which a replica does believe, may say so.
    with httpx.Client(base_url=up.replicas[0].base_url, headers={"Host": "localhost"}, trust_env=False) as inside:
        assert guesses(inside, 0, "203.0.113.200") == 401


def test_nothing_is_served_without_tls(up: Stack) -> None:
    plain = httpx.get(
        f"http://localhost:{up.operator.http_port}/api/me/?x=1",
        headers={"X-Forwarded-Proto": "https"},
        trust_env=False,
    )
    assert (plain.status_code, plain.headers["location"]) == (308, "https://localhost/api/me/?x=1")
    # Nor by a replica that is asked as nginx would ask it after plain http.
    asked = httpx.get(f"{up.replicas[0].base_url}/sign-in/", headers={"Host": "localhost"}, trust_env=False)
    assert (asked.status_code, asked.headers["location"]) == (301, "https://localhost/sign-in/")


def test_what_is_for_the_machine_next_door_stays_there(up: Stack) -> None:
    with browser(up.nginx) as outside:
        answers = {path: outside.get(path) for path in ("/healthz", "/readyz", "/metrics", "/metrics/more")}
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/healthz": 200,
        "/readyz": 404,
        "/metrics": 404,
        "/metrics/more": 404,
    }
    assert "<center>nginx</center>" in answers["/metrics"].text, "whether the chat has such a page or not"
    assert httpx.get(f"{up.replicas[0].base_url}/readyz", headers={"Host": "localhost"}).json()["status"] == "ok"


def test_a_file_of_ten_megabytes_passes_and_a_larger_body_does_not(up: Stack) -> None:
    alice = Visitor("alice", up.nginx)
    file = {"file": ("tomatoes.jpg", bytes(10 * 1024 * 1024))}
    assert alice.http.post("/api/attachments/", files=file).status_code != 413
    assert alice.http.post("/api/attachments/", content=bytes(12 * 1024 * 1024)).status_code == 413
    assert alice.http.post("/api/conversations/", content=bytes(4 * 1024 * 1024)).status_code == 413


async def test_neither_tokens_nor_tickets_reach_the_logs(up: Stack) -> None:
    alice = Visitor("alice", up.nginx)
    ticket = alice.post("/api/ws-ticket/")["ticket"]
    async with SocketClient(f"{up.nginx.ws_url}?ticket={ticket}", auth=None) as socket:
        await socket.ask("heartbeat")
    log = up.nginx.log
    assert '"GET /ws/chat/" 101' in log or "/api/ws-ticket/" in log, "it does log"
    assert ticket not in log + up.replicas[0].log + up.replicas[1].log
    assert alice.token not in log


def test_what_was_migrated_is_all_there_is(up: Stack) -> None:
    assert "Applying conversations.0001" in up.migrated
    assert "No migrations to apply" in up.operator.runs("migrate", up.operator.services["migrate"]["command"])
    up.operator.runs("chat", ["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"])


async def test_a_replica_ends_in_order_and_the_other_goes_on(up: Stack) -> None:
    first, second = up.replicas
    grace = float(up.operator.services["chat"]["stop_grace_period"].removesuffix("s"))
    alice = Visitor("alice", up.nginx)
    async with SocketClient(first.ws_url, token=alice.token) as socket:
        assert first.is_healthy()
        first.stop(within=grace / 4)  # nobody asked anything: there is nothing to wait for
        await socket.expect_close(1012)
    assert first.exit_code == 0
    assert "Finished server process" in first.log
    assert not first.is_healthy()

    for _ in range(6):
        assert alice.get("/api/me/")["id"] == alice.id
    async with alice.connect() as socket:
        await socket.ask("heartbeat")
    assert second.is_healthy()
    first.start()
    assert first.is_healthy()


def test_the_image_says_how_long_it_may_take_to_start() -> None:
    flags = files.stages()[-1].last("HEALTHCHECK").flags
    assert set(flags) == {"interval", "timeout", "start-period", "start-interval"}
