"""Where messages are written: by hand, by voice and by thumb, and by who may not."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from playwright.async_api import Locator, expect

from tests.browser.screen import Screen
from tests.browser.stage import Plan, Stage, Talks
from tests.support.servers import ChatServer

FRESH: Final = Plan()
GROUP: Final = Plan(group=True)
LONG: Final = Plan(lines=40)
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 1,
}
KEYBOARD = 340  # pixels that it takes from a phone's screen

_COMPOSED = """
(box) => {
  // Some browsers say so while the key is pressed, Safari only by the key's code.
  for (const composed of [{ isComposing: true }, { keyCode: 229 }]) {
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...composed }));
  }
}"""

_NO_MICROPHONE = """
navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
"""


@pytest.fixture(scope="module")
def talks(embedded_session_server: ChatServer) -> Talks:
    return Talks(embedded_session_server, [*[FRESH] * 15, *[GROUP] * 3, *[LONG] * 2])


def send(screen: Screen) -> Locator:
    return screen.page.get_by_role("button", name="Send", exact=True)


def completions(screen: Screen) -> Locator:
    return screen.page.get_by_role("listbox", name="Emoji").get_by_role("option")


async def height_of(element: Locator) -> float:
    box = await element.bounding_box()
    assert box is not None
    return box["height"]


# By hand


async def test_the_box_grows_with_what_is_written_up_to_a_limit(stage: Stage) -> None:
    alice, _ = await stage.everybody()
    await expect(alice.box).to_be_focused()
    heights = []
    for lines in (1, 2, 4, 30, 60):
        await alice.box.fill("\n".join(["Eggs"] * lines))
        heights.append(await height_of(alice.box))
    assert heights[0] < heights[1] < heights[2] < heights[3] == heights[4] < 250
    await expect(alice.message("Line 1")).to_be_in_viewport(ratio=1)
    await alice.box.fill("A long line " * 40)
    assert await height_of(alice.box) > heights[1]
    await alice.box.press("Enter")
    await expect(alice.box).to_have_value("")
    assert await height_of(alice.box) == heights[0]


async def test_enter_sends_and_shift_enter_begins_a_line(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await alice.box.press("Enter")
    await alice.box.press_sequentially("  ")
    await alice.box.press("Enter")  # nothing to send
    await alice.box.fill("Eggs")
    await alice.box.press("Shift+Enter")
    await alice.box.press_sequentially("and milk")
    await alice.box.press("Enter")
    await bob.sees("Line 1", "Eggs\nand milk")
    await expect(alice.box).to_have_value("")
    await expect(alice.box).to_be_focused()


async def test_an_input_method_keeps_its_enter(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    session = await alice.page.context.new_cdp_session(alice.page)
    await session.send("Input.imeSetComposition", {"text": "こん", "selectionStart": 2, "selectionEnd": 2})
    await expect(alice.box).to_have_value("こん")
    await alice.box.evaluate(_COMPOSED)
    await expect(alice.box).to_have_value("こん")
    await session.send("Input.insertText", {"text": "今日は"})
    await alice.box.press("Enter")
    await bob.sees("Line 1", "今日は")


async def test_drafts_stay_with_their_conversation(stage: Stage) -> None:
    talk = stage.talk()
    alice = await stage.person(talk, "alice")
    club = await alice.asks("POST", "groups/", {"name": "Egg club", "category": "TIPS"})
    in_list = alice.lines.filter(has_text="Egg club")
    other = alice.lines.filter(has_text=f"Bob {talk.mark}")
    await alice.box.fill("Dear Bob")
    await in_list.click()
    await expect(alice.heading("Egg club")).to_be_visible()
    await expect(alice.box).to_have_value("")
    await expect(other).to_contain_text("Draft: Dear Bob")
    await alice.box.fill("Dear all")

    await alice.page.reload()
    await expect(alice.box).to_have_value("Dear all")
    await expect(in_list).not_to_contain_text("Draft:")  # it is open
    await expect(other).to_contain_text("Draft: Dear Bob")
    window = await alice.opens_another_window()
    stage.screens.append(window)
    await expect(window.box).to_have_value("Dear all")
    await alice.box.fill("Dear all of you")
    await expect(window.box).to_have_value("Dear all of you")
    await window.lines.filter(has_text="Bob").click()
    await expect(window.box).to_have_value("Dear Bob")
    await expect(window.lines.filter(has_text="Egg club")).to_contain_text("Draft: Dear all of you")

    await alice.box.press("Enter")
    await expect(alice.box).to_have_value("")
    await expect(window.lines.filter(has_text="Egg club")).to_contain_text("You: Dear all of you")
    await window.box.press("Enter")
    await expect(alice.lines.filter(has_text="Bob")).to_contain_text("You: Dear Bob")
    assert club["conversationId"] in alice.page.url


async def test_what_is_too_long_says_by_how_much(stage: Stage) -> None:
    alice, _ = await stage.everybody()
    await alice.box.fill("x" * 4003)
    await expect(alice.page.get_by_text("3 characters too long")).to_be_visible()
    await expect(send(alice)).to_be_disabled()
    await alice.box.press("Enter")
    await alice.box.fill("🍅" * 4000)  # characters, not their halves
    await expect(alice.page.get_by_text("too long")).to_have_count(0)
    await expect(send(alice)).to_be_enabled()
    await expect(alice.log.locator(".message")).to_have_count(1)


# Emoji


async def test_emoji_are_completed_by_their_names(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await alice.box.press_sequentially("Fresh :tomat")
    await expect(completions(alice).first).to_have_text("🍅 :tomato:")
    await expect(completions(alice).first).to_have_attribute("aria-selected", "true")
    await alice.box.press("Enter")
    await expect(alice.box).to_have_value("Fresh 🍅 ")
    await expect(completions(alice)).to_have_count(0)

    await alice.box.press_sequentially(":egg")
    await expect(completions(alice).first).to_be_visible()
    chosen = completions(alice).nth(1)
    await alice.box.press("ArrowDown")
    await expect(chosen).to_have_attribute("aria-selected", "true")
    emoji = (await chosen.inner_text()).split()[0]
    for_who_does_not_see = await alice.box.get_attribute("aria-activedescendant")
    await expect(chosen).to_have_id(for_who_does_not_see or "")
    await alice.box.press("Tab")
    await expect(alice.box).to_have_value(f"Fresh 🍅 {emoji} ")
    await expect(alice.box).to_be_focused()

    await alice.box.press_sequentially(":tomat")
    await completions(alice).filter(has_text=":tomato:").click()
    await expect(alice.box).to_have_value(f"Fresh 🍅 {emoji} 🍅 ")
    await expect(alice.box).to_be_focused()
    await alice.box.press("Enter")
    await bob.sees("Line 1", f"Fresh 🍅 {emoji} 🍅")


async def test_completion_is_left_by_escape_and_does_not_outlive_the_text(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await alice.box.press_sequentially("A :tomat")
    await expect(completions(alice).first).to_be_visible()
    await alice.box.press("Escape")
    await expect(completions(alice)).to_have_count(0)
    await alice.box.press("Enter")
    await bob.sees("Line 1", "A :tomat")

    await alice.box.press_sequentially("B :tomat")
    await expect(completions(alice).first).to_be_visible()
    await send(alice).click()
    await expect(completions(alice)).to_have_count(0)
    await bob.sees("Line 1", "A :tomat", "B :tomat")


async def test_a_whole_name_becomes_its_emoji_where_it_stands(stage: Stage) -> None:
    alice, _ = await stage.everybody()
    await alice.box.fill("Fresh  today")
    await alice.box.evaluate("(box) => box.setSelectionRange(6, 6)")
    await alice.box.press_sequentially(":tomato:")
    await expect(alice.box).to_have_value("Fresh 🍅 today")
    await alice.box.press_sequentially("!")
    await expect(alice.box).to_have_value("Fresh 🍅! today")


async def test_the_picker_puts_an_emoji_where_the_caret_is(stage: Stage) -> None:
    alice, _ = await stage.everybody()
    await alice.box.fill("Fresh today")
    await alice.box.evaluate("(box) => box.setSelectionRange(6, 6)")
    await alice.page.get_by_role("button", name="Emoji").click()
    search = alice.dialog("Emoji").get_by_role("combobox")
    await search.fill("tomato")
    await alice.dialog("Emoji").get_by_role("option", name="tomato").click()
    await expect(alice.box).to_have_value("Fresh 🍅today")
    await expect(alice.box).to_be_focused()
    await alice.box.press_sequentially(" ")
    await expect(alice.box).to_have_value("Fresh 🍅 today")


# By voice


async def test_a_voice_note_is_recorded_sent_and_played(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await alice.page.get_by_role("button", name="Record a voice note").click()
    recorder = alice.page.get_by_role("group", name="Voice note")
    await expect(recorder.get_by_role("timer")).to_have_text("0:01")
    await recorder.get_by_role("button", name="Cancel").click()
    await expect(alice.box).to_be_visible()
    await expect(alice.page.get_by_role("list", name="Attached files")).to_have_count(0)

    await alice.page.get_by_role("button", name="Record a voice note").click()
    await expect(recorder.get_by_role("timer")).to_have_text("0:01")
    await recorder.get_by_role("button", name="Done").click()
    attached = alice.page.get_by_role("list", name="Attached files").get_by_role("listitem")
    await expect(attached).to_have_class(re.compile("ready"))
    await expect(alice.box).to_be_focused()
    await send(alice).click()
    note = bob.log.get_by_role("group", name="Voice note")
    await note.get_by_role("button", name="Play").click()
    await expect(note.get_by_role("button", name="Pause")).to_be_visible()
    await expect(note.get_by_role("button", name="Play")).to_be_visible()  # at its end
    await expect(note.get_by_role("alert")).to_have_count(0)
    await expect(bob.lines.first).to_contain_text("Voice note")


async def test_who_is_refused_the_microphone_learns_why(stage: Stage) -> None:
    talk = stage.talk()
    alice = await stage.person(talk, "alice", "")
    await alice.page.add_init_script(_NO_MICROPHONE)
    await alice.page.reload()
    await alice.lines.first.click()
    await alice.page.get_by_role("button", name="Record a voice note").click()
    await expect(alice.page.get_by_text("This page may not use the microphone.")).to_be_visible()
    await alice.writes("Then in writing")
    await expect(alice.page.get_by_text("may not use the microphone")).to_have_count(0)
    await alice.sees("Line 1", "Then in writing")


# By thumb


async def test_on_a_phone_the_newest_message_stays_above_the_keyboard(stage: Stage) -> None:
    talk = stage.talk(LONG)
    alice = await stage.person(talk, "alice", **PHONE)
    newest = alice.message("Line 40 and")
    await expect(newest).to_be_in_viewport(ratio=1)
    await expect(alice.box).not_to_be_focused()
    await expect(alice.page.get_by_role("button", name="Take a photo")).to_be_visible()
    await expect(alice.page.locator("#composer-camera")).to_have_attribute("capture", "environment")

    await alice.box.tap()
    await expect(alice.box).to_be_focused()
    width, height = PHONE["viewport"]["width"], PHONE["viewport"]["height"]
    await alice.page.set_viewport_size({"width": width, "height": height - KEYBOARD})
    for part in (alice.box, newest, send_or_record(alice)):
        await expect(part).to_be_in_viewport(ratio=1)
    await alice.box.fill("Eggs\nand\nmilk\nand\nrye\nand\nbeans")
    for part in (alice.box, send(alice), newest):
        await expect(part).to_be_in_viewport(ratio=1)
    await send(alice).tap()
    await expect(alice.message("beans")).to_be_in_viewport(ratio=1)
    await alice.page.set_viewport_size({"width": width, "height": height})
    await expect(alice.message("beans")).to_be_in_viewport(ratio=1)
    assert await alice.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def send_or_record(screen: Screen) -> Locator:
    return screen.page.locator("button.send")


async def test_on_a_phone_a_long_press_opens_a_sheet_and_chooses_nothing(stage: Stage) -> None:
    talk = stage.talk(LONG)
    alice = await stage.person(talk, "alice", **PHONE)
    bubble = alice.message("Line 40 and").locator(".bubble")
    sheet = alice.dialog("Message")
    await expect(bubble).to_be_visible()
    box = await bubble.bounding_box()
    assert box is not None
    finger = {"x": box["x"] + 30, "y": box["y"] + box["height"] / 2}
    session = await alice.page.context.new_cdp_session(alice.page)
    await session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [finger]})
    trembling = {**finger, "x": finger["x"] + 4}
    await session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [trembling]})
    await expect(sheet).to_be_visible()
    sheet_box = await sheet.bounding_box()
    assert sheet_box is not None
    assert sheet_box["y"] < finger["y"] < sheet_box["y"] + sheet_box["height"]  # the finger is over its choices
    await session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await alice.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
    await expect(sheet).to_be_visible()
    await expect(alice.page.locator(".composer-context, .notice p, .reaction")).to_have_count(0)
    await sheet.get_by_role("button", name="Reply").tap()
    await expect(sheet).to_have_count(0)
    await expect(alice.page.locator(".composer-context")).to_contain_text("Line 40")
    await expect(alice.box).to_be_focused()


async def test_with_a_mouse_the_box_has_the_focus_and_no_camera_is_offered(stage: Stage) -> None:
    alice, _ = await stage.everybody()
    await expect(alice.box).to_be_focused()
    await expect(alice.page.get_by_role("button", name="Attach files")).to_be_visible()
    await expect(alice.page.get_by_role("button", name="Take a photo")).to_have_count(0)


# Who may not


def from_now(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


async def test_who_is_silenced_can_only_read(stage: Stage) -> None:
    alice, bob, carol = await stage.everybody(GROUP)
    group = (await alice.asks("GET", "groups/?mine=true"))["results"][0]["id"]
    silence = {"userId": await alice.id_of(bob), "until": from_now(hours=1), "reason": "Too loud"}
    await alice.asks("POST", f"groups/{group}/mutes/", silence)
    await expect(bob.page.get_by_text("You can only read here until")).to_be_visible()
    await expect(bob.box).to_have_count(0)
    await bob.page.reload()
    await expect(bob.page.get_by_text("You can only read here until")).to_be_visible()
    await carol.writes("Quiet here")
    await bob.message("Quiet here").hover()
    await expect(bob.page.get_by_role("toolbar")).to_have_count(0)
    await alice.asks("DELETE", f"groups/{group}/mutes/{silence['userId']}/")
    await bob.writes("Sorry")
    await carol.sees("Line 1", "Quiet here", "Sorry")

    await alice.asks("POST", f"groups/{group}/mutes/", {**silence, "until": from_now(seconds=4)})
    await expect(bob.page.get_by_text("You can only read here until")).to_be_visible()
    await expect(bob.box).to_be_visible()  # when that is over
    await bob.writes("Here again")
    await carol.sees("Line 1", "Quiet here", "Sorry", "Here again")


async def test_who_has_blocked_somebody_unblocks_them_to_write(stage: Stage) -> None:
    alice, bob = await stage.everybody()
    await alice.chooses("Block")
    await expect(alice.page.get_by_text("You have blocked Bob.")).to_be_visible()
    await expect(alice.box).to_have_count(0)
    await alice.sees("Message from someone you blocked")
    await alice.message("Message from").hover()
    await expect(alice.page.get_by_role("toolbar")).to_have_count(0)
    await alice.page.get_by_role("button", name="Unblock to write").click()
    await alice.sees("Line 1")
    await alice.writes("Good again")
    await bob.sees("Line 1", "Good again")
