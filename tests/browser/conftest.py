"""The cast of the tests of the page."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.screen import Cast, cast_of, create_casts
from tests.browser.stage import Stage, Talks
from tests.support.servers import ChatServer

_CASTS = 30  # made at once for a module's tests: passwords are hashed


@pytest.fixture(scope="module")
def marks(embedded_session_server: ChatServer) -> list[str]:
    return create_casts(embedded_session_server, count=_CASTS)


@pytest_asyncio.fixture
async def cast(embedded_server: ChatServer, marks: list[str], browser: Browser) -> AsyncIterator[Cast]:
    """Alice, Bob and Carol of this test alone; afterwards no page may have had an error or been made to speak."""
    screens = await cast_of(embedded_server, marks.pop(), browser)
    yield screens
    assert not [trouble for screen in screens for trouble in screen.troubles]


@pytest_asyncio.fixture
async def stage(embedded_server: ChatServer, talks: Talks, browser: Browser) -> AsyncIterator[Stage]:
    """For talks that have been going on for a while: `talks` is a fixture of the module's own."""
    stage = Stage(talks, browser)
    yield stage
    stage.assert_no_troubles()
