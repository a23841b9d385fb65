"""The messages of an open conversation: where one begins to read and stays, and what can be done with each."""

import asyncio
import re
from typing import Any, Final

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.screen import Screen
from tests.browser.stage import Plan, Stage, Talks
from tests.support.servers import ChatServer

FRESH: Final = Plan()
GROUP: Final = Plan(lines=0, group=True)
DAYS: Final = Plan(lines=3, apart=24 * 60)
SOME_UNREAD: Final = Plan(lines=6, unread=2)
MUCH_UNREAD: Final = Plan(lines=200, unread=120)
LONG: Final = Plan(lines=200)
ENDLESS: Final = Plan(lines=450, group=True)
STILL = 3  # pixels: who is moved by less has not been moved


@pytest.fixture(scope="module")
def talks(embedded_session_server: ChatServer) -> Talks:
    plans = [DAYS, SOME_UNREAD, MUCH_UNREAD, MUCH_UNREAD, LONG, LONG, LONG, ENDLESS]
    return Talks(embedded_session_server, [*plans, *[FRESH] * 15, *[GROUP] * 5])


# How people move about in the log

_READS_ON = """
([log, last]) => {
  const row = log.querySelector(`[data-seq="${last}"]`);
  const bottom = log.getBoundingClientRect().bottom + 1;
  if (row && row.getBoundingClientRect().bottom <= bottom) return true;
  log.scrollTop += 300;
  return false;
}"""

# Scrolls in steps to the beginning or, where they are positive, to the end. How far what is read moves between two
# steps, which messages came by, and whether any was there twice.
_READS_THROUGH = """
async (log, step) => {
  const frame = () => new Promise(requestAnimationFrame);
  const rows = () => [...log.querySelectorAll("[data-seq]")];
  const place = (row) => row.querySelector(".bubble").getBoundingClientRect().top;
  const seen = new Set();
  let moved = 0, twice = 0, frames = 0;
  const end = step < 0 ? "li.thread-note" : '[data-seq="450"]';
  while (!log.querySelector(end)) {
    if ((frames += 1) > 3000) throw new Error("no end after many frames");
    log.scrollTop += step;
    const edge = log.getBoundingClientRect().top;
    const read = rows().find((row) => place(row) >= edge);
    const { seq } = read.dataset;
    const before = place(read);
    for (let pause = 0; pause < 5; pause += 1) {
      await frame();
      moved = Math.max(moved, Math.abs(place(log.querySelector(`[data-seq="${seq}"]`)) - before));
    }
    const held = rows().map((row) => Number(row.dataset.seq));
    twice += held.length - new Set(held).size;
    held.forEach((each) => seen.add(each));
  }
  return { moved, twice, seen: [...seen].sort((a, b) => a - b) };
}"""

