"""The list of conversations: what it says of each, in which order, and how one gets about in it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from tests.browser.rows import give_history, give_neighbours
from tests.browser.screen import Cast, cast_of, create_casts, talk
from tests.support.screen import screened
from tests.support.servers import ChatServer

MANY = 3000
IN_THE_PAGE_MOST = 60  # lines of them


@pytest.fixture(scope="module")
def quick_server() -> Iterator[ChatServer]:
    """Whoever leaves is gone a second later, and spam is refused."""
    with ChatServer(env={**screened(), "CHAT_PRESENCE_GRACE_SECONDS": "1"}) as server:
        yield server


@pytest.fixture(scope="module")
def quick_marks(quick_server: ChatServer) -> list[str]:
    return create_casts(quick_server, count=2)


@pytest_asyncio.fixture
async def quick_cast(quick_server: ChatServer, quick_marks: list[str], browser: Browser) -> AsyncIterator[Cast]:
    screens = await cast_of(quick_server, quick_marks.pop(), browser)
    yield screens
    assert not [trouble for screen in screens for trouble in screen.troubles]


async def colour_of(element: Locator) -> str:
    found: str = await element.evaluate("(element) => getComputedStyle(element).backgroundColor")
    return found


async def test_where_something_was_said_last_is_on_top(cast: Cast) -> None:
    alice, bob, carol = cast
    await talk(alice, bob)
    await carol.signs_in()
    await carol.begins_to_talk_with(alice)
    await carol.writes("Rain tomorrow")
    await expect(alice.names).to_have_text([carol.name, bob.name])
    await bob.writes("Any eggs left?")
    await expect(alice.names).to_have_text([bob.name, carol.name])
    await alice.opens(carol)
    await expect(alice.names).to_have_text([bob.name, carol.name])  # to look changes nothing
    await alice.writes("At last")
    await expect(alice.names).to_have_text([carol.name, bob.name])
    await expect(alice.line_of(carol)).to_contain_text("You: At last")
    await alice.page.reload()
    await expect(alice.names).to_have_text([carol.name, bob.name])


async def test_more_than_99_unread_are_not_counted_out(cast: Cast) -> None:
    alice, bob, _ = cast
    await asyncio.to_thread(give_history, alice, bob, [f"Line {n}" for n in range(1, 100)], read=0)
    await alice.signs_in()
    await expect(alice.badge_of(bob)).to_have_text("99 unread")
    await bob.signs_in()
    await bob.opens(alice)
    await bob.writes("One more")
    await expect(alice.badge_of(bob)).to_have_text("99+ unread")
    await expect(alice.page).to_have_title("(100) LocalRoots Chat")


async def test_a_muted_conversation_counts_quietly(cast: Cast) -> None:
    alice, bob, carol = cast
    await talk(alice, bob)
    await alice.chooses("Mute")
    mark = alice.line_of(bob).get_by_title("Muted")
    await expect(mark).to_be_visible()
    await alice.begins_to_talk_with(carol)
    await bob.writes("Are you there?")
    await expect(alice.badge_of(bob)).to_have_text("1 unread")
    quiet = await colour_of(alice.badge_of(bob))
    await expect(alice.page).to_have_title("LocalRoots Chat")
    await alice.page.reload()
    await expect(alice.badge_of(bob)).to_have_text("1 unread")
    await expect(mark).to_be_visible()
    await expect(alice.page).to_have_title("LocalRoots Chat")

    await alice.opens(bob)
    await alice.chooses("Unmute")
    await expect(mark).to_have_count(0)
    await alice.opens(carol)
    await bob.writes("Hello?")
    await expect(alice.page).to_have_title("(1) LocalRoots Chat")
    assert await colour_of(alice.badge_of(bob)) != quiet


async def test_one_sees_who_comes_and_who_has_left(quick_cast: Cast) -> None:
    alice, bob, _ = quick_cast
    await asyncio.to_thread(give_history, alice, bob, ["Good morning"], read=1)
    await alice.signs_in()
    dot, heading = alice.line_of(bob).locator(".is-online"), alice.page.locator(".thread-title")
    await alice.opens(bob)
    await expect(heading).to_contain_text("Customer")
    await expect(heading).not_to_contain_text("online")
    await bob.signs_in()
    await expect(dot).to_be_visible()
    await expect(alice.line_of(bob)).to_contain_text("online")
    await expect(heading).to_contain_text("online")
    await bob.page.reload()  # as quick as that, nobody has left
    await expect(bob.line_of(alice).locator(".is-online")).to_be_visible()
    await expect(dot).to_be_visible()
    await bob.page.close()
    await expect(dot).to_have_count(0)
    await expect(alice.line_of(bob)).not_to_contain_text("online")
    await expect(heading).not_to_contain_text("online")


async def test_somebody_typing_is_seen_in_the_list_too(cast: Cast) -> None:
    alice, bob, carol = cast
    await talk(alice, bob)
    await alice.begins_to_talk_with(carol)
    await bob.box.press_sequentially("Any")
    await expect(alice.line_of(bob)).to_contain_text("Bob is typing…")
    await bob.box.press("Enter")
    await expect(alice.line_of(bob)).to_contain_text("Any")
    await expect(alice.line_of(bob)).not_to_contain_text("typing")


async def test_what_was_not_sent_yet_or_not_at_all_says_so_in_the_list(quick_cast: Cast) -> None:
    alice, bob, _ = quick_cast
    await bob.signs_in()
    members = {"name": "Egg club", "category": "TIPS", "memberIds": [await bob.id_of(alice)]}
    await bob.asks("POST", "groups/", members)
    club = bob.lines.filter(has_text="Egg club")
    await club.click()
    await bob.page.context.set_offline(True)
    await bob.writes("Spam")
    await expect(club).to_contain_text("Sending: Spam")
    await bob.page.context.set_offline(False)
    await expect(club).to_contain_text("Not sent: Spam")
    await bob.log.get_by_role("button", name="Discard").click()
    await expect(club).not_to_contain_text("Spam")


async def test_keys_walk_through_the_list(cast: Cast) -> None:
    alice, _, _ = cast
    await asyncio.to_thread(give_neighbours, alice, 45)
    await alice.signs_in()

    def line(number: int) -> Locator:
        return alice.lines.filter(has_text=f"Neighbour {number:04}")

    await expect(line(0)).to_be_visible()
    await alice.search.focus()
    await alice.page.keyboard.press("Tab")
    await expect(line(0)).to_be_focused()
    presses = ["ArrowUp", "ArrowDown", "ArrowDown", "ArrowUp", "End", "ArrowDown", "ArrowUp", "Home", "ArrowDown"]
    for key, number in zip(presses, [0, 1, 2, 1, 44, 44, 43, 0, 1], strict=True):
        await alice.page.keyboard.press(key)
        await expect(line(number)).to_be_focused()
        await expect(line(number)).to_be_in_viewport(ratio=1)
    await alice.page.keyboard.press("Enter")
    await expect(alice.heading("Neighbour 0001")).to_be_visible()
    await expect(line(1)).to_have_attribute("aria-current", "true")


# Notes how many lines are in the page at most.
_WATCH = """
() => {
  window.seen = {lines: 0};
  const list = document.querySelector(".conversations");
  const count = () => (window.seen.lines = Math.max(window.seen.lines, list.querySelectorAll(".line").length));
  new MutationObserver(count).observe(list, {childList: true, subtree: true});
}"""
_FRAME = "() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"


async def test_three_thousand_conversations_scroll_to_the_oldest(cast: Cast) -> None:
    alice, bob, _ = cast
    await asyncio.to_thread(give_neighbours, alice, MANY)
    await asyncio.to_thread(give_history, alice, bob, ["Good morning"], read=1)
    await alice.signs_in()
    await expect(alice.names.first).to_have_text(bob.name)
    await alice.page.evaluate(_WATCH)
    await alice.lines.first.hover()
    oldest = alice.lines.filter(has_text=f"Neighbour {MANY - 1:04}")
    while not await oldest.count():
        await alice.page.mouse.wheel(0, 2500)
        await alice.page.evaluate(_FRAME)
    await alice.page.mouse.wheel(0, 5000)
    await expect(oldest).to_be_in_viewport(ratio=1)
    drawn = await alice.names.all_inner_texts()
    assert drawn == [f"Neighbour {number:04}" for number in range(MANY - len(drawn), MANY)]
    for _ in range(40):
        await alice.page.mouse.wheel(0, -3000)
        await alice.page.evaluate(_FRAME)
        drawn = await alice.names.all_inner_texts()
        assert drawn == sorted(drawn)
    await alice.lines.nth(20).focus()
    await alice.page.keyboard.press("Home")
    await expect(alice.line_of(bob)).to_be_focused()
    seen = await alice.page.evaluate("window.seen")
    assert 0 < seen["lines"] < IN_THE_PAGE_MOST
