"""Which web pages may open a socket."""

from typing import Any

import pytest

from localroots_chat.gateway.origin import may_connect

HOST = b"chat.example.org"


@pytest.fixture
def production(settings: Any) -> None:
    settings.PRODUCTION = True
    settings.PUBLIC_URL = "https://chat.example.org"
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.ALLOWED_ORIGINS = ["https://shop.example.org:8443"]


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    "origin",
    [
        None,
        b"https://chat.example.org",
        b"https://chat.example.org:443",
        b"https://CHAT.example.org",
        b"https://shop.example.org:8443",
    ],
)
def test_the_service_itself_and_allowed_pages_may(origin: bytes | None) -> None:
    assert may_connect(origin, HOST, secure=True)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example",
        b"https://chat.example.org.evil.example",
        b"http://chat.example.org",
        b"https://chat.example.org:8443",
        b"https://shop.example.org",
        b"https://user@chat.example.org",
        b"https://chat.example.org/path",
        b"null",
        b"",
        b"http://[::1",
        b"https://chat.example.org:99999",
        b"https://chat.example.org:port",
        b"https://\xff",
        b"javascript:alert(1)",
    ],
)
def test_foreign_and_malformed_origins_may_not(origin: bytes) -> None:
    assert not may_connect(origin, HOST, secure=True)


def test_without_a_public_url_the_host_that_was_asked_for_is_the_own(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    assert may_connect(b"http://127.0.0.1:8000", b"127.0.0.1:8000", secure=False)
    assert not may_connect(b"http://127.0.0.1:9000", b"127.0.0.1:8000", secure=False)
    assert not may_connect(b"http://evil.example", b"evil.example", secure=False), "not one of ALLOWED_HOSTS"
