"""Finding groups: what comes first, and what outsiders never see."""

from datetime import timedelta

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from uuid_utils.compat import uuid7

from conversations.models import Conversation
from groups import discovery, lifecycle
from groups.discovery import Cursor, Search
from groups.lifecycle import NewGroup
from groups.models import Group
from localroots_chat.accounts.models import User

pytestmark = pytest.mark.django_db


def found(owner: User, name: str, *, quiet: int = 0, **fields: str) -> str:
    """A group that nobody has spoken in for so many hours."""
    asked = msgspec.convert({"name": name, "category": "TIPS", **fields}, NewGroup)
    group = lifecycle.create(owner, asked, uuid7())
    Conversation.objects.filter(pk=group.conversation_id).update(updated_at=now() - timedelta(hours=quiet))
    return group.name


def names(person: User, **search: str) -> list[str]:
    page, _ = discovery.page_of(person.pk, Search(**search), after=None, limit=50)  # type: ignore[arg-type]
    return [group.name for group in page]


def test_the_best_match_comes_first_and_then_the_liveliest(owner: User, outsider: User) -> None:
    expected = [
        found(owner, "Tomatoes", quiet=9),
        found(owner, "Tomatoes of the valley", quiet=1),
        found(owner, "Tomatoes and friends", quiet=2),
        found(owner, "Our tomatoes", quiet=3),
        found(owner, "Red ones", quiet=4, description="All about tomatoes."),
        found(owner, "Tomatos", quiet=0),  # like it, but not it
    ]
    found(owner, "Eggs")
    assert names(outsider, words="TOMATOES") == expected
    assert names(outsider, words="tomatos")[0] == "Tomatos"
    assert set(names(outsider, words="tomatos")) == set(expected) - {"Red ones"}, "like it is the name alone"
    assert names(outsider, words="") == ["Eggs", "Tomatos", *[expected[place] for place in (1, 2, 3, 4, 0)]]


def test_words_are_found_as_they_are_written(owner: User, outsider: User) -> None:
    found(owner, "Half price", description="50% off", quiet=1)
    found(owner, "Many eggs", description="500 of them. A\\B_c")
    assert names(outsider, words="50%") == names(outsider, words="0% o") == ["Half price"]
    assert names(outsider, words="\\b_") == names(outsider, words="a\\b_c") == ["Many eggs"]
    assert names(outsider, words="50") == ["Many eggs", "Half price"], "two signs are found as well"


def test_words_are_looked_up_in_the_index(owner: User) -> None:
    talks = Conversation.objects.bulk_create(Conversation(type="GROUP") for _ in range(1000))
    Group.objects.bulk_create(
        Group(conversation=talk, name=f"Farm {number}", category="TIPS", created_by=owner)
        for number, talk in enumerate(talks)
    )
    with connection.cursor() as cursor:
        # Else it depends on what autovacuum has seen of earlier tests, and on what these have left in the index.
        cursor.execute("REINDEX INDEX group_trigrams")
        cursor.execute("ANALYZE groups_group")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            f"EXPLAIN {discovery._LOOKED_UP}", ["eggs", "%eggs%", owner.pk, "eggs", "", "", 0, 0, uuid7(), 9]
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert plan.count("Bitmap Index Scan on group_trigrams") == 3, plan


def test_private_groups_are_found_by_their_members_alone(owner: User, outsider: User) -> None:
    found(owner, "Secret eggs", visibility="PRIVATE")
    assert names(owner, words="eggs") == ["Secret eggs"]
    assert names(outsider, words="eggs") == []
    assert names(outsider) == []


def test_by_category_and_whether_they_are_ones_own(owner: User, member: User) -> None:
    found(owner, "Eggs", category="NEWS")
    found(member, "Milk")
    assert names(owner, category="NEWS") == ["Eggs"]
    assert names(owner, mine="true") == ["Eggs"]
    assert names(owner, mine="false") == ["Milk"]


def test_pages_follow_each_other_without_a_gap(owner: User, outsider: User) -> None:
    expected = [found(owner, f"Eggs {number}", quiet=number) for number in range(7)]
    seen: list[str] = []
    after: Cursor | None = None
    while True:
        with CaptureQueriesContext(connection) as captured:
            page, after = discovery.page_of(outsider.pk, Search("eggs"), after=after, limit=3)
        assert len(captured) == 1
        seen += [group.name for group in page]
        if after is None:
            break
    assert seen == expected
