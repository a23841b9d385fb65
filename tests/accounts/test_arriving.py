"""People who connect together are looked up together."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.epochs import epoch
from localroots_chat.accounts.models import User
from localroots_chat.gateway.wiring import Arrival, Credential
from localroots_chat.sockets import arrive
from tests.conversations.conftest import make_direct, say
from tests.support.people import sign_token

QUERIES = 6  # people, their seats, whose are behind, what is unread, the epoch; one to spare for sign-ins


@pytest.mark.django_db
@pytest.mark.parametrize("people", [1, 20])
def test_arriving_takes_the_same_queries_for_any_number(people: int) -> None:
    epoch()
    other = User.objects.create(public_id="other")
    for number in range(people):
        say(other, make_direct(other, User.objects.create(public_id=f"p{number}", profile_applied=2e9)), "hello")
    credentials = [Credential(token=sign_token(f"p{number}")) for number in range(people)]
    with CaptureQueriesContext(connection) as captured:
        arrivals = arrive(credentials)
    assert [one.unread_total for one in arrivals if isinstance(one, Arrival)] == [1] * people
    assert len(captured) <= QUERIES, [query["sql"][:80] for query in captured]
