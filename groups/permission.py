"""Who may change a group: the look-up through one's own seat, under the lock of the change.

Outsiders find no group, whatever they ask, but those who may join one. What members may do goes by rank: members,
moderators, the owner.
"""

from typing import Final, NamedTuple

from conversations import membership
from conversations.membership import Talk
from conversations.models import Conversation, Participant
from conversations.participants import RANK
from groups.models import Group
from localroots_chat.accounts.models import User
from localroots_chat.accounts.team import team
from localroots_chat.errors import ChatError, not_found
from localroots_chat.wire import key_of

Role = Participant.Role
_STAFF: Final = 4


class Open(NamedTuple):
    """A group that is not closed, locked until the transaction ends."""

    group: Group
    talk: Talk

    def seat_of(self, person: User) -> Participant | None:
        """The person's seat, if they have one now. One query."""
        return self.talk.seats().filter(user=person).select_related("user").first()


class Held(NamedTuple):
    """The group, and who is about to change it."""

    group: Group
    talk: Talk
    person: User
    rank: int

    @property
    def voice(self) -> User:
        """In whose name it is told: members do not learn who of the staff it was."""
        return team() if self.rank == _STAFF else self.person

    def check_above(self, role: str) -> None:
        """Raises ChatError `forbidden` where the person does not stand above somebody of this role."""
        if self.rank <= RANK[role]:
            raise ChatError("forbidden", "This is not for you to decide about them.", field="userId")


def member_of(talk: Talk, public_id: str) -> Participant:
    """A member's seat. Raises ChatError `not_found`. One query."""
    seat = talk.seats().filter(user__public_id=public_id).select_related("user").first()
    if seat is None:
        raise not_found("member")
    return seat


def hold(group: str) -> Open:
    """Locks the group, for a change. To be called in a transaction. Raises ChatError `not_found`. Two queries."""
    key = key_of(group, "group")
    try:
        talk = membership.hold(Conversation.objects.filter(group=key))
        found = Group.objects.get(pk=key, closed_at=None)  # read after the lock: it may just have been closed
    except (Conversation.DoesNotExist, Group.DoesNotExist):
        raise not_found("group") from None
    return Open(found, talk)


def hold_as(person: User, group: str, least: str, *, as_staff: bool = False) -> Held:
    """Locks the group for a member of at least this role. Staff stand above everybody, where they come `as_staff`: from
    the admin, which has asked for their rights.

    Raises ChatError `not_found` to outsiders, `forbidden` to members of a lower role. Three queries.
    """
    found = hold(group)
    if as_staff:
        return Held(found.group, found.talk, person, _STAFF)
    seat = _at_least(least, found.seat_of(person))
    return Held(found.group, found.talk, person, RANK[seat.role])


def group_seen_as(person: User, group: str, least: str) -> Group:
    """The group, for a member of at least this role to read what belongs to it. Raises as `hold_as`. One query."""
    seats = Participant.objects.filter(user=person, left_at=None, conversation__group=key_of(group, "group"))
    open_ones = seats.filter(conversation__group__closed_at=None).select_related("conversation__group")
    found: Group = _at_least(least, open_ones.first()).conversation.group
    return found


def _at_least(least: str, seat: Participant | None) -> Participant:
    if seat is None:
        raise not_found("group")
    if RANK[seat.role] < RANK[least]:
        who = "the owner" if least == Role.OWNER else "the owner and the moderators"
        raise ChatError("forbidden", f"Only {who} of the group may do this.")
    return seat
