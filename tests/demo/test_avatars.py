"""Pictures of the demo's people: small, well-formed, different from each other, and asking nobody for anything."""

from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from localroots_chat.accounts.models import User
from localroots_chat.demo.people import PEOPLE, Somebody

BYTES_MOST = 700
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("one", PEOPLE, ids=lambda one: one.username)
def test_a_picture_is_small_and_well_formed(one: Somebody) -> None:
    kind, _, encoded = one.image.partition(",")
    assert kind == "data:image/svg+xml"
    assert len(one.image) <= BYTES_MOST
    assert one.image.isascii()
    assert not set(one.image) & set(' "<>#\\`'), "an address has none of these"
    drawing = ElementTree.fromstring(unquote(encoded))
    assert drawing.tag == f"{SVG}svg"
    assert drawing.get("viewBox") == "0 0 36 36"
    assert {part.tag for part in drawing} == {f"{SVG}path"}, "neither scripts nor anything from elsewhere"
    assert all(part.get("d") for part in drawing)


def test_pictures_tell_people_apart() -> None:
    assert len({one.image for one in PEOPLE}) == len(PEOPLE)


def test_the_people_in_the_database_have_them(marketplace: object) -> None:
    assert dict(User.objects.filter(is_staff=False).values_list("username", "image")) == {
        one.username: one.image for one in PEOPLE
    }
