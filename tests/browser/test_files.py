"""Pictures and other files between two people, each in a Chromium window of their own."""

import base64
import re
from typing import Any

import pytest
from playwright.async_api import FilePayload, Locator, expect

from tests.browser.screen import Cast, Screen, talk
from tests.support import files

PHOTO = FilePayload(name="field.jpg", mimeType="image/jpeg", buffer=files.jpeg(1600, 1200, gps=True))
# A file that a page's script makes, as it comes from the clipboard or the desktop.
_GIVE = """
([selector, kind, name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type: "image/png"}));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true})
    : new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true});
  document.querySelector(selector).dispatchEvent(event);
}"""


def attached(screen: Screen) -> Locator:
    return screen.page.get_by_role("list", name="Attached files").get_by_role("listitem")


async def attach(screen: Screen, *payloads: FilePayload) -> None:
    await screen.page.locator("#composer-files").set_input_files(list(payloads))


async def size_of(picture: Locator) -> list[int]:
    found: list[int] = await picture.evaluate("(image) => [image.naturalWidth, image.width, image.height]")
    return found


async def test_a_picture_is_sent_seen_and_opened(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    await attach(bob, PHOTO)
    await expect(attached(bob)).to_have_class(re.compile("ready"))
    await bob.writes("My field")
    for screen in (bob, alice):
        picture = screen.log.get_by_role("img", name="field.jpg")
        await expect(picture).to_be_visible()
        await expect(picture).to_have_js_property("complete", True)
        assert await size_of(picture) == [320, 320, 240]
    await expect(attached(bob)).to_have_count(0)
    await expect(bob.line_of(alice)).to_contain_text("My field")
    await alice.log.get_by_role("link", name="Open field.jpg").click()
    large = alice.page.get_by_role("dialog", name="field.jpg").get_by_role("img")
    await expect(large).to_have_js_property("naturalWidth", 1600)
    await alice.page.keyboard.press("Escape")
    await expect(large).to_be_hidden()


async def test_a_large_photo_is_made_smaller_before_it_is_sent(cast: Cast) -> None:
    alice, bob, _ = cast
    large = files.jpeg(6000, 4500, turned=True, quality=100)
    assert len(large) > 1024 * 1024, "a smaller one goes as it is"
    await talk(alice, bob)
    await attach(bob, FilePayload(name="barn.jpg", mimeType="image/jpeg", buffer=large))
    await expect(attached(bob)).to_have_class(re.compile("ready"))
    await bob.writes("The barn")
    await alice.log.get_by_role("link", name="Open barn.jpg").click()
    shown = alice.page.get_by_role("dialog", name="barn.jpg").get_by_role("img")
    await expect(shown).to_have_js_property("naturalWidth", 1920)  # upright, as it was meant
    await expect(shown).to_have_js_property("naturalHeight", 2560)


async def test_its_place_is_there_before_the_picture(cast: Cast) -> None:
    """What was below it stands where it stood, and a blur of it is shown until it comes."""
    alice, bob, _ = cast
    await talk(alice, bob)
    routes: list[Any] = []
    await alice.page.route("**/api/attachments/**", lambda route: routes.append(route))
    await attach(bob, PHOTO)
    await bob.page.get_by_role("button", name="Send", exact=True).click()
    picture = alice.log.get_by_role("img", name="field.jpg")
    await expect(picture).to_be_visible()
    await bob.writes("below it")
    await alice.sees("Good morning", "below it")
    before = await alice.log.get_by_text("below it").bounding_box()
    assert (await size_of(picture))[1:] == [320, 240]
    assert "data:image/webp" in await picture.evaluate("(image) => image.style.backgroundImage")
    for route in routes:
        await route.continue_()
    await expect(picture).to_have_js_property("naturalWidth", 320)
    assert await alice.log.get_by_text("below it").bounding_box() == before
    assert await picture.evaluate("(image) => image.style.backgroundImage") == ""
    await expect(alice.line_of(bob)).to_contain_text("below it")


@pytest.mark.parametrize(("kind", "where"), [("paste", "#composer-text"), ("drop", ".messages")])
async def test_pasted_and_dropped(cast: Cast, kind: str, where: str) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    given = [where, kind, "drawing.png", base64.b64encode(files.png()).decode()]
    await bob.page.evaluate(_GIVE, given)
    await expect(attached(bob)).to_contain_text("drawing.png")
    await expect(attached(bob)).to_have_class(re.compile("ready"))
    await bob.page.get_by_role("button", name="Send", exact=True).click()
    await expect(alice.log.get_by_role("img", name="drawing.png")).to_be_visible()
    await expect(alice.line_of(bob)).to_contain_text("Photo")


async def test_sounds_and_documents(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    note = FilePayload(name="note.webm", mimeType="audio/webm", buffer=files.sound("webm", "libopus"))
    await attach(bob, note)
    await bob.page.get_by_role("button", name="Send", exact=True).click()
    voice = alice.log.get_by_role("group", name="note.m4a")
    await voice.get_by_role("button", name="Play").click()
    await expect(voice.get_by_role("button", name="Pause")).to_be_visible()
    await expect(voice.get_by_role("slider")).to_have_attribute("aria-valuetext", "0:01 of 0:02")
    await expect(voice.get_by_role("button", name="Play")).to_be_visible()  # at its end
    await expect(alice.line_of(bob)).to_contain_text("Voice note")
    await attach(bob, FilePayload(name="prices.pdf", mimeType="application/pdf", buffer=files.PDF))
    await expect(attached(bob)).to_have_class(re.compile("ready"))
    await bob.writes("The prices")
    link = alice.log.get_by_role("link", name="prices.pdf")
    async with alice.page.expect_download() as download:
        await link.click()
    assert (await download.value).suggested_filename == "prices.pdf"


async def test_refused_cancelled_and_too_many(cast: Cast) -> None:
    alice, bob, _ = cast
    await talk(alice, bob)
    send = bob.page.get_by_role("button", name="Send", exact=True)
    await attach(bob, FilePayload(name="page.png", mimeType="image/png", buffer=b"<svg onload=alert(1)>"))
    await expect(attached(bob)).to_contain_text("Pictures, sounds, PDF and plain text are taken.")
    await bob.box.fill("Look")
    await expect(send).to_be_disabled()
    await bob.page.get_by_role("button", name="Remove page.png").click()
    await expect(send).to_be_enabled()

    held: list[Any] = []
    await bob.page.route("**/api/attachments/", lambda route: held.append(route))
    await attach(bob, PHOTO)
    await expect(send).to_be_disabled()
    await bob.page.get_by_role("button", name="Cancel field.jpg").click()
    await expect(attached(bob)).to_have_count(0)
    await bob.page.unroute("**/api/attachments/")

    small = [FilePayload(name=f"{n}.txt", mimeType="text/plain", buffer=b"hello") for n in range(6)]
    await attach(bob, *small)
    await expect(attached(bob)).to_have_count(5)
    await expect(bob.page.get_by_text("At most 5 files")).to_be_visible()
    await expect(send).to_be_enabled()
    await send.click()
    await expect(alice.log.get_by_role("link").filter(has_text=".txt")).to_have_count(5)
