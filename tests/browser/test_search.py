"""Finding conversations, people, communities and messages in the field above the list."""

import asyncio
import re
import uuid
from typing import Any

from playwright.async_api import Locator, expect

from tests.browser.rows import give_history
from tests.browser.screen import Cast, Screen, talk

HISTORY = 260
FOUND_AT = 20  # in it: pages above what is loaded first


async def seeks(screen: Screen, words: str) -> None:
    await screen.search.fill(words)
    await expect(screen.found).to_have_attribute("aria-busy", "false")


def section(screen: Screen, title: str) -> Locator:
    """What is found of one kind."""
    heading = screen.page.get_by_role("heading", name=title, exact=True)
    return screen.found.locator("section").filter(has=heading).get_by_role("button")


async def community(owner: Screen, name: str, **more: Any) -> None:
    await owner.asks("POST", "groups/", {"name": name, "category": "FOOD_SHARE", "memberIds": [], **more})


async def test_a_conversation_that_is_held_is_found_at_once(cast: Cast) -> None:
    alice, bob, carol = cast
    await talk(alice, bob)
    await alice.begins_to_talk_with(carol)
    asked: list[Any] = []
    await alice.page.route(re.compile("/api/(users|groups|messages)/"), lambda route: asked.append(route))
    await alice.search.fill(bob.name.upper())
    found = section(alice, "Conversations")
    await expect(found).to_have_text([re.compile(bob.name)])
    await expect(found.locator("mark")).to_have_text(bob.name.split())
    await expect(alice.found).to_have_attribute("aria-busy", "true")  # and nobody has answered yet
    await found.click()
    await expect(alice.heading(bob.name)).to_be_visible()
    await expect(alice.search).to_have_value("")
    await expect(alice.names).to_have_text([carol.name, bob.name])


async def test_a_person_who_is_found_can_be_talked_to(cast: Cast) -> None:
    alice, bob, _ = cast
    await bob.signs_in()
    await seeks(bob, alice.name)
    found = section(bob, "People")
    await expect(found).to_have_text([re.compile(f"{alice.name}Farmer$")])
    await found.click()
    await expect(bob.heading(alice.name)).to_be_visible()
    await bob.writes("Good morning")
    await alice.signs_in()
    await alice.opens(bob)
    await alice.sees("Good morning")
    await seeks(bob, alice.name)
    await expect(section(bob, "Conversations")).to_have_count(1)
    await expect(section(bob, "People")).to_have_count(0)


async def test_a_community_is_joined_or_opened(cast: Cast) -> None:
    alice, bob, _ = cast
    await alice.signs_in()
    await bob.signs_in()
    word = uuid.uuid4().hex[:8]
    await community(alice, f"{word} seeds")
    await community(bob, f"{word} tools")
    await community(alice, f"{word} secrets", visibility="PRIVATE")
    await expect(bob.names).to_have_text([f"{word} tools"])
    await seeks(bob, word)
    await expect(section(bob, "Conversations")).to_have_text([re.compile(f"{word} tools$")])
    found = section(bob, "Communities")
    await expect(found).to_have_count(1)
    await expect(found).to_contain_text(f"{word} seeds")
    await expect(found).to_contain_text("Food share · 1 member")
    await expect(found).to_contain_text("Join")
    await found.click()
    await expect(bob.heading(f"{word} seeds")).to_be_visible()
    await expect(bob.page.locator(".thread-title")).to_contain_text("2 members")
    await bob.writes("Hello all")
    await alice.lines.filter(has_text=f"{word} seeds").click()
    await alice.sees("Hello all")
    await seeks(bob, f"{word} tools")
    await section(bob, "Conversations").click()
    await expect(bob.heading(f"{word} tools")).to_be_visible()


