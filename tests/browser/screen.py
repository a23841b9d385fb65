"""What one person sees and does on the page, in a Chromium window of their own, and the cast of a test.

Bob is a customer and looks for Alice, a farmer; Carol is there for what happens elsewhere. What a screen shows is
waited for, never slept for.
"""

import uuid
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.support.servers import ChatServer

PASSWORD = "green-beans-and-rye"

# Hashed once: a good hash is slow on purpose.
_CREATE = """
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
password = make_password({password!r})
people = get_user_model().objects
for mark in {marks!r}:
    for name, role in [("alice", "FARMER"), ("bob", "CUSTOMER"), ("carol", "FARMER")]:
        people.create(username=f"{{name}}-{{mark}}", name=f"{{name.title()}} {{mark}}", role=role, password=password)
"""

# As the page's own requests are made.
_FETCH = """
async ([method, address, body]) => {
  const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
  const headers = {"Content-Type": "application/json", "X-CSRFToken": token, Accept: "application/json"};
  const answer = await fetch(address, {method, headers, body: body && JSON.stringify(body)});
  return answer.status === 204 ? null : await answer.json();
}"""

_TOO_WIDE = """
() => [...document.querySelectorAll("html, .sidebar, .conversations, .results, .thread, .messages")]
  .filter((each) => each.scrollWidth > each.clientWidth || each.getBoundingClientRect().right > innerWidth)
  .map((each) => [each.className || each.tagName, each.scrollWidth, each.clientWidth])"""


