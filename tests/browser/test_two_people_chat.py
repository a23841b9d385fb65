"""Two people talk through the built-in web client, each in a Chromium window of their own."""

import asyncio
import re

from playwright.async_api import Browser, WebSocketRoute, expect

from tests.browser.screen import Cast, Screen, cast_of, create_casts, talk
from tests.support.screen import screened
from tests.support.servers import ChatServer

AFTER_A_RESTART = 40_000  # milliseconds: the longest pause between two attempts to reconnect, and some more


async def test_nobody_enters_with_a_wrong_password(cast: Cast) -> None:
    alice, _, _ = cast
    await alice.signs_in(password="red-beans")
    await expect(alice.page.get_by_role("alert")).to_contain_text("correct")
    await expect(alice.page).to_have_url(re.compile("/sign-in/"))


async def test_who_signs_out_has_to_sign_in_again(cast: Cast) -> None:
    alice, _, _ = cast
    await alice.signs_in()
    await alice.page.get_by_role("button", name="Sign out").click()
    await expect(alice.page).to_have_url(re.compile("/sign-in/"))
    await alice.page.goto(alice.server.base_url)
    await expect(alice.page).to_have_url(re.compile("/sign-in/"))


async def test_a_window_says_nothing_in_the_name_of_who_signs_in_after_its_own_person(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    context = alice.page.context
    await context.clear_cookies()
    other = Screen(await context.new_page(), alice.server, bob.username, bob.name)
    await other.signs_in()
    await alice.page.evaluate("dispatchEvent(new Event('offline'))")  # it comes back with what the browser has now
    await alice.writes("From Alice")
    await expect(alice.page.get_by_role("heading", name="You are signed out")).to_be_visible()
    await other.opens(alice)
    await other.sees("Good morning")
    await bob.sees("Good morning")


async def test_each_sees_at_once_what_the_other_writes(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    await alice.writes("Hello Bob")
    await bob.sees("Good morning", "Hello Bob")
    await bob.writes("Any eggs left?")
    await alice.sees("Good morning", "Hello Bob", "Any eggs left?")
    await bob.sees("Good morning", "Hello Bob", "Any eggs left?")


async def test_messages_keep_the_order_they_were_written_in(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    written = [f"Line {number}" for number in range(1, 8)]
    for line in written:
        await bob.writes(line)
    await alice.sees("Good morning", *written)
    await bob.sees("Good morning", *written)


async def test_the_other_sees_that_somebody_is_typing(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    typing = alice.page.get_by_role("status").filter(has_text="Bob is typing…")
    await bob.box.press_sequentially("Any")
    await expect(typing).to_be_visible()
    await bob.box.press("Enter")
    await alice.sees("Good morning", "Any")
    await expect(typing).to_have_count(0)


async def test_who_wrote_sees_when_it_was_read(cast: Cast) -> None:
    alice, bob, carol = cast
    await talk(alice, bob)
    await alice.begins_to_talk_with(carol)
    await bob.writes("Are you there?")
    # Alice looks elsewhere: what she read last is still the message before.
    await expect(bob.seen_below("Good morning")).to_be_visible()
    await expect(alice.badge_of(bob)).to_contain_text("1")
    await alice.opens(bob)
    await expect(bob.seen_below("Are you there?")).to_be_visible()


async def test_a_conversation_that_is_not_open_counts_what_is_unread(
    cast: Cast,
) -> None:
    alice, bob, carol = cast
    await talk(alice, bob)
    await alice.begins_to_talk_with(carol)
    await expect(alice.page).to_have_title("LocalRoots Chat")
    await bob.writes("One")
    await bob.writes("Two")
    await expect(alice.badge_of(bob)).to_contain_text("2")
    await expect(alice.line_of(bob)).to_contain_text("Two")
    await expect(alice.page).to_have_title("(2) LocalRoots Chat")
    await alice.opens(bob)
    await expect(alice.badge_of(bob)).to_have_count(0)
    await expect(alice.page).to_have_title("LocalRoots Chat")


async def test_a_reload_shows_the_history(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    await alice.writes("Hello Bob")
    await bob.sees("Good morning", "Hello Bob")
    for screen in (alice, bob):
        await screen.page.reload()
        await screen.sees("Good morning", "Hello Bob")
    await expect(alice.badge_of(bob)).to_have_count(0)


async def test_what_somebody_writes_is_never_read_as_markup(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    tricks = [
        "<img src=x onerror=alert(1)>",
        "<script>alert(2)</script>",
        "{{ 7*7 }} &amp; javascript:alert(3)",
    ]
    for trick in tricks:
        await bob.writes(trick)
    await alice.sees("Good morning", *tricks)  # and the fixture asks whether anything was run
    await expect(alice.log.locator("img, script")).to_have_count(0)


async def test_enter_ends_a_composition_without_sending(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    await bob.box.fill("こん")
    await bob.box.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    await expect(bob.box).to_have_value("こん")
    await bob.box.press("Shift+Enter")
    await bob.box.press_sequentially("second line")
    await bob.box.press("Enter")
    await alice.sees("Good morning", "こん\nsecond line")


async def test_a_message_whose_answer_is_lost_is_there_once(cast: Cast) -> None:
    alice, bob, _ = cast
    lost: list[str | bytes] = []

    def lossy(client: WebSocketRoute) -> None:
        server = client.connect_to_server()

        async def pass_on(frame: str | bytes) -> None:
            if "Any eggs left?" in str(frame) and not lost:
                lost.append(frame)
                await client.close(code=4413, reason="slow consumer")
            else:
                client.send(frame)

        server.on_message(pass_on)

    await bob.page.route_web_socket(re.compile("/ws/chat/"), lossy)
    await talk(alice, bob)
    await bob.writes("Any eggs left?")
    await alice.sees("Good morning", "Any eggs left?")
    await bob.sees("Good morning", "Any eggs left?")
    assert lost, "the connection was to be cut before Bob heard of his message"
    await bob.writes("And milk?")  # what was sent again has been answered before this
    await alice.sees("Good morning", "Any eggs left?", "And milk?")
    await bob.sees("Good morning", "Any eggs left?", "And milk?")


async def test_a_message_written_while_the_server_restarts_arrives_once(browser: Browser) -> None:
    with ChatServer() as server:
        (mark,) = await asyncio.to_thread(create_casts, server, 1)
        alice, bob, _ = await cast_of(server, mark, browser)
        await talk(alice, bob)
        await asyncio.to_thread(server.stop)
        await bob.writes("Written meanwhile")
        await bob.writes("And this after it")
        await expect(bob.log.locator(".pending")).to_have_count(2)
        await expect(bob.page.get_by_text("Connection lost")).to_be_visible()
        await asyncio.to_thread(server.start)
        everything = ["Good morning", "Written meanwhile", "And this after it"]
        await alice.sees(*everything, within=AFTER_A_RESTART)
        await bob.sees(*everything, within=AFTER_A_RESTART)
        await expect(bob.log.locator(".pending")).to_have_count(0)
        await alice.page.reload()
        await alice.sees(*everything)
        assert not alice.troubles + bob.troubles


async def test_what_a_blocked_person_has_said_vanishes_from_the_open_page_and_comes_back(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    await alice.writes("Hello")
    await alice.sees("Good morning", "Hello")
    found = await alice.id_of(bob)
    await alice.asks("POST", "blocks/", {"userId": found})
    await alice.sees("Message from someone you blocked", "Hello")
    await alice.asks("DELETE", f"blocks/{found}/")
    await alice.sees("Good morning", "Hello")
    await bob.sees("Good morning", "Hello")


async def test_what_waits_for_a_moderator_says_so_until_it_is_decided(browser: Browser) -> None:
    with ChatServer(env=screened()) as server:
        alice, bob, _ = await cast_of(server, create_casts(server, count=1)[0], browser)
        await talk(alice, bob)
        found = await alice.id_of(bob)
        club = {"name": "Egg club", "category": "TIPS", "memberIds": [found]}
        group = await alice.asks("POST", "groups/", club)
        for screen in (alice, bob):
            await screen.page.get_by_role("navigation").get_by_role("link").filter(has_text="Egg club").click()
            await expect(screen.page.get_by_role("heading", name="Egg club")).to_be_visible()
        for text in ("Casino one", "Casino two", "Spam", "Eggs?"):
            await bob.writes(text)
        waiting, failed = bob.log.locator(".message.held"), bob.log.locator(".message.failed")
        await expect(waiting).to_have_count(2)
        await expect(waiting.first).to_contain_text("Waits for a moderator")
        await expect(failed).to_contain_text("No spam.")
        await alice.sees("Eggs?")

        there = f"held/?conversation={group['conversationId']}"
        one, two = (await alice.asks("GET", there))["results"]
        await alice.asks("POST", f"held/{one['id']}/approve/")
        await alice.sees("Eggs?", "Casino one")
        await expect(waiting).to_have_count(1)
        await alice.asks("POST", f"held/{two['id']}/refuse/", {"answer": "Not here, Bob"})
        await expect(waiting).to_have_count(0)
        await expect(failed.filter(has_text="Casino two")).to_contain_text("Not here, Bob")
        await bob.sees("Eggs?", "Casino one")
        assert not alice.troubles + bob.troubles
