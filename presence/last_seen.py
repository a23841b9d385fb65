"""When somebody was last here, to the hour; kept only of those who let others know it."""

from collections.abc import Collection
from datetime import UTC, datetime

from localroots_chat.accounts.models import User
from localroots_chat.database import database_clock


def note(people: Collection[int]) -> None:
    """These people (keys) have gone. Two queries for any number of them."""
    hour = datetime.fromtimestamp(database_clock(), UTC).replace(minute=0, second=0, microsecond=0)
    User.objects.filter(pk__in=people, last_seen=True).exclude(seen_at=hour).update(seen_at=hour)
