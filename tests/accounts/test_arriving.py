"""People who connect together are looked up together."""

from collections.abc import Sequence

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from conversations.epochs import epoch
from localroots_chat.accounts.models import User
from localroots_chat.accounts.tokens import token_invalid
from localroots_chat.errors import ChatError
from localroots_chat.gateway import arrivals
from localroots_chat.gateway.arrivals import Visitor
from localroots_chat.gateway.limits import Question
from localroots_chat.gateway.wiring import Arrival, Credential, wired
from localroots_chat.sockets import arrive
from tests.conversations.conftest import make_direct, say
from tests.support.people import sign_token

QUERIES = 4  # the epoch, people, their seats with what is unread, their blocks; a fifth where there are sign-ins


@pytest.mark.django_db
@pytest.mark.parametrize("people", [1, 20])
def test_arriving_takes_the_same_queries_for_any_number(people: int) -> None:
    epoch()
    other = User.objects.create(public_id="other")
    for number in range(people):
        say(other, make_direct(other, User.objects.create(public_id=f"p{number}", profile_applied=2e9)), "hello")
    credentials = [Credential(token=sign_token(f"p{number}")) for number in range(people)]
    with CaptureQueriesContext(connection) as captured:
        found = arrive(credentials)
    assert [one.unread.total for one in found if isinstance(one, Arrival)] == [1] * people
    assert len(captured) == QUERIES, [query["sql"][:80] for query in captured]


def test_a_connection_is_counted_once_however_often_the_database_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[str] = []
    answers: list[list[ChatError] | OperationalError] = [[token_invalid()], OperationalError("the connection is lost")]

    def ask(questions: Sequence[Question]) -> list[float]:
        counted.extend(one.who for one in questions)
        return [0.0] * len(questions)

    def arrive_at_second_try(credentials: list[Credential]) -> Sequence[Arrival | ChatError]:
        answer = answers.pop()
        if isinstance(answer, OperationalError):
            raise answer
        return answer

    monkeypatch.setattr(arrivals, "ask_in_thread", ask)
    monkeypatch.setattr(arrivals, "wired", lambda: wired()._replace(arrive=arrive_at_second_try))
    (found,) = arrivals._let_in([Visitor(Credential(token="x"), "192.0.2.1")])
    assert isinstance(found, ChatError)
    assert counted == ["connect:192.0.2.1"]


def test_who_comes_too_often_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[Credential] = []

    def arrive_as_asked(credentials: list[Credential]) -> Sequence[Arrival | ChatError]:
        looked_up.extend(credentials)
        return [token_invalid() for _ in credentials]

    monkeypatch.setattr(arrivals, "ask_in_thread", lambda questions: [0.0, 7.5])
    monkeypatch.setattr(arrivals, "wired", lambda: wired()._replace(arrive=arrive_as_asked))
    first, often, counted_before = (Credential(token=name) for name in ("first", "often", "counted before"))
    found = arrivals._let_in([Visitor(first, "192.0.2.1"), Visitor(often, "192.0.2.1"), Visitor(counted_before)])
    assert [one.code for one in found if isinstance(one, ChatError)] == [
        "token_invalid",
        "rate_limited",
        "token_invalid",
    ]
    assert looked_up == [first, counted_before]
