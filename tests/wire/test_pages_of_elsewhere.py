"""REST asked by a page of another origin: those of ALLOWED_ORIGINS may, with a token; a cookie is of no use to them."""

import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.people import sign_token

SHOP = "https://shop.example.org"
STRANGERS = ["https://evil.example", "null", "http://shop.example.org", f"{SHOP}.evil.example", f"{SHOP}:444"]


@pytest.fixture(autouse=True)
def shop(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [SHOP]


def preflight(origin: str, path: str = "/api/conversations/") -> dict[str, str]:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    answer = Client().options(path, headers={**asked, "access-control-request-headers": "authorization,content-type"})
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith("access-control")}


def test_the_shops_page_may_ask_with_a_token() -> None:
    allowed = preflight(SHOP)
    assert allowed["access-control-allow-origin"] == SHOP
    assert {"authorization", "content-type"} <= set(allowed["access-control-allow-headers"].split(", "))
    assert {"GET", "POST", "PATCH", "PUT", "DELETE"} <= set(allowed["access-control-allow-methods"].split(", "))
    assert "access-control-allow-credentials" not in allowed


@pytest.mark.django_db
def test_it_can_read_the_answer_and_a_refusal() -> None:
    for headers in ({}, {"authorization": f"Bearer {sign_token('ines')}"}):
        answer = Client().get("/api/me/", headers={"origin": SHOP, **headers})
        assert answer.status_code == (200 if headers else 401)
        assert answer["Access-Control-Allow-Origin"] == SHOP
        assert "Origin" in answer["Vary"].title()
        assert "Retry-After" in answer["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origin", STRANGERS)
def test_others_may_not(origin: str) -> None:
    assert preflight(origin) == {}


@pytest.mark.parametrize("path", ["/sign-in/", "/admin/", "/", "/healthz"])
def test_nothing_but_rest_is_open_to_it(path: str) -> None:
    assert preflight(SHOP, path) == {}
