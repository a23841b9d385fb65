"""Blocking somebody, and taking it back: what one sees of the conversations that one shares with them changes.

What they said and say is hidden from then on (shapes.hidden), in whichever conversation. No message changes by that,
so no version tells of it: the clients of who blocks load these conversations anew. The other one learns nothing.
"""

from django.db import transaction
from django.db.models import OuterRef, Subquery

from conversations import events
from conversations.models import Conversation, Participant
from localroots_chat.accounts import blocks, live_settings
from localroots_chat.accounts.blocks import BlockShape, shape_of_block
from localroots_chat.accounts.models import User
from localroots_chat.database import DatabaseNow
from localroots_chat.gateway import publish
from localroots_chat.gateway.layer import Personal


@transaction.atomic
def block(blocker: User, person_id: str) -> tuple[BlockShape, bool]:
    """Blocks this person, and whether that is new. Raises ChatError `not_found`, `invalid_field`."""
    row, is_new = blocks.add(blocker, person_id)
    if is_new:
        _look_anew(blocker, row.blocked)
    return shape_of_block(row), is_new


@transaction.atomic
def unblock(blocker: User, person_id: str) -> None:
    """Takes it back; nothing happens where there was none. Raises ChatError `not_found`."""
    person = blocks.remove(blocker, person_id)
    if person is not None:
        _look_anew(blocker, person)


def _look_anew(blocker: User, other: User) -> None:
    """What the blocker is shown where the other one is, or was, has changed. Five queries."""
    shared = Conversation.objects.filter(participants__user=other)
    seats = Participant.objects.filter(user=blocker, left_at=None, conversation__in=shared)
    where = list(seats.values_list("conversation", flat=True))
    version = Conversation.objects.filter(pk=OuterRef("conversation")).values("version")
    Participant.objects.filter(user=blocker, conversation__in=where).update(
        looks_new_from=Subquery(version), looks_new_since=DatabaseNow()
    )
    live_settings.tell(blocker)
    publish.on_commit(*(Personal(blocker.pk, events.conversation_reset(str(key))) for key in where))
