"""Talking over a line that breaks, and over one that is slow: nothing is lost, and nothing is there twice."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.rows import give_history, give_neighbours
from tests.browser.screen import Cast, Screen, cast_of, create_casts, talk
from tests.support.proxy import Direction, Proxy
from tests.support.servers import ChatServer

AFTER_A_RESTART = 40_000  # milliseconds: the longest pause between two attempts to reconnect, and some more
SOON = 10_000  # milliseconds
SLOW_LINE = 4000  # bytes a second, of each connection in each direction: 32 kbit/s
LONG_WAY = 0.3  # seconds in each direction
FIRST_LOAD = 90_000  # milliseconds, over that line

_log = logging.getLogger(__name__)


class CollectedServer(ChatServer):
    """As the image runs it, behind what compresses its answers."""

    def environment(self) -> dict[str, str]:
        collected = {"DJANGO_SETTINGS_MODULE": "tests.browser.settings", "COLLECTED": str(self.home / "static")}
        return {**super().environment(), **collected}

    def prepare(self) -> None:
        super().prepare()
        self.manage("collectstatic", "--noinput", "--verbosity=0")


@pytest.fixture(scope="module")
def fragile_session_server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture(scope="module")
def fragile_marks(fragile_session_server: ChatServer) -> list[str]:
    return create_casts(fragile_session_server, count=8)


@pytest_asyncio.fixture
async def fragile_cast(
    fragile_session_server: ChatServer, fragile_marks: list[str], browser: Browser
) -> AsyncIterator[Cast]:
    """Of a server that a test may kill."""
    screens = await cast_of(fragile_session_server, fragile_marks.pop(), browser)
    yield screens
    assert not [trouble for screen in screens for trouble in screen.troubles]
    if not fragile_session_server.running:
        await asyncio.to_thread(fragile_session_server.start)


@pytest.fixture
def line(embedded_server: ChatServer) -> Iterator[Proxy]:
    with Proxy(embedded_server.port) as proxy:
        yield proxy


def by_way_of(line: Proxy, person: Screen) -> Screen:
    person.base_url = line.url_of(person.base_url)
    return person


async def agree(screens: list[Screen], *texts: str) -> None:
    """They see these, also after a reload: so it is what the server has."""
    for screen in screens:
        await screen.sees(*texts, within=AFTER_A_RESTART)
        await expect(screen.waiting).to_have_count(0)
    for screen in screens:
        await screen.page.reload()
        await screen.sees(*texts, within=AFTER_A_RESTART)
        await expect(screen.waiting).to_have_count(0)


async def keep_from_connecting(page: Page) -> None:
    """The page itself may be loaded, and all that REST answers."""
    await page.route("**/api/ws-ticket/", lambda route: route.abort())


async def let_connect(page: Page) -> None:
    await page.unroute("**/api/ws-ticket/")
    await page.evaluate("dispatchEvent(new Event('online'))")  # as the browser says it: there is no use in waiting


async def test_what_is_being_sent_when_the_power_goes_arrives_once(fragile_cast: Cast) -> None:
    alice, bob, _ = fragile_cast
    await talk(alice, bob)
    texts = [f"Line {number}" for number in range(1, 7)]
    for text in texts[:4]:
        await bob.writes(text)
    await asyncio.to_thread(bob.server.kill)
    for text in texts[4:]:
        await bob.writes(text)
    await expect(bob.connection).to_contain_text("Connection lost")
    await asyncio.to_thread(bob.server.start)
    await agree([alice, bob], "Good morning", *texts)


@pytest.mark.parametrize("how", ["reloaded", "closed and opened again"])
async def test_unsent_messages_outlive_the_page(fragile_cast: Cast, how: str) -> None:
    alice, bob, _ = fragile_cast
    await talk(alice, bob)
    await asyncio.to_thread(bob.server.kill)
    await bob.writes("Written meanwhile")
    await bob.writes("And this after it")
    await expect(bob.waiting).to_have_count(2)
    await asyncio.to_thread(bob.server.start)
    if how == "reloaded":
        await keep_from_connecting(bob.page)
        await bob.page.reload()
    else:
        address = bob.page.url
        again = Screen(await bob.page.context.new_page(), bob.server, bob.username, bob.name)
        await bob.page.close()
        bob = again
        await keep_from_connecting(bob.page)
        await bob.page.goto(address)
    await bob.sees("Good morning")
    await expect(bob.waiting.locator(".content")).to_have_text(["Written meanwhile", "And this after it"])
    await expect(bob.waiting.first).to_contain_text("Will be sent when you are back")
    await expect(bob.line_of(alice)).to_contain_text("Sending: And this after it")
    await let_connect(bob.page)
    await agree([alice, bob], "Good morning", "Written meanwhile", "And this after it")
    assert not bob.troubles


async def test_without_a_network_one_goes_on_writing(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    await bob.page.context.set_offline(True)
    await expect(bob.connection).to_contain_text("You are offline. What you write will be sent when you are back.")
    for text in ("Eggs?", "Milk?", "Never mind", "Butter?"):
        await bob.writes(text)
    await expect(bob.connection).to_contain_text("Your 4 messages will be sent when you are back.")
    await expect(bob.waiting).to_have_count(4)
    await expect(bob.waiting.get_by_text("Will be sent when you are back")).to_have_count(4)
    await bob.waiting.filter(has_text="Never mind").get_by_role("button", name="Discard").click()
    await expect(bob.waiting.locator(".content")).to_have_text(["Eggs?", "Milk?", "Butter?"])
    await alice.writes("Are you there?")
    await bob.page.context.set_offline(False)
    await expect(bob.waiting).to_have_count(0)
    await expect(bob.connection).to_be_hidden()
    await agree([alice, bob], "Good morning", "Are you there?", "Eggs?", "Milk?", "Butter?")


async def test_two_windows_without_a_network_send_once(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    other = await bob.opens_another_window()
    await other.sees("Good morning")
    await bob.page.context.set_offline(True)
    written = []
    for number in range(4):
        for window, text in [(bob, f"Here {number}"), (other, f"And there {number}")]:
            await window.writes(text)
            written.append(text)
    for window in (bob, other):
        await expect(window.waiting.locator(".content")).to_have_text(written)
    await bob.page.context.set_offline(False)
    await agree([alice, bob, other], "Good morning", *written)
    assert not other.troubles


async def test_what_a_window_cannot_send_the_other_one_sends(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    other = await bob.opens_another_window()
    await other.sees("Good morning")
    await keep_from_connecting(bob.page)
    await bob.page.reload()
    await bob.sees("Good morning")
    await bob.writes("Eggs?")
    await other.sees("Good morning", "Eggs?")
    await alice.sees("Good morning", "Eggs?")
    await expect(bob.waiting).to_have_count(0)
    await let_connect(bob.page)
    await agree([alice, bob, other], "Good morning", "Eggs?")
    assert not other.troubles


async def test_a_line_that_is_cut_within_frames_loses_and_doubles_nothing(cast: Cast, line: Proxy) -> None:
    alice, bob, _ = cast
    by_way_of(line, bob)
    await talk(alice, bob)
    said = ["Good morning"]
    cuts: list[tuple[Direction, int]] = [
        ("to_server", 40), ("to_client", 30), ("to_server", 150), ("to_client", 300), ("to_client", 700),
    ]  # fmt: skip
    for number, (direction, count) in enumerate(cuts):
        line.cut_after(count, direction=direction)
        for text in (f"Line {number}", f"And line {number}"):
            await bob.writes(text)
            said.append(text)
        await alice.sees(*said, within=AFTER_A_RESTART)
        await alice.writes(f"Answer {number}")
        said.append(f"Answer {number}")
        await bob.sees(*said, within=AFTER_A_RESTART)
    await agree([alice, bob], *said)


async def test_over_a_slow_line_one_can_read_and_write(browser: Browser) -> None:
    """To see the figures: pytest --log-cli-level=INFO."""
    with CollectedServer() as server, Proxy(server.port) as line:
        (mark,) = await asyncio.to_thread(create_casts, server, 1)
        alice, bob, _ = await cast_of(server, mark, browser)
        said = [f"What I say as line {number} of many" for number in range(1, 81)]
        await asyncio.to_thread(give_neighbours, alice, 60)
        await asyncio.to_thread(give_history, alice, bob, said, read=len(said))
        by_way_of(line, alice)
        line.throttle(SLOW_LINE)
        line.delay(LONG_WAY)
        clock = Clock(line)
        await alice.signs_in()
        await expect(alice.line_of(bob)).to_be_visible(timeout=FIRST_LOAD)
        clock.says("signing in with an empty cache, until the list can be read")
        await alice.line_of(bob).click()
        newest = alice.log.get_by_text(said[-1])
        await expect(newest).to_be_in_viewport(timeout=FIRST_LOAD)
        clock.says("until the messages of a conversation can be read")
        await alice.writes("Hello Bob")
        await alice.sees_delivered("Hello Bob")
        clock.says("until what was written has arrived")

        await alice.page.reload(wait_until="commit")
        await expect(newest).to_be_in_viewport(timeout=SOON)
        clock.says("reload, until the messages can be read")
        await alice.writes("Hello again")
        await alice.sees_delivered("Hello again")
        clock.says("until what was written has arrived")

        await bob.signs_in()
        await bob.opens(alice)
        line.refuse()
        line.reset()
        await expect(alice.connection).to_contain_text("Connection lost")
        await bob.writes("Written meanwhile")
        line.accept()
        clock.starts()
        await expect(alice.log.get_by_text("Written meanwhile")).to_be_in_viewport(timeout=SOON)
        clock.says("after a loss, until what was written meanwhile can be read")
        assert not alice.troubles + bob.troubles


class Clock:
    """Notes how long things took, and what has come over the line."""

    def __init__(self, line: Proxy) -> None:
        self._line = line
        self.starts()

    def starts(self) -> None:
        self._began = time.monotonic()
        self._passed = self._line.passed("to_client")

    def says(self, what: str) -> None:
        seconds, passed = time.monotonic() - self._began, self._line.passed("to_client") - self._passed
        _log.info("%s: %.1f s, %.1f kB", what, seconds, passed / 1000)
        self.starts()
