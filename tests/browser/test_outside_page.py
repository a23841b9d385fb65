"""Another web app, on an origin of its own, imports the client's core from the service and talks with a token."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, expect

from tests.browser.screen import cast_of, create_casts
from tests.support.people import sign_token
from tests.support.processes import free_port
from tests.support.servers import ChatServer

_PAGE = """<!doctype html><title>The shop</title><p id="state"></p><ol id="messages"></ol>
<script type="module">
  import {{ ChatClient }} from "{chat}/static/webclient/js/core/client.js";
  const chat = new ChatClient({{
    baseUrl: "{chat}",
    me: {{ id: "shopper", name: "Sam Shopper", image: null, role: "CUSTOMER" }},
    token: async () => "{token}",
  }});
  chat.subscribe(() => {{
    document.getElementById("state").textContent = chat.connectionState;
    const [newest] = chat.store.listed;
    const messages = chat.store.thread(newest?.id)?.list ?? [];
    document.getElementById("messages").replaceChildren(
      ...messages.map(({{ content }}) => Object.assign(document.createElement("li"), {{ textContent: content }})),
    );
  }});
  chat.start();
  window.write = async (name, content) => {{
    const [person] = await chat.rest.people(name);
    const conversation = await chat.rest.converseWith(person.id);
    chat.store.putConversation(conversation);
    await chat.open(conversation.id);
    chat.send(conversation.id, {{ content }});
  }};
</script>"""


class Shop:
    """A web server with one page, on an origin of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.page = ""

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    def serve(self) -> http.server.ThreadingHTTPServer:
        shop = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(shop.page.encode())

            def log_message(self, *_: object) -> None:
                """Nothing to say."""

        return http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    server = shop.serve()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


async def test_the_shops_own_page_talks_with_the_built_in_one(browser: Browser, shop: Shop) -> None:
    with ChatServer(env={"ALLOWED_ORIGINS": shop.origin}) as server:
        alice, _, _ = await cast_of(server, create_casts(server, count=1)[0], browser)
        await alice.signs_in()
        token = sign_token("shopper", name="Sam Shopper", role="CUSTOMER")
        shop.page = _PAGE.format(chat=server.base_url, token=token)
        page = await browser.new_page()
        await page.goto(shop.origin)
        await expect(page.locator("#state")).to_have_text("online")
        await page.evaluate("([name, content]) => window.write(name, content)", [alice.name, "Any leeks?"])
        await alice.page.get_by_role("navigation").get_by_role("link").filter(has_text="Sam Shopper").click()
        await alice.sees("Any leeks?")
        await alice.writes("Plenty")
        await expect(page.locator("#messages li")).to_have_text(["Any leeks?", "Plenty"])


async def test_a_page_that_is_not_allowed_gets_nowhere(browser: Browser, shop: Shop) -> None:
    with ChatServer(env={"ALLOWED_ORIGINS": "http://localhost:1"}) as server:
        shop.page = _PAGE.format(chat=server.base_url, token=sign_token("shopper"))
        page = await browser.new_page()
        async with page.expect_event("console", lambda said: "403" in said.text and "/ws/chat/" in said.text):
            await page.goto(shop.origin)
        await expect(page.locator("#state")).to_have_text("reconnecting")
