"""What nobody told a server about, it finds in the database: living sockets hear it within seconds, in order, once."""

import subprocess
import sys
from typing import Any

import psycopg

from tests.support.people import Person
from tests.support.servers import ROOT, ChatServer
from tests.support.sockets import assert_in_order

Conversation = dict[str, Any]

# Stores a message as a server that dies between COMMIT and publish does: nobody is told.
_STORE_SILENTLY = """
import sys, uuid, django
django.setup()
from conversations.writer import Batch, Send, digest_of
from localroots_chat.accounts.models import User
sender, conversation, *texts = sys.argv[1:]
person = User.objects.get(public_id=sender).pk
for text in texts:
    Batch([Send(sender=person, conversation=uuid.UUID(conversation), content=text, type="TEXT", client_id=None,
                reply_to=None, digest=digest_of(text, "TEXT", None))], wait_for_locks=True).store()
"""


def store_silently(server: ChatServer, sender: str, conversation: str, *texts: str) -> None:
    environment = {**server.environment(), "DJANGO_SETTINGS_MODULE": "localroots_chat.settings"}
    command = [sys.executable, "-c", _STORE_SILENTLY, sender, conversation, *texts]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


async def test_messages_of_a_server_that_died_before_telling(
    alice: Person, bob: Person, conversation: Conversation
) -> None:
    where = conversation["id"]
    async with alice.connect() as a, bob.connect() as b:
        await a.say(where, "told")
        store_silently(alice.server, alice.id, where, "silent one", "silent two")
        for socket in (a, b):
            await socket.expect("message:new", content="silent one", within=5)
            await socket.expect("message:new", content="silent two", within=5)
        await b.say(where, "told again")
        for socket in (a, b):
            await socket.expect("message:new", content="told again")
            assert_in_order(socket.frames)


async def test_a_gap_before_a_told_message_is_filled_at_once(
    alice: Person, bob: Person, conversation: Conversation
) -> None:
    where = conversation["id"]
    async with alice.connect() as a, bob.connect() as b:
        store_silently(alice.server, alice.id, where, "silent")
        sent = await a.say(where, "told")
        for socket in (a, b):
            await socket.expect("message:new", id=sent["id"], within=1)
            assert [frame.data["content"] for frame in socket.frames if frame.event == "message:new"] == [
                "silent",
                "told",
            ]
            assert_in_order(socket.frames)


async def test_a_seat_lost_and_a_seat_gained_without_a_word(
    alice: Person, bob: Person, mallory: Person, conversation: Conversation
) -> None:
    where = conversation["id"]
    async with alice.connect() as a, bob.connect() as b, mallory.connect() as m:
        with psycopg.connect(str(bob.server.database_url)) as database:
            database.execute(
                "UPDATE conversations_participant SET left_at = now(), changed_at = now() WHERE conversation_id = %s"
                " AND user_id = (SELECT id FROM accounts_user WHERE public_id = %s)",
                [where, bob.id],
            )
            database.execute(
                "INSERT INTO conversations_participant (conversation_id, user_id, role, last_read_seq, muted)"
                " SELECT %s, id, 'MEMBER', 0, false FROM accounts_user WHERE public_id = %s",
                [where, mallory.id],
            )
        await b.expect("conversation:gone", conversationId=where, within=5)
        await m.expect("conversation:new", id=where, within=5)
        sent = await a.say(where, "after")
        await m.expect("message:new", id=sent["id"])
        await b.refute("message:new", after=a.expect("message:new", id=sent["id"]))
