"""What urls.py is for HTTP, this page is for sockets: every command, its handler, its limit, and every event.

It also hands the gateway what that must not import (connect_gateway).
"""

from collections.abc import Mapping
from typing import Final

from conversations import socket as conversations
from conversations.catching_up import missed_since, read_after, seat_moves
from conversations.epochs import begin_epoch, moment
from conversations.hiding import veiled
from conversations.participants import Sitting, sitting
from conversations.sync import SyncRequest
from groups import socket as groups
from groups.lifecycle import NewGroup
from localroots_chat.accounts.credentials import holders_behind
from localroots_chat.accounts.models import User
from localroots_chat.accounts.people import shape_of
from localroots_chat.accounts.tokens import Holder
from localroots_chat.database import database_clock
from localroots_chat.errors import ChatError
from localroots_chat.gateway.protocol import raw
from localroots_chat.gateway.wiring import Arrival, CommandSpec, Credential, Person, Wiring, connect
from localroots_chat.wire import PersonId
from presence import socket as presence
from presence.attendance import attendance

NameOrId = str | conversations.NamesConversation

# Client → server: name, what its data is, what it does, which of settings.CHAT_RATES counts it.
# `auth` and `heartbeat` are the gateway's own.
COMMANDS: Final[Mapping[str, CommandSpec]] = {
    "join:conversation": CommandSpec(NameOrId, conversations.join, "join", unanswered=conversations.enter),
    # counted by the writer, for a whole batch at once
    "message:send": CommandSpec(conversations.MessageSend, conversations.send, None, pipelined=True),
    "message:read": CommandSpec(conversations.MessageRead, conversations.read, "read"),
    "message:edit": CommandSpec(conversations.MessageEdit, conversations.edit, "command"),
    "message:delete": CommandSpec(conversations.MessageDelete, conversations.delete, "command"),
    "message:react": CommandSpec(conversations.MessageReact, conversations.react, "command"),
    "group:create": CommandSpec(NewGroup, groups.create, "command"),
    "group:update": CommandSpec(groups.Changing, groups.update, "command"),
    "group:join": CommandSpec(groups.NamesGroup, groups.join, "command"),
    "group:leave": CommandSpec(groups.Leaving, groups.leave, "command"),
    "group:add_member": CommandSpec(groups.NamesMember, groups.add_member, "command"),
    "group:remove_member": CommandSpec(groups.NamesMember, groups.remove_member, "command"),
    "group:set_role": CommandSpec(groups.GivesRole, groups.set_role, "command"),
    "sync": CommandSpec(SyncRequest, conversations.resume, "sync"),
    "presence:online": CommandSpec(None, presence.online, "command"),
    "presence:offline": CommandSpec(None, presence.offline, "command"),
    "presence:check": CommandSpec(list[PersonId], presence.check, "command"),
    "typing:start": CommandSpec(NameOrId, presence.typing_start, "typing"),
    "typing:stop": CommandSpec(NameOrId, presence.typing_stop, "typing"),
}

# Server → client: name and where it is made. The durable ones carry conversationId, prev and version.
EVENTS: Final[Mapping[str, str]] = {
    "welcome": "gateway/arrivals.py",
    "reply": "gateway/protocol.py",
    "error": "gateway/protocol.py",
    "heartbeat": "gateway/heartbeats.py",
    "session:expiring": "gateway/consumer.py",
    "bye": "gateway/hub.py",
    "joined:conversation": "conversations/socket.py",
    "message:new": "conversations/storing.py",  # durable
    "message:updated": "conversations/changing.py",  # durable
    "message:read": "conversations/events.py",
    "message:held": "conversations/events.py",
    "conversation:new": "conversations/events.py",
    "conversation:gone": "conversations/events.py",
    "conversation:reset": "conversations/events.py",
    "group:created": "conversations/events.py",  # durable
    "group:updated": "conversations/system_messages.py",  # durable
    "group:member_added": "conversations/system_messages.py",  # durable
    "group:member_removed": "conversations/system_messages.py",  # durable
    "group:member_updated": "conversations/system_messages.py",  # durable
    "presence:status": "presence/socket.py",
    "presence:user_online": "presence/roster.py",
    "presence:user_offline": "presence/roster.py",
    "typing:user_start": "presence/typing.py",
    "typing:user_stop": "presence/typing.py",
}


def arrive(credentials: list[Credential]) -> list[Arrival | ChatError]:
    """Who these people are and where they sit. Four queries for any number of known people; one more
    for sign-ins of this service, one for tokens that are newer than what is known, two for tickets."""
    read_at, current = moment()  # before everything that may change meanwhile
    holders = holders_behind(credentials)
    users = {holder.user.pk for holder in holders if isinstance(holder, Holder)}
    found = sitting(list(users)) if users else {}
    return [
        holder if isinstance(holder, ChatError) else _arrival(holder, found[holder.user.pk], current, read_at)
        for holder in holders
    ]


def _arrival(holder: Holder, sitting: Sitting, current: str, read_at: float) -> Arrival:
    user: User = holder.user
    person = Person(user.pk, user.public_id, raw(shape_of(user)), user.receipts, user.appear_offline)
    return Arrival(
        person,
        expires=holder.expires,
        session=holder.sign_in,
        seats=sitting.seats,
        epoch=current,
        unread=sitting.unread,
        read_at=read_at,
        blocked=sitting.blocked,
        blocked_by=sitting.blocked_by,
    )


def connect_gateway() -> None:
    """Called once when Django has loaded the apps."""
    connect(
        Wiring(
            arrive=arrive,
            commands=COMMANDS,
            read_after=read_after,
            missed_since=missed_since,
            seat_moves=seat_moves,
            clock=database_clock,
            veiled=veiled,
            attendance=attendance,
            begin_epoch=begin_epoch,
        )
    )
