"""A real Chromium for the tests that look at pages, driven by playwright."""

import os
import shutil
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from playwright.async_api import Browser

_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A microphone that beeps, and that every page may use.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


def chromium() -> str:
    """The program's path."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.fail("The browser tests need Chromium: install it (Debian: apt install chromium).", pytrace=False)


# Async, because the sync API keeps an event loop running that async tests then trip over; one browser a test,
# because its objects belong to that test's loop.
@pytest_asyncio.fixture
async def browser() -> AsyncIterator["Browser"]:
    """A browser of its own: `page = await browser.new_page()`."""
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        pytest.fail(
            "The browser tests need playwright: run pip install playwright (no browser download).",
            pytrace=False,
        )
    # Chromium's sandbox refuses root.
    flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield launched
        await launched.close()
