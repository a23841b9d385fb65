"""Putting somebody out: all their connections on all servers end, but for those that are opened after this."""

from django.db import transaction

from localroots_chat.accounts.models import User
from localroots_chat.database import DatabaseNow, database_clock
from localroots_chat.gateway import publish
from localroots_chat.gateway.layer import Revoked


def set_active(user: User, active: bool) -> None:
    """Opens or closes an account; with it all its connections. To be called in a transaction. Two queries."""
    User.objects.filter(pk=user.pk).update(is_active=active, access_changed_at=DatabaseNow())
    if not active:
        end_connections(user.pk)


def end_connections(person: int) -> None:
    """To be called in the transaction that takes the person's access away; happens when it has committed. One query.

    The moment goes with the news: they may come late, when Redis has been away, and find the person signed in again.
    """
    transaction.on_commit(lambda: publish.on_commit(Revoked(person, before=database_clock())), robust=True)
