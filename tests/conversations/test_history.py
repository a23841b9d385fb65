"""Pages of history by seq: before, after, around, at both ends."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.history import Place, page_of
from conversations.models import Conversation
from localroots_chat.accounts.models import User
from tests.conversations.conftest import say


@pytest.fixture
def ten(alice: User, talk: Conversation) -> Conversation:
    say(alice, talk, *(f"message {i}" for i in range(1, 11)))
    return talk


@pytest.mark.parametrize(
    ("place", "limit", "seqs", "older", "newer"),
    [
        (Place("newest"), 4, [7, 8, 9, 10], True, False),
        (Place("newest"), 50, list(range(1, 11)), False, False),
        (Place("before", 7), 3, [4, 5, 6], True, True),
        (Place("before", 3), 5, [1, 2], False, True),
        (Place("before", 1), 5, [], False, True),
        (Place("before", 99), 2, [9, 10], True, False),
        (Place("after", 7), 2, [8, 9], True, True),
        (Place("after", 8), 5, [9, 10], True, False),
        (Place("after", 10), 5, [], True, False),
        (Place("after", 0), 3, [1, 2, 3], False, True),
        (Place("around", 5), 5, [3, 4, 5, 6, 7], True, True),
        (Place("around", 1), 4, [1, 2], False, True),
        (Place("around", 10), 4, [7, 8, 9, 10], True, False),
        (Place("around", 99), 4, [7, 8, 9, 10], True, False),
    ],
)
def test_a_page(
    alice: User, ten: Conversation, place: Place, limit: int, seqs: list[int], older: bool, newer: bool
) -> None:
    page = page_of(alice.pk, str(ten.pk), place, limit)
    assert [message.seq for message in page.messages] == seqs
    assert (page.has_older, page.has_newer) == (older, newer)
    assert page.version == 10


def test_an_empty_conversation_has_nothing_older_or_newer(alice: User, talk: Conversation) -> None:
    page = page_of(alice.pk, str(talk.pk), Place("newest"))
    assert (page.messages, page.has_older, page.has_newer, page.version) == ([], False, False, 0)


def test_pages_meet_without_gap_or_overlap(alice: User, ten: Conversation) -> None:
    seqs, place = list[int](), Place("newest")
    while True:
        page = page_of(alice.pk, str(ten.pk), place, 3)
        seqs = [message.seq for message in page.messages] + seqs
        if not page.has_older:
            break
        place = Place("before", page.messages[0].seq)
    assert seqs == list(range(1, 11))


@pytest.mark.parametrize("limit", [1, 10])
def test_a_page_takes_two_queries_of_any_size(alice: User, ten: Conversation, limit: int) -> None:
    with CaptureQueriesContext(connection) as captured:
        page_of(alice.pk, str(ten.pk), Place("before", 11), limit)
    assert len(captured) == 2  # the seat, the messages with their senders and what they answer
