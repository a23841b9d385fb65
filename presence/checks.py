"""Asking who is online. Of those of whom one may not know, the answer is that of somebody who is not."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from localroots_chat.accounts.tokens import is_person_id
from localroots_chat.errors import invalid
from localroots_chat.wire import PersonId, Time
from presence.contacts import Contact
from presence.leases import Seen

PEOPLE_MOST: Final = 100


class StatusShape(msgspec.Struct, rename="camel"):
    """Whether somebody is online; null: nobody knows right now. `lastSeen` is the hour in which they were last here."""

    user_id: PersonId
    online: bool | None
    last_seen: Time | msgspec.UnsetType = msgspec.UNSET


def each_once(ids: Sequence[str], field: str) -> list[str]:
    """The people who are asked about. Raises ChatError `invalid_field`."""
    asked = list(dict.fromkeys(ids))
    if len(asked) > PEOPLE_MOST:
        raise invalid(field, f"At most {PEOPLE_MOST} people at once.")
    if not all(is_person_id(one) for one in asked):
        raise invalid(field, "An id has 1 to 128 printable characters without space, comma or slash.")
    return asked


def statuses(asked: Sequence[str], contacts: Mapping[str, Contact], seen: Seen | None) -> list[StatusShape]:
    """What is answered, in the order of asking. Where nobody knows, that is so of everybody: who has blocked the asker
    must not stand out."""
    absent = False if seen is not None and seen.sure else None
    online = frozenset[int]() if seen is None else frozenset(seen.online)
    return [_status(user_id, contacts.get(user_id), online, absent) for user_id in asked]


def _status(user_id: str, contact: Contact | None, online: frozenset[int], absent: bool | None) -> StatusShape:
    if contact is not None and contact.key in online and not contact.appears_offline:
        return StatusShape(user_id, True)
    if absent is None or contact is None or contact.seen_at is None:
        return StatusShape(user_id, absent)
    return StatusShape(user_id, absent, contact.seen_at)
