"""The REST doors as pages: each shows itself to a browser with a form for what it takes, and /api/docs/ shows all.

In Chromium under the service's own Content-Security-Policy: whatever that forbids is a trouble of the page.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.urls import NoReverseMatch, reverse
from playwright.async_api import Browser, Page, expect

from tests.openapi.test_schema import doors
from tests.support.people import Person
from tests.support.servers import ChatServer

HTML = {"Accept": "text/html"}
PASSWORD = "green-beans-and-rye"
_CREATE = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_user("hanna", "{PASSWORD}", public_id="hanna", name="Hanna")
"""


def address_of(route: str, talk: str) -> str:
    """Where a door is; an id in its address is the conversation's, which names nothing at other doors."""
    for ids in ([], [talk], [talk, "👍"]):
        try:
            return reverse(route, args=ids)
        except NoReverseMatch:
            continue
    raise AssertionError(f"nobody knows an address of {route}")


@pytest.mark.parametrize(("route", "method"), sorted({(route, method) for route, method, _ in doors()}))
def test_every_door_shows_itself_to_a_browser(
    route: str, method: str, embedded_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    alice, bob = new_person("alice", embedded_server), new_person("bob", embedded_server)
    path = address_of(route, alice.talks_to(bob)["id"])
    page = alice.http.get(path, headers=HTML)
    assert page.status_code in (200, 400, 401, 404, 405)  # 400: it wants a query
    assert page.headers["Content-Type"].startswith("text/html")
    assert "LocalRoots Chat" in page.text
    if method in ("post", "put", "patch") and page.status_code in (200, 405) and route != "users-sync":
        assert 'name="_content"' in page.text, "a form"


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Basic YTpi", "Bearer", "Server key", "x" * 3000])
def test_a_browser_with_a_bad_token_is_told_so(authorization: str, embedded_server: ChatServer, alice: Person) -> None:
    for path in ("/api/me/", "/api/conversations/", "/api/users/sync/"):
        answer = alice.http.get(path, headers={**HTML, "Authorization": authorization})
        assert answer.status_code in (401, 405), path
        assert "token_invalid" in answer.text or answer.status_code == 405


@pytest.fixture
def servers(embedded_server: ChatServer) -> list[ChatServer]:
    return [embedded_server]


@asynccontextmanager
async def clean_page(browser: Browser) -> AsyncIterator[Page]:
    """A page that may not have had an error, nor asked anybody else for anything."""
    troubles: list[str] = []
    page = await browser.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    refused = "Failed to load resource: the server responded with a status of 401"
    page.on("request", lambda asked: None if "//127.0.0.1:" in asked.url else troubles.append(asked.url[:200]))
    yield page
    assert [trouble for trouble in troubles if not trouble.startswith(("data:image", refused))] == []


async def test_a_message_is_sent_by_following_links_and_filling_a_form(browser: Browser, alice: Person) -> None:
    server = alice.server
    server.manage("shell", "--no-imports", "-c", _CREATE)
    talk: Any = alice.post("/api/conversations/", {"userId": "hanna"})
    content = '<b>Eggs</b>, "anyone"? https://farm.example/"><script>alert(1)</script>'
    alice.post(f"/api/conversations/{talk['id']}/messages/", {"content": content})
    async with clean_page(browser) as page:
        await page.goto(f"{server.base_url}/sign-in/?next=/api/")
        await page.get_by_label("User name").fill("hanna")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_role("link", name=f"{server.base_url}/api/conversations/").click()
        await page.get_by_role("link", name=talk["id"]).first.click()
        await expect(page.locator("textarea")).to_have_value(re.compile('"muted": false'))
        await page.get_by_role("link", name="Messages").click()
        await expect(page.locator(".response-info")).to_contain_text(json.dumps(content))
        await page.locator("textarea").fill('{"content": "Half a dozen, please"}')
        await page.get_by_role("button", name="POST").click()
        await expect(page.locator(".response-info")).to_contain_text("HTTP 201")
    assert alice.get(f"/api/conversations/{talk['id']}/")["lastMessage"]["content"] == "Half a dozen, please"


async def test_the_documentation_shows_every_operation(browser: Browser, alice: Person) -> None:
    async with clean_page(browser) as page:
        await page.goto(f"{alice.server.base_url}/api/docs/")
        await expect(page.locator(".opblock")).to_have_count(len(list(doors())))
        await page.get_by_text("Find groups, best match and liveliest first").click()
        await page.get_by_role("button", name="Try it out").click()
        await page.get_by_role("button", name="Execute").click()
        await expect(page.locator(".live-responses-table")).to_contain_text("401")