class Screen:
    """What one person sees and does."""

    def __init__(self, page: Page, server: ChatServer, username: str, name: str) -> None:
        self.page = page
        self.server = server
        self.base_url = server.base_url
        self.username = username
        self.name = name
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", lambda dialog: self.troubles.append(f"a dialog: {dialog.message}"))

    # Parts of the page

    @property
    def box(self) -> Locator:
        return self.page.get_by_label("Write a message")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    def line_of(self, other: "Screen") -> Locator:
        """The other's line in the list of conversations."""
        return self.page.get_by_role("navigation").get_by_role("link").filter(has_text=other.name)

    @property
    def lines(self) -> Locator:
        """The list of conversations, as far as it is drawn."""
        return self.page.get_by_role("navigation", name="Your conversations").get_by_role("link")

    @property
    def names(self) -> Locator:
        """Whom its conversations are with, from top to bottom."""
        return self.lines.locator(".conversation-name")

    @property
    def search(self) -> Locator:
        return self.page.get_by_label("Search people, communities and messages")

    @property
    def found(self) -> Locator:
        """What a search has found."""
        return self.page.get_by_role("region", name="Search results")

    @property
    def connection(self) -> Locator:
        """What is said of the connection, if anything."""
        return self.page.locator(".status-line")

    @property
    def waiting(self) -> Locator:
        """One's own messages in the open conversation that are on their way."""
        return self.log.locator(".message.pending")

    def heading(self, name: str) -> Locator:
        """Above the open conversation."""
        return self.page.get_by_role("heading", name=name, exact=True)

    def badge_of(self, other: "Screen") -> Locator:
        return self.line_of(other).locator(".badge")

    @property
    def notice(self) -> Locator:
        """What the page says about what was just done."""
        return self.page.locator(".notice")

    def dialog(self, title: str) -> Locator:
        return self.page.get_by_role("dialog", name=title, exact=True)

    def message(self, text: str) -> Locator:
        return self.log.locator(".message").filter(has_text=text)

    def reaction(self, text: str, emoji: str) -> Locator:
        """Below the message with that text."""
        return self.message(text).locator(".reaction").filter(has_text=emoji)

    def seen_below(self, text: str) -> Locator:
        """The mark below one's own message that it was read."""
        return self.log.locator(".message").filter(has_text=text).locator("+ .seen")

    # What people do

    async def signs_in(self, password: str = PASSWORD) -> None:
        await self.page.goto(self.base_url)
        await self.page.get_by_label("User name").fill(self.username)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in", exact=True).click()

    async def begins_to_talk_with(self, other: "Screen") -> None:
        await self.page.get_by_role("button", name="New conversation").click()
        await self.page.get_by_label("Who would you like to talk to?").fill(other.name)
        await self.page.get_by_role("dialog").get_by_role("button", name=other.name).click()
        await expect(self.page.get_by_role("heading", name=other.name)).to_be_visible()

    async def opens(self, other: "Screen") -> None:
        await self.line_of(other).click()
        await expect(self.page.get_by_role("heading", name=other.name)).to_be_visible()

    async def chooses(self, choice: str) -> None:
        """From the menu of the open conversation."""
        await self.page.get_by_role("button", name="About this conversation").click()
        menu = self.page.get_by_role("dialog", name="Conversation", exact=True)
        await menu.get_by_role("button", name=choice, exact=True).click()

    async def opens_menu_of(self, text: str) -> Locator:
        """Of the message with that text."""
        await self.message(text).hover()
        await self.message(text).get_by_role("button", name="More").click()
        return self.dialog("Message")

    async def chooses_for(self, text: str, choice: str) -> None:
        """From the menu of the message with that text."""
        menu = await self.opens_menu_of(text)
        await menu.get_by_role("button", name=choice, exact=True).click()

    async def opens_another_window(self) -> "Screen":
        """Of the same browser, on the same address."""
        window = Screen(await self.page.context.new_page(), self.server, self.username, self.name)
        window.base_url = self.base_url
        await window.page.goto(self.page.url)
        return window

    async def asks(self, method: str, path: str, body: object = None) -> Any:
        """REST, for what the page has no button for."""
        return await self.page.evaluate(_FETCH, [method, f"/api/{path}", body])

    async def id_of(self, other: "Screen") -> str:
        found: str = (await self.asks("GET", f"users/?search={other.name}"))["results"][0]["id"]
        return found

    async def writes(self, text: str) -> None:
        await self.box.fill(text)
        await self.box.press("Enter")

    async def sees(self, *texts: str, within: float = 10_000) -> None:
        """These are the messages of the open conversation, in this order, and none is on its way."""
        delivered = self.log.locator(".message:not(.pending, .failed) .content")
        await expect(delivered).to_have_text(texts, timeout=within)

    async def sees_delivered(self, text: str, within: float = 10_000) -> None:
        """This message of one's own is there, and the server has it."""
        delivered = self.log.locator(".message.own:not(.pending, .failed)").filter(has_text=text)
        await expect(delivered).to_be_visible(timeout=within)

    async def expect_no_sideways_scrolling(self) -> None:
        """Neither of the page nor of a part of it."""
        wide = await self.page.evaluate(_TOO_WIDE)
        assert not wide, wide


Cast = tuple[Screen, Screen, Screen]


def create_casts(server: ChatServer, count: int) -> list[str]:
    """That many times an Alice, a Bob and a Carol; returns the marks that tell them apart."""
    marks = [uuid.uuid4().hex[:8] for _ in range(count)]
    server.manage("shell", "--no-imports", "-c", _CREATE.format(marks=marks, password=PASSWORD))
    return marks


async def cast_of(server: ChatServer, mark: str, browser: Browser) -> Cast:
    """Alice, Bob and Carol with a window each, none of them signed in yet."""
    alice, bob, carol = [
        Screen(await (await browser.new_context()).new_page(), server, f"{name}-{mark}", f"{name.title()} {mark}")
        for name in ("alice", "bob", "carol")
    ]
    return alice, bob, carol


async def talk(alice: Screen, bob: Screen) -> None:
    """Both are signed in, and each has the conversation with the other open."""
    await alice.signs_in()
    await bob.signs_in()
    await bob.begins_to_talk_with(alice)
    await bob.writes("Good morning")
    await alice.opens(bob)
    await alice.sees("Good morning")