_LOOKS_AWAY = """
(hidden) => {
  Object.defineProperty(document, "visibilityState", { value: hidden ? "hidden" : "visible", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def place_of(page: Page) -> str:
    """The id of the open conversation."""
    return page.url.partition("#")[2].partition("/")[0]


def at(screen: Screen, seq: int) -> Locator:
    return screen.log.locator(f'[data-seq="{seq}"]')


def unread_line(screen: Screen) -> Locator:
    return screen.log.locator(".unread-line")


def behind_the_line(screen: Screen) -> Locator:
    """The first message that is new."""
    return screen.log.locator(".unread-line + .message .content")


def to_newest(screen: Screen) -> Locator:
    return screen.page.locator(".to-newest")


def own_badge(screen: Screen) -> Locator:
    return screen.lines.locator(".badge")


async def reads_on_to(screen: Screen, last: int) -> None:
    log = await screen.log.element_handle()
    await screen.page.wait_for_function(_READS_ON, arg=[log, last])


async def reads_through(screen: Screen, step: int) -> dict[str, Any]:
    """Is never moved meanwhile."""
    found: dict[str, Any] = await screen.log.evaluate(_READS_THROUGH, step)
    assert found["twice"] == 0
    assert found["moved"] < STILL
    return found


async def scrolls_by(screen: Screen, pixels: int) -> None:
    await screen.log.hover(position={"x": 20, "y": 20})
    before = await screen.log.evaluate("(log) => log.scrollTop")
    await screen.page.mouse.wheel(0, pixels)
    log = await screen.log.element_handle()
    await screen.page.wait_for_function("([log, wanted]) => log.scrollTop === wanted", arg=[log, before + pixels])


async def top_of(row: Locator) -> float:
    box = await row.bounding_box()
    assert box is not None
    return box["y"]


# Where one begins to read


async def test_days_stand_between_the_messages(stage: Stage) -> None:
    alice, _ = await stage.everybody(DAYS)
    await expect(alice.log.locator(".day")).to_have_text([re.compile(r"^\w+day,? \d+ \w+$"), "Yesterday", "Today"])
    await expect(alice.log.locator(".day + .message .content")).to_have_text(["Line 1", "Line 2", "Line 3"])


async def test_a_line_stands_before_what_is_new(stage: Stage) -> None:
    alice, bob = await stage.everybody(SOME_UNREAD)
    await expect(behind_the_line(alice)).to_have_text(["Line 5" + " and so on" * 12])
    await expect(unread_line(bob)).to_have_count(0)
    await expect(own_badge(alice)).to_have_count(0)

    await alice.page.evaluate(_LOOKS_AWAY, True)
    await bob.writes("While you were away")
    await expect(behind_the_line(alice)).to_have_text(["While you were away"])
    await alice.page.evaluate(_LOOKS_AWAY, False)
    await expect(own_badge(alice)).to_have_count(0)
    await bob.writes("And now that you are back")
    await alice.message("And now that you are back").wait_for()
    await expect(behind_the_line(alice)).to_have_text(["While you were away"])

    await alice.writes("I have read it")
    await expect(unread_line(alice)).to_have_count(0)
    await alice.page.evaluate("location.hash = ''")
    await expect(alice.log).to_have_count(0)
    await bob.writes("One more")
    await expect(own_badge(alice)).to_contain_text("1")
    await alice.opens(bob)
    await expect(behind_the_line(alice)).to_have_text(["One more"])


@pytest.mark.parametrize("way", ["the list", "the address"])
async def test_who_has_missed_much_begins_where_they_left_off(stage: Stage, way: str) -> None:
    talk = stage.talk(MUCH_UNREAD)
    alice = await stage.person(talk, "alice", "" if way == "the list" else None)
    if way == "the list":
        await expect(own_badge(alice)).to_contain_text("99+")
        await alice.lines.first.click()
    await expect(behind_the_line(alice)).to_have_text(["Line 81"])
    for seq in (80, 81):
        await expect(at(alice, seq)).to_be_in_viewport()
    await expect(own_badge(alice)).to_be_visible()
    await expect(to_newest(alice)).to_contain_text("new")

    await reads_on_to(alice, 200)
    await expect(own_badge(alice)).to_have_count(0)
    await expect(to_newest(alice)).to_have_count(0)
    await expect(behind_the_line(alice)).to_have_text(["Line 81"])
    assert await alice.log.locator("[data-seq]").evaluate_all("(rows) => rows.at(-1).dataset.seq") == "200"


async def test_who_reads_above_stays_there_and_comes_to_the_newest_by_a_button(stage: Stage) -> None:
    alice, bob = await stage.everybody(LONG)
    await expect(to_newest(alice)).to_have_count(0)
    await scrolls_by(alice, -900)
    await expect(to_newest(alice)).to_have_text("To the newest")
    read = at(alice, 180)
    before = await top_of(read)
    await bob.writes("Are you there?")
    await bob.writes("Hello?")
    await expect(to_newest(alice)).to_have_text("2 new")
    await expect(own_badge(alice)).to_contain_text("2")
    # Something above that she does not see gets larger.
    (above,) = (await bob.asks("GET", f"conversations/{place_of(bob.page)}/messages/?around=160&limit=1"))["messages"]
    await bob.asks("PUT", f"messages/{above['id']}/reactions/🥚/")
    await expect(at(alice, above["seq"]).locator(".reaction")).to_have_count(1)
    await expect(at(alice, above["seq"])).not_to_be_in_viewport()
    assert abs(await top_of(read) - before) < STILL
    await to_newest(alice).click()
    await expect(alice.message("Hello?")).to_be_in_viewport()
    await expect(to_newest(alice)).to_have_count(0)
    await expect(own_badge(alice)).to_have_count(0)

    await scrolls_by(alice, -900)
    await alice.writes("Here I am")
    await expect(alice.message("Here I am")).to_be_in_viewport(ratio=1)
    await bob.writes("At last")
    await expect(alice.message("At last")).to_be_in_viewport(ratio=1)


async def test_a_quote_and_an_address_lead_to_a_message_far_away(stage: Stage) -> None:
    alice, bob = await stage.everybody(LONG)
    talk = place_of(bob.page)
    (asked,) = (await bob.asks("GET", f"conversations/{talk}/messages/?around=3&limit=1"))["messages"]
    await bob.asks("POST", f"conversations/{talk}/messages/", {"content": "As I said", "replyTo": asked["id"]})
    await expect(at(alice, asked["seq"])).to_have_count(0)
    await alice.message("As I said").locator(".quote").click()
    await expect(at(alice, asked["seq"])).to_be_in_viewport()
    await expect(at(alice, asked["seq"])).to_have_class(re.compile("highlighted"))
    await to_newest(alice).click()
    await expect(alice.message("As I said")).to_be_in_viewport()

    for seq in (100, 4):
        await alice.page.evaluate("(place) => { location.hash = place; }", f"{talk}/{seq}")
        await expect(at(alice, seq)).to_be_in_viewport()
        await expect(at(alice, seq)).to_have_class(re.compile("highlighted"))
    await alice.page.reload()
    await expect(at(alice, 4)).to_be_in_viewport()
    await expect(at(alice, 4)).to_have_class(re.compile("highlighted"))
    await alice.page.goto(f"{alice.server.base_url}/#{talk}/1000000")  # nothing is there
    await alice.page.reload()
    await expect(alice.message("As I said")).to_be_in_viewport()
    await alice.page.evaluate("(place) => { location.hash = place; }", f"{talk}/4")
    await expect(at(alice, 4)).to_be_in_viewport()
    await alice.writes("Back at the end")
    await expect(alice.message("Back at the end")).to_be_in_viewport()
    await bob.message("Back at the end").wait_for()


async def test_who_reads_back_to_the_beginning_sees_every_message_and_is_never_moved(stage: Stage) -> None:
    talk = stage.talk(ENDLESS)
    readers = [await stage.person(talk, name) for name in ("alice", "carol")]
    # One reads in steps, the other jumps to what is held so far, again and again.
    for reader, step in zip(readers, (-700, -100_000), strict=True):
        await expect(at(reader, 450)).to_be_in_viewport()
        found = await reads_through(reader, step)
        assert found["seen"] == list(range(1, 451))
        await expect(reader.log.get_by_text("This is where the conversation begins.")).to_be_visible()
    await reads_through(readers[0], 700)
    await to_newest(readers[1]).click()
    await expect(at(readers[1], 450)).to_be_in_viewport()


async def test_messages_of_one_person_stand_together_below_one_name(stage: Stage) -> None:
    alice, bob, carol = await stage.everybody(GROUP)
    for writer, text in [
        (bob, "Any eggs"),
        (bob, "or milk?"),
        (carol, "Milk, yes"),
        (alice, "I have eggs"),
        (alice, "Both"),
        (bob, "Thanks"),
    ]:
        await writer.writes(text)
        await alice.message(text).wait_for()
    await expect(alice.log.locator(".sender")).to_have_text([bob.name, carol.name, bob.name])
    begins, ends = (alice.log.locator(f".message.{edge} .content") for edge in ("begins", "ends"))
    await expect(begins).to_have_text(["Any eggs", "Milk, yes", "I have eggs", "Thanks"])
    await expect(ends).to_have_text(["or milk?", "Milk, yes", "Both", "Thanks"])
    await expect(alice.message("or milk?")).to_contain_text(f"{bob.name}: ")  # for who does not see it


# What can be done with a message


async def test_who_wrote_may_write_it_anew(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await bob.writes("Any egs?")
    await bob.chooses_for("Any egs?", "Edit")
    await expect(bob.box).to_be_focused()
    await expect(bob.box).to_have_value("Any egs?")
    await bob.writes("Any eggs?")
    for screen in (alice, bob):
        await screen.sees("Line 1", "Any eggs?")
        await expect(screen.message("Any eggs?")).to_contain_text("edited")
    await expect(bob.box).to_have_value("")

    await bob.box.press("ArrowUp")
    await expect(bob.box).to_have_value("Any eggs?")
    await expect(bob.page.get_by_role("button", name="Cancel editing")).to_be_visible()
    await bob.box.press("Escape")
    await expect(bob.box).to_have_value("")
    await bob.box.press("ArrowUp")
    await bob.writes("Any eggs left?")
    await alice.sees("Line 1", "Any eggs left?")
    await bob.box.fill("I was about to say")
    await bob.chooses_for("Any eggs left?", "Edit")
    await expect(bob.box).to_have_value("Any eggs left?")
    await bob.page.get_by_role("button", name="Cancel editing").click()
    await expect(bob.box).to_have_value("I was about to say")
    menu = await alice.opens_menu_of("Any eggs left?")
    for choice in ("Edit", "Delete", "Seen by"):
        await expect(menu.get_by_role("button", name=choice)).to_have_count(0)


async def test_who_wrote_may_take_it_back(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await bob.writes("Never mind")
    await alice.message("Never mind").wait_for()
    await bob.chooses_for("Never mind", "Delete")
    question = bob.dialog("Delete this message?")
    await question.get_by_role("button", name="Keep it").click()
    await expect(question).to_have_count(0)
    await bob.chooses_for("Never mind", "Delete")
    await question.get_by_role("button", name="Delete", exact=True).click()
    for screen in (alice, bob):
        await screen.sees("Line 1", "Message deleted")
        await screen.message("Message deleted").hover()
        await expect(screen.page.get_by_role("toolbar")).to_have_count(0)
    await expect(alice.line_of(bob)).to_contain_text("Message deleted")


async def test_reactions_are_put_and_taken_away_and_seen_by_both(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await bob.writes("Eggs today")
    menu = await alice.opens_menu_of("Eggs today")
    await menu.get_by_role("button", name="React with thanks").click()
    await expect(bob.reaction("Eggs today", "🙏")).to_have_accessible_name("🙏 1")
    await bob.reaction("Eggs today", "🙏").click()
    for screen in (alice, bob):
        await expect(screen.reaction("Eggs today", "🙏")).to_have_accessible_name("🙏 2")
        await expect(screen.reaction("Eggs today", "🙏")).to_have_attribute("aria-pressed", "true")
    await bob.reaction("Eggs today", "🙏").click()
    await expect(alice.reaction("Eggs today", "🙏")).to_have_accessible_name("🙏 1")
    await expect(alice.reaction("Eggs today", "🙏")).to_have_attribute("aria-pressed", "true")
    await expect(bob.reaction("Eggs today", "🙏")).to_have_attribute("aria-pressed", "false")

    await (await alice.opens_menu_of("Eggs today")).get_by_role("button", name="More emoji").click()
    await alice.page.keyboard.press("Escape")
    await expect(alice.dialog("Emoji")).to_have_count(0)
    await alice.message("Eggs today").hover()
    await alice.message("Eggs today").get_by_role("button", name="React", exact=True).click()
    search = alice.dialog("Emoji").get_by_role("combobox")
    await expect(search).to_be_focused()
    await search.fill("tomato")
    await expect(alice.dialog("Emoji").get_by_role("option").first).to_be_visible()
    await search.press("ArrowDown")
    await search.press("Enter")
    await expect(alice.dialog("Emoji")).to_have_count(0)
    await expect(bob.reaction("Eggs today", "🍅")).to_have_attribute("aria-pressed", "false")

    for screen, pressed in ((alice, "true"), (bob, "false")):
        await screen.page.reload()
        for emoji in ("🙏", "🍅"):
            await expect(screen.reaction("Eggs today", emoji)).to_have_accessible_name(f"{emoji} 1")
            await expect(screen.reaction("Eggs today", emoji)).to_have_attribute("aria-pressed", pressed)
    await alice.reaction("Eggs today", "🙏").click()
    for screen in (alice, bob):
        await expect(screen.reaction("Eggs today", "🙏")).to_have_count(0)


async def test_an_answer_quotes_what_it_answers(stage: Stage) -> None:
    alice, bob, carol = await stage.everybody(GROUP)
    await bob.writes("Who has eggs?")
    await alice.chooses_for("Who has eggs?", "Reply")
    answered = alice.page.locator(".composer-context")
    await expect(answered).to_contain_text("Answering Bob")
    await expect(alice.box).to_be_focused()
    await alice.box.press("Escape")
    await expect(answered).to_have_count(0)
    await alice.message("Who has eggs?").hover()
    await alice.message("Who has eggs?").get_by_role("button", name="Reply").click()
    await expect(answered).to_contain_text("Who has eggs?")
    await alice.page.reload()
    await expect(answered).to_contain_text("Answering Bob")
    await alice.writes("I have a dozen")
    await expect(answered).to_have_count(0)
    for screen, name in ((alice, "Bob"), (bob, "You"), (carol, "Bob")):
        quote = screen.message("I have a dozen").locator(".quote")
        await expect(quote.locator(".quote-name")).to_have_text(name)
        await expect(quote.locator(".quote-text")).to_have_text("Who has eggs?")


async def test_a_text_is_copied(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await bob.writes("Field Road 7\nbehind the barn")
    await alice.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await alice.chooses_for("Field Road 7", "Copy text")
    await expect(alice.notice).to_contain_text("Copied.")
    assert await alice.page.evaluate("navigator.clipboard.readText()") == "Field Road 7\nbehind the barn"


async def test_what_is_wrong_is_reported_to_the_team(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await bob.writes("Send me money first")
    await alice.chooses_for("Send me money first", "Report")
    dialog = alice.dialog("Report this message")
    await dialog.get_by_label("A fraud").check()
    await dialog.get_by_label("Anything to add?").fill("He never came")
    await dialog.get_by_role("button", name="Report").click()
    await expect(alice.notice).to_contain_text("Thank you")
    await expect(dialog).to_have_count(0)
    look = (
        "from conversations.models import Report\n"
        f"row = Report.objects.get(reporter__username={alice.username!r})\n"
        "print(row.reason, row.note, row.case.message.content, sep='|', end='')"
    )
    found = await asyncio.to_thread(alice.server.manage, "shell", "--no-imports", "-c", look)
    assert found == "FRAUD|He never came|Send me money first"


async def test_a_group_sees_who_has_read_a_message(stage: Stage) -> None:
    talk = stage.talk(GROUP)
    alice, bob = [await stage.person(talk, name) for name in ("alice", "bob")]
    await alice.writes("Market on Friday")
    await expect(alice.seen_below("Market on Friday")).to_have_text("Seen by Bob")
    await alice.chooses_for("Market on Friday", "Seen by")
    dialog = alice.dialog("Seen by")
    await expect(dialog.locator(".person-name")).to_have_text([bob.name])
    await dialog.get_by_role("button", name="Close").click()
    carol = await stage.person(talk, "carol")
    await carol.message("Market on Friday").wait_for()
    await expect(alice.seen_below("Market on Friday")).to_have_text("Seen by Bob, Carol")
    await alice.seen_below("Market on Friday").get_by_role("button").click()
    await expect(dialog.locator(".person-name")).to_have_text([bob.name, carol.name])


async def test_only_who_ranks_above_somebody_takes_back_what_they_said(stage: Stage) -> None:
    alice, bob, carol = await stage.everybody(GROUP)
    group = (await alice.asks("GET", "groups/?mine=true"))["results"][0]["id"]
    await alice.asks("PATCH", f"groups/{group}/members/{await alice.id_of(bob)}/", {"role": "MODERATOR"})
    await alice.writes("Welcome")
    await carol.writes("Buy my watches")
    for screen, text, may in ((carol, "Welcome", 0), (bob, "Welcome", 0), (bob, "Buy my watches", 1)):
        menu = await screen.opens_menu_of(text)
        await expect(menu.get_by_role("button", name="Report")).to_be_visible()
        await expect(menu.get_by_role("button", name="Delete")).to_have_count(may)
        await screen.page.keyboard.press("Escape")
    await bob.chooses_for("Buy my watches", "Delete")
    await bob.dialog("Delete this message?").get_by_role("button", name="Delete", exact=True).click()
    for screen in (alice, bob, carol):
        await screen.sees("Welcome", "Message deleted")


# What is written in it


async def test_web_addresses_become_links_and_nothing_else_does(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await bob.writes(
        "See https://example.org/a?b=c#d, http://example.org. And (www.example.org/x_(y)) or WWW.EXAMPLE.ORG!\n"
        "javascript:alert(1) data:text/html,<b>x</b> ftp://example.org mailto:a@example.org"
    )
    links = alice.message("See https").get_by_role("link")
    await expect(links).to_have_text(
        ["https://example.org/a?b=c#d", "http://example.org", "www.example.org/x_(y)", "WWW.EXAMPLE.ORG"]
    )
    addresses = await links.evaluate_all("(links) => links.map((link) => link.href)")
    assert addresses == [
        "https://example.org/a?b=c#d",
        "http://example.org/",
        "https://www.example.org/x_(y)",
        "https://www.example.org/",
    ]
    for link in await links.all():
        await expect(link).to_have_attribute("target", "_blank")
        await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")


async def test_emoji_alone_are_large(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    large = ["🍅", "👩🏽‍🌾 ❤️", "🇳🇱🥚🥚"]
    small = ["🍅🍅🍅🍅", "🍅 please", "12", "#"]
    for text in [*large, *small]:
        await bob.writes(text)
    await alice.sees("Line 1", *large, *small)
    await expect(alice.log.locator(".bubble.emoji .content")).to_have_text(large)


async def test_the_keyboard_reaches_every_message_and_what_can_be_done_with_it(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await bob.writes("Two")
    await bob.writes("Three")
    await alice.sees("Line 1", "Two", "Three")
    await bob.chooses_for("Two", "Delete")
    await bob.dialog("Delete this message?").get_by_role("button", name="Delete", exact=True).click()
    await alice.sees("Line 1", "Message deleted", "Three")

    selected = alice.log.locator(".message.selected .content")
    menu = alice.dialog("Message")
    await alice.log.focus()
    await alice.page.keyboard.press("ArrowUp")
    await expect(selected).to_have_text("Three")
    await alice.page.keyboard.press("ArrowUp")
    await expect(selected).to_have_text("Message deleted")
    await alice.page.keyboard.press("Enter")  # nothing can be done with it
    await expect(menu).to_have_count(0)
    await alice.page.keyboard.press("ArrowUp")
    await expect(selected).to_have_text("Line 1")
    await alice.page.keyboard.press("Enter")
    await expect(menu).to_be_visible()
    await alice.page.keyboard.press("Escape")
    await expect(alice.page.locator("dialog")).to_have_count(0)  # not only closed: gone
    await expect(alice.log.locator(".message.selected")).to_be_focused()
    await expect(selected).to_have_text("Line 1")
    await alice.page.keyboard.press("Enter")
    await menu.get_by_role("button", name="Report").press("Enter")
    await expect(alice.dialog("Report this message")).to_be_visible()
    await alice.page.keyboard.press("Escape")
    await expect(alice.log.locator(".message.selected")).to_be_focused()
    await alice.page.keyboard.press("ArrowDown")
    await expect(selected).to_have_text("Message deleted")
    await alice.page.keyboard.press("Escape")
    await expect(selected).to_have_count(0)
