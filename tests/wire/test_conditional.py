"""REST answers that have not changed are not sent again, and nobody on the way keeps any."""

import pytest

from tests.support.people import Person

LISTS = ["/api/conversations/", "/api/conversations/{id}/messages/", "/api/groups/", "/api/me/"]


@pytest.mark.parametrize("path", LISTS)
def test_an_answer_that_has_not_changed_is_not_sent_again(
    path: str, alice: Person, conversation: dict[str, str]
) -> None:
    address = path.format(id=conversation["id"])
    first = alice.http.get(address)
    assert first.status_code == 200
    again = alice.http.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = alice.http.get(address, headers={"If-None-Match": '"another"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_an_answer_that_has_changed_is_sent(alice: Person, bob: Person, conversation: dict[str, str]) -> None:
    address = f"/api/conversations/{conversation['id']}/messages/"
    first = alice.http.get(address)
    bob.post(address, {"content": "hello"})
    again = alice.http.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert again.json()["messages"][-1]["content"] == "hello"
    assert again.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize("path", [*LISTS, "/api/conversations/none/", "/api/nowhere/"])
def test_nobody_on_the_way_keeps_an_answer(path: str, alice: Person, conversation: dict[str, str]) -> None:
    answer = alice.http.get(path.format(id=conversation["id"]))
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert ("ETag" in answer.headers) == (answer.status_code == 200), "a refusal is not worth keeping"
