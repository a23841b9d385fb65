"""What the page shows where there is nothing to show yet, or no longer, and on screens of every size."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, FilePayload, Route, ViewportSize, expect

from tests.browser.rows import give_history
from tests.browser.screen import PASSWORD, Cast, Screen, talk
from tests.support import files

PHONE: ViewportSize = {"width": 390, "height": 844}
TABLET: ViewportSize = {"width": 820, "height": 1180}
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
NARROW = 320  # pixels: the least that a page has to fit into
DARK = 60  # of 255


async def with_window(browser: Browser, person: Screen, **options: Any) -> Screen:
    """The same person in a browser of their own, on another screen."""
    page = await (await browser.new_context(**options)).new_page()
    return Screen(page, person.server, person.username, person.name)


async def test_somebody_new_is_welcomed_and_can_begin_at_once(cast: Cast) -> None:
    _, bob, _ = cast
    await bob.signs_in()
    await expect(bob.page.get_by_role("heading", name=f"Welcome, {bob.name}")).to_be_visible()
    suggested = bob.page.get_by_role("list", name="People to begin with").get_by_role("button")
    await expect(suggested.first).to_contain_text("Say hello")
    assert 1 <= await suggested.count() <= 4
    assert not await suggested.filter(has_text=bob.name).count()
    name = await suggested.first.locator(".person-name").inner_text()
    await suggested.first.click()
    await expect(bob.heading(name)).to_be_visible()
    await bob.writes("Hello")
    await bob.sees("Hello")
    await expect(bob.names).to_have_text([name])


async def test_somebody_new_can_look_for_somebody(cast: Cast) -> None:
    alice, bob, _ = cast
    await bob.signs_in()
    await bob.page.get_by_role("button", name="Find somebody").click()
    await bob.page.get_by_label("Who would you like to talk to?").fill(alice.name)
    await bob.page.get_by_role("dialog").get_by_role("button", name=alice.name).click()
    await expect(bob.heading(alice.name)).to_be_visible()


async def test_without_an_open_conversation_one_is_told_to_choose(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    await alice.page.goto(alice.server.base_url)
    await expect(alice.page.get_by_text("Choose a conversation, or start a new one.")).to_be_visible()
    await alice.opens(bob)
    await expect(alice.page.get_by_text("Choose a conversation")).to_have_count(0)


async def test_an_address_that_leads_nowhere_says_so_and_leads_back(cast: Cast) -> None:
    alice, bob, carol = cast
    await talk(alice, bob)
    foreign = alice.page.url
    await carol.signs_in()
    await expect(carol.search).to_be_visible()
    for address in (foreign, f"{carol.server.base_url}/#{uuid.uuid4()}", f"{carol.server.base_url}/#nonsense"):
        await carol.page.goto(address)
        await expect(carol.page.get_by_role("heading", name="There is no such conversation")).to_be_visible()
        await expect(carol.page.get_by_text("Good morning")).to_have_count(0)
        await carol.page.get_by_role("link", name="Back to your conversations").click()
        await expect(carol.page.get_by_role("heading", name="There is no such conversation")).to_have_count(0)
    await alice.begins_to_talk_with(carol)
    await alice.writes("Hello Carol")
    await carol.opens(alice)
    await carol.sees("Hello Carol")


async def test_a_conversation_that_is_gained_while_its_address_is_open_is_shown(cast: Cast) -> None:
    alice, bob, carol = cast
    await talk(alice, bob)
    await carol.signs_in()
    group = await alice.asks("POST", "groups/", {"name": "Egg club", "category": "TIPS", "memberIds": []})
    await carol.page.goto(f"{carol.server.base_url}/#{group['conversationId']}")
    await expect(carol.page.get_by_role("heading", name="There is no such conversation")).to_be_visible()
    await alice.asks("POST", f"groups/{group['id']}/members/", {"userId": await alice.id_of(carol)})
    await expect(carol.heading("Egg club")).to_be_visible()
    await carol.writes("Hello all")
    await expect(carol.waiting).to_have_count(0)
    await expect(carol.log).to_contain_text("Hello all")


def held_back(until: asyncio.Event) -> Callable[[Route], Awaitable[None]]:
    """Requests are on their way until then."""

    async def hold(route: Route) -> None:
        await until.wait()
        await route.continue_()

    return hold


async def test_what_is_on_its_way_is_sketched(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    list_may_come, messages_may_come = asyncio.Event(), asyncio.Event()
    await alice.page.route(re.compile("/api/conversations/"), held_back(list_may_come))
    await alice.page.route(re.compile("/api/conversations/.*/messages/"), held_back(messages_may_come))
    await alice.page.reload()
    navigation = alice.page.get_by_role("navigation", name="Your conversations")
    await expect(navigation.get_by_role("status", name="Loading")).to_be_visible()
    await expect(alice.page.get_by_text("No conversations yet")).to_have_count(0)
    await expect(alice.page.get_by_text("Welcome")).to_have_count(0)
    await expect(alice.page.get_by_text("There is no such conversation")).to_have_count(0)
    list_may_come.set()
    await expect(alice.names).to_have_text([bob.name])
    await expect(alice.heading(bob.name)).to_be_visible()
    await expect(navigation.get_by_role("status", name="Loading")).to_have_count(0)
    await expect(alice.log.get_by_text("Loading messages")).to_be_visible()
    messages_may_come.set()
    await alice.sees("Good morning")
    await expect(alice.log.get_by_text("Loading messages")).to_have_count(0)


async def test_who_was_signed_out_elsewhere_signs_in_again_where_they_were(cast: Cast, browser: Browser) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    there = alice.page.url
    elsewhere = await with_window(browser, alice)
    await elsewhere.signs_in()
    await expect(elsewhere.search).to_be_visible()
    await elsewhere.asks("POST", "logout/", {"everywhere": True})
    for window in (alice, elsewhere):
        ended = window.page.get_by_role("dialog", name="You are signed out")
        await expect(ended).to_be_visible(timeout=15_000)
    await alice.page.get_by_role("link", name="Sign in again").click()
    await alice.page.get_by_label("User name").fill(alice.username)
    await alice.page.get_by_label("Password").fill(PASSWORD)
    await alice.page.get_by_role("button", name="Sign in", exact=True).click()
    await alice.sees("Good morning")
    await expect(alice.page).to_have_url(there)


async def test_signing_out_in_one_window_tells_the_other(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    other = await alice.opens_another_window()
    await other.sees("Good morning")
    await other.box.fill("Begun and not sent")
    await alice.page.get_by_role("button", name="Sign out").click()
    question = alice.page.get_by_role("dialog", name="Sign out all the same?")
    await question.get_by_role("button", name="Sign out").click()
    for window in (alice, other):
        await expect(window.page).to_have_url(re.compile("/sign-in/"))
    await alice.signs_in()
    await alice.opens(bob)
    await expect(alice.box).to_have_value("")  # nothing of it was left in the browser
    assert not other.troubles


async def test_who_signs_out_with_unsent_messages_is_asked_first(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    await alice.page.context.set_offline(True)
    await alice.writes("On its way")
    await alice.writes("This too")
    await expect(alice.waiting).to_have_count(2)
    sign_out = alice.page.get_by_role("button", name="Sign out")
    question = alice.page.get_by_role("dialog", name="Sign out all the same?")
    await sign_out.click()
    await expect(question).to_contain_text("2 things are not sent yet")
    await question.get_by_role("button", name="Stay").click()
    await expect(question).to_have_count(0)
    await expect(alice.waiting).to_have_count(2)
    await sign_out.click()
    await alice.page.context.set_offline(False)
    await expect(alice.waiting).to_have_count(0)
    await bob.sees("Good morning", "On its way", "This too")


async def test_what_is_given_up_on_signing_out_is_never_sent(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    await alice.page.route_web_socket(re.compile("/ws/chat/"), lambda socket: None)  # it connects, and hears nothing
    await alice.page.reload()
    await alice.sees("Good morning")
    await alice.writes("Better not")
    await expect(alice.waiting).to_have_count(1)
    await alice.page.get_by_role("button", name="Sign out").click()
    question = alice.page.get_by_role("dialog", name="Sign out all the same?")
    await expect(question).to_contain_text("Something is not sent yet")
    await question.get_by_role("button", name="Sign out").click()
    await expect(alice.page).to_have_url(re.compile("/sign-in/"))
    again = await alice.opens_another_window()
    await again.signs_in()
    await again.opens(bob)
    await again.writes("Good evening")
    await bob.sees("Good morning", "Good evening")
    await expect(again.waiting).to_have_count(0)


@pytest.mark.parametrize("size", [PHONE, TABLET, DESKTOP], ids=["phone", "tablet", "desktop"])
async def test_the_chat_fits_the_screen(cast: Cast, browser: Browser, size: ViewportSize) -> None:
    alice, bob, _ = cast
    await asyncio.to_thread(give_history, alice, bob, ["Good morning"], read=0)
    touch = size != DESKTOP
    hand = await with_window(browser, alice, viewport=size, is_mobile=touch, has_touch=touch)
    await hand.signs_in()
    line, navigation = hand.line_of(bob), hand.page.get_by_role("navigation")
    await expect(hand.badge_of(bob)).to_be_visible()
    await hand.expect_no_sideways_scrolling()
    await (line.tap() if touch else line.click())
    await hand.sees("Good morning")
    await expect(hand.box).to_be_in_viewport(ratio=1)
    await expect(navigation).to_be_visible(visible=size != PHONE)
    await hand.box.fill("Hello Bob")
    send = hand.page.get_by_role("button", name="Send", exact=True)
    await (send.tap() if touch else send.click())
    await hand.sees("Good morning", "Hello Bob")
    await expect(hand.log.get_by_text("Hello Bob")).to_be_in_viewport(ratio=1)
    await hand.expect_no_sideways_scrolling()
    assert not hand.troubles


async def test_on_a_phone_one_goes_back_from_a_conversation_to_the_list(cast: Cast, browser: Browser) -> None:
    alice, bob, _ = cast
    await asyncio.to_thread(give_history, alice, bob, ["Good morning"], read=0)
    hand = await with_window(browser, alice, viewport=PHONE, is_mobile=True, has_touch=True)
    await hand.signs_in()
    for back in (hand.page.get_by_role("link", name="Back to conversations").tap, hand.page.go_back):
        await hand.line_of(bob).tap()
        await hand.sees("Good morning")
        await expect(hand.search).not_to_be_visible()
        await expect(hand.box).not_to_be_focused()  # no keyboard over what one came to read
        await back()
        await expect(hand.line_of(bob)).to_be_visible()
        await expect(hand.log).not_to_be_visible()
    await hand.page.reload()
    await expect(hand.line_of(bob)).to_be_visible()
    assert not hand.troubles


async def test_somebody_new_is_welcomed_on_a_phone_too(cast: Cast, browser: Browser) -> None:
    _, bob, _ = cast
    hand = await with_window(browser, bob, viewport=PHONE, is_mobile=True, has_touch=True)
    await hand.signs_in()
    await expect(hand.page.get_by_role("heading", name=f"Welcome, {bob.name}")).to_be_in_viewport()
    await hand.page.get_by_role("list", name="People to begin with").get_by_role("button").first.tap()
    await expect(hand.box).to_be_in_viewport(ratio=1)
    await hand.expect_no_sideways_scrolling()


async def test_nothing_is_wider_than_a_small_phone(cast: Cast, browser: Browser) -> None:
    alice, bob, _ = cast
    wide = ["W" * 300, f"https://example.org/{'path-' * 60}?{'query=' * 40}", "One two three " * 40, "```" + "x" * 200]
    await asyncio.to_thread(give_history, alice, bob, wide, read=0)
    await bob.signs_in()
    await bob.opens(alice)
    panorama = FilePayload(name=f"{'panorama' * 12}.jpg", mimeType="image/jpeg", buffer=files.jpeg(2400, 240))
    document = FilePayload(name=f"{'prices' * 15}.pdf", mimeType="application/pdf", buffer=files.PDF)
    await bob.page.locator("#composer-files").set_input_files([panorama, document])
    await bob.page.get_by_role("button", name="Send", exact=True).click()
    await expect(bob.waiting).to_have_count(0)
    hand = await with_window(browser, alice, viewport={"width": NARROW, "height": 568}, is_mobile=True, has_touch=True)
    await hand.signs_in()
    await expect(hand.line_of(bob)).to_be_visible()
    await hand.expect_no_sideways_scrolling()
    await hand.line_of(bob).tap()
    picture = hand.log.get_by_role("img")
    await picture.scroll_into_view_if_needed()
    await expect(picture).to_have_js_property("complete", True)
    await hand.expect_no_sideways_scrolling()
    await hand.box.fill("V" * 500)
    await hand.page.get_by_role("button", name="Send", exact=True).tap()
    await expect(hand.log.get_by_text("V" * 500)).to_be_in_viewport()
    await hand.expect_no_sideways_scrolling()
    await hand.page.get_by_role("link", name="Back to conversations").tap()
    await hand.search.fill("One two")
    await expect(hand.found.get_by_role("heading", name="Messages")).to_be_visible()
    await hand.expect_no_sideways_scrolling()
    assert not hand.troubles


async def test_at_night_the_page_is_dark(cast: Cast, browser: Browser) -> None:
    alice, bob, _ = cast
    await asyncio.to_thread(give_history, alice, bob, ["Good morning"], read=0)
    night = await with_window(browser, alice, color_scheme="dark")
    await night.signs_in()
    await night.opens(bob)
    await night.sees("Good morning")
    for part in ("body", ".sidebar", ".thread-header", ".message .bubble", "#composer-text"):
        behind, letters = await night.page.locator(part).evaluate(_BRIGHTNESS)
        assert behind < DARK < letters, part


# Of what is behind an element, and of its letters.
_BRIGHTNESS = r"""
(element) => {
  const brightness = (colour) => Math.max(...colour.match(/[0-9.]+/g).slice(0, 3).map(Number));
  const transparent = (colour) => /, 0\)$/.test(colour);
  let behind = element;
  while (behind.parentElement && transparent(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
  return [brightness(getComputedStyle(behind).backgroundColor), brightness(getComputedStyle(element).color)];
}"""
