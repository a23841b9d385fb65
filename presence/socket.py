"""The socket's door to presence and typing."""

from conversations.socket import NamesConversation, named
from localroots_chat.database import in_thread
from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.hub import hub
from localroots_chat.gateway.protocol import Packet, event_frame
from presence import typing
from presence.attendance import attendance
from presence.checks import StatusShape, each_once, statuses
from presence.contacts import contacts_of


async def online(connection: Connection, data: None) -> None:
    """presence:online: this person no longer appears offline, unless their settings say so."""
    await attendance().hide(connection.person.key, hidden=False)


async def offline(connection: Connection, data: None) -> None:
    """presence:offline: this person appears offline until presence:online, or until their last socket closes."""
    await attendance().hide(connection.person.key, hidden=True)


async def check(connection: Connection, data: list[str]) -> list[StatusShape]:
    """presence:check: who of these people is online. The socket hears of their coming and going from now on, and of
    nobody else's."""
    asked = each_once(data, "data")
    person = connection.person
    contacts = await in_thread(contacts_of, person.key, person.id, asked)
    roster, keys = attendance().roster, [one.key for one in contacts.values()]
    if connection in hub().connections_of(person.key):  # it may have gone meanwhile
        roster.watch(connection, contacts.values())
    seen = await attendance().look(keys)
    roster.saw(keys, seen)
    found = statuses(asked, contacts, seen)
    roster.told(connection, {contacts[one.user_id].key: one.online for one in found if one.user_id in contacts})
    connection.write(Packet([event_frame("presence:status", found)]))
    return found


async def typing_start(connection: Connection, data: str | NamesConversation) -> None:
    """typing:start: this person has begun, or goes on, to write."""
    typing.start(connection, named(data))


async def typing_stop(connection: Connection, data: str | NamesConversation) -> None:
    """typing:stop: no longer."""
    typing.stop(connection, named(data))