async def test_a_message_is_found_shown_where_it_was_said_and_marked(cast: Cast) -> None:
    alice, bob, _ = cast
    texts = [f"Line {number}" for number in range(1, HISTORY + 1)]
    texts[FOUND_AT - 1] = "Who wants PUMPKIN seeds? I have more pumpkins than I can eat."
    await asyncio.to_thread(give_history, alice, bob, texts, read=HISTORY)
    await alice.signs_in()
    await seeks(alice, "pumpkin seeds")
    found = section(alice, "Messages")
    await expect(found).to_have_count(1)
    await expect(found).to_contain_text("Bob")
    await expect(found.get_by_role("time")).not_to_be_empty()
    await expect(found.locator("mark")).to_have_text(["PUMPKIN", "seeds", "pumpkin"])
    await found.click()
    message = alice.log.locator(".message").filter(has_text="PUMPKIN")
    await expect(message).to_be_in_viewport(ratio=1)
    await expect(message).to_have_class(re.compile("highlighted"))
    await expect(alice.search).to_have_value("")
    await alice.page.get_by_role("button", name="To the newest").click()
    await expect(alice.log.get_by_text(f"Line {HISTORY}")).to_be_in_viewport()

    await seeks(alice, "pumpkin")  # again, from the end of the conversation that is open
    await found.click()
    await expect(message).to_be_in_viewport(ratio=1)
    await alice.log.hover()
    await alice.page.mouse.wheel(0, 600)
    await expect(message).not_to_be_in_viewport()
    await seeks(alice, "pumpkin")  # and of the same message, where the address stays as it is
    await found.click()
    await expect(message).to_be_in_viewport(ratio=1)


async def test_it_is_said_who_wrote_what_was_found_and_where(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    word = uuid.uuid4().hex[:8]
    await community(alice, "Egg club", memberIds=[await alice.id_of(bob)])
    await alice.writes(f"{word} to Bob")
    await bob.sees("Good morning", f"{word} to Bob")
    await bob.writes(f"{word} to Alice")
    await bob.lines.filter(has_text="Egg club").click()
    await bob.writes(f"{word} to all")
    await expect(bob.waiting).to_have_count(0)
    await alice.sees("Good morning", f"{word} to Bob", f"{word} to Alice")
    await seeks(alice, word)
    names = section(alice, "Messages").locator(".result-name")
    await expect(names).to_have_text(["Bob in Egg club", "Bob", f"You to {bob.name}"])


async def test_nothing_found_says_so_and_the_search_is_left(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    await seeks(alice, "xyzzy plugh")
    await expect(alice.found.get_by_role("status")).to_have_text("Nothing found for “xyzzy plugh”.")
    await expect(alice.names).to_have_count(0)
    await alice.search.press("Escape")
    await expect(alice.search).to_have_value("")
    await expect(alice.names).to_have_text([bob.name])
    await alice.search.fill("xyzzy")
    await alice.page.get_by_role("button", name="Clear the search").click()
    await expect(alice.search).to_have_value("")
    await expect(alice.search).to_be_focused()
    await expect(alice.names).to_have_text([bob.name])


async def test_a_search_that_fails_says_so_and_shows_what_it_has(cast: Cast) -> None:
    alice, bob, carol = cast
    await talk(alice, bob)
    await alice.page.route("**/api/messages/search/**", lambda route: route.abort())
    await seeks(alice, carol.name)
    await expect(alice.found.get_by_role("status")).to_have_text("The connection was lost.")
    await expect(section(alice, "People")).to_have_text([re.compile(carol.name)])
    await alice.page.unroute("**/api/messages/search/**")
    await seeks(alice, "Good")
    await expect(section(alice, "Messages")).to_have_count(1)
    await expect(alice.found.get_by_role("status")).to_have_count(0)


async def test_only_what_was_typed_last_is_shown(cast: Cast) -> None:
    alice, bob, carol = cast
    await alice.signs_in()
    held: list[Any] = []
    await alice.page.route(re.compile("/api/users/.*search=Bob"), lambda route: held.append(route))
    async with alice.page.expect_request(re.compile("search=Bob")):
        await alice.search.fill(bob.name)
    await seeks(alice, carol.name)
    await expect(section(alice, "People")).to_have_text([re.compile(carol.name)])
    async with alice.page.expect_response(re.compile("search=Bob")):
        await held[0].continue_()
    await expect(section(alice, "People")).to_have_text([re.compile(carol.name)])
