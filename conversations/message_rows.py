"""Messages as rows, read straight into what goes over the wire: one statement for any number of them.

Every answer and event that shows messages is read here (those that have just been written, the writer has at hand).
Which ones, and in which order, is the callers' part of the statement.
"""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec
from django.conf import settings

from conversations.shapes import (
    MessageShape,
    ReactionShape,
    ReplyShape,
    SystemShape,
    excerpt_of,
    hidden,
    shape_of_attachment,
    unquoted,
)
from localroots_chat.accounts.blocks import blocks
from localroots_chat.accounts.people import UserShape
from localroots_chat.database import Answer, ask
from localroots_chat.errors import not_found
from localroots_chat.sql import AMONG, id_in, id_text, ids, time_text
from localroots_chat.wire import key_of

Reader = Literal["%s", "m.sender_id"]

_COLUMNS: Final = ", ".join(
    [
        *(id_text("m.id"), id_text("m.conversation_id")),
        "m.seq, m.version, m.client_id, m.type, m.content, m.attachments, m.system, m.reactions, {mine}",
        "u.public_id, u.name, u.image, u.role",
        *(time_text(f"m.{name}_at") for name in ("created", "updated", "edited", "deleted")),
        id_text("r.id"),
        "r.seq, ru.public_id, substr(r.content, 1, 240), {hides_sender}, {hides_quoted}, m.sender_id, r.sender_id",
    ]
)
_MINE_AT: Final = 10
_NONE: Final = "'[]'::jsonb" if settings.POSTGRESQL else "'[]'"
_LIST: Final = "json_agg(x.emoji)::text" if settings.POSTGRESQL else "json_group_array(x.emoji)"
_MINE: Final = f"""CASE WHEN m.reactions <> {_NONE} THEN (
  SELECT {_LIST} FROM conversations_reaction x WHERE x.message_id = m.id AND x.user_id = {{reader}}) END"""


def statement(which: str, *, wanted: str = "", on: str = "", reader: Reader | None = "%s") -> str:
    """A statement that reads messages `m`: those that fit `on` to the rows `wanted`, or all; of them `which`
    ("WHERE …").

    `reader` is whose own reactions are marked, and from whom is hidden what those say whom they have blocked: a person,
    whose key is the first parameter; each message's sender; nobody, as in events, which go to many.
    """
    columns = _COLUMNS.format(mine="NULL", hides_sender="FALSE", hides_quoted="FALSE")
    if reader is not None:
        one = "i.me" if reader == "%s" else reader
        columns = _COLUMNS.format(
            mine=_MINE.format(reader=one),
            hides_sender=f"m.type <> 'SYSTEM' AND {blocks(one, 'm.sender_id')}",
            hides_quoted=f"r.type <> 'SYSTEM' AND {blocks(one, 'r.sender_id')}",
        )
    return f"""
SELECT {columns}
FROM {"(SELECT CAST(%s AS bigint) AS me) AS i CROSS JOIN" if reader == "%s" else ""}
{f"{wanted} JOIN conversations_message m ON {on}" if wanted else "conversations_message m"}
JOIN accounts_user u ON u.id = m.sender_id
LEFT JOIN conversations_message r ON r.id = m.reply_to_id
LEFT JOIN accounts_user ru ON ru.id = r.sender_id
{which}"""


def shapes(answer: Answer) -> list[MessageShape]:
    """The messages, as somebody is answered."""
    return [answered(row) for row in answer.rows()]


def answered(row: Sequence[Any]) -> MessageShape:
    """A message with the reader's own reactions marked."""
    return _shape(row, msgspec.json.decode(row[_MINE_AT]) if row[_MINE_AT] else ())


def told(row: Sequence[Any]) -> MessageShape:
    """A message as events tell it: whose reactions they are is nobody else's business."""
    return _shape(row, None)


def sender_of(row: Sequence[Any]) -> int:
    """The key of who wrote it."""
    return int(row[-2])


def quoted_of(row: Sequence[Any]) -> int:
    """The key of who wrote what it answers; 0 where it answers nothing."""
    return int(row[-1] or 0)


def _shape(row: Sequence[Any], mine: Collection[str] | None) -> MessageShape:
    (
        key, conversation, seq, version, client_id, type_, content, attached, system, reactions, _,
        sender, name, image, role, created, updated, edited, deleted,
        reply, reply_seq, reply_sender, reply_content, hides_sender, hides_quoted, _, _,
    ) = row  # fmt: skip
    quoted = None if reply is None else ReplyShape(reply, reply_seq, reply_sender, excerpt_of(reply_content))
    attachments = () if attached == "[]" else [shape_of_attachment(one) for one in msgspec.json.decode(attached)]
    message = MessageShape(
        id=key,
        conversation_id=conversation,
        seq=seq,
        version=version,
        client_id=client_id,
        type=type_,
        content=content,
        attachment_url=attachments[0].url if attachments else None,
        attachments=attachments,
        system=None if system is None else msgspec.json.decode(system, type=SystemShape),
        reply_to=unquoted(quoted) if quoted is not None and hides_quoted else quoted,
        reactions=() if reactions == "[]" else _reactions(reactions, mine),
        sender=UserShape(sender, name, image or None, role),
        sender_id=sender,
        created_at=created,
        updated_at=updated,
        edited_at=edited,
        deleted_at=deleted,
    )
    return hidden(message) if hides_sender else message


def _reactions(counts: str, mine: Collection[str] | None) -> list[ReactionShape]:
    return [
        ReactionShape(emoji, count, msgspec.UNSET if mine is None else emoji in mine)
        for emoji, count in msgspec.json.decode(counts)
    ]


class Told(NamedTuple):
    """A message on its way into an event, with the keys of its sender and of whom it quotes (0: nobody)."""

    message: MessageShape
    sender: int
    quoted: int


# Single ones

_BY_ID: Final = statement("WHERE m.id = %s")
_VISIBLE: Final = statement(
    "JOIN conversations_participant p ON p.conversation_id = m.conversation_id AND p.left_at IS NULL"
    " WHERE m.id = %s AND p.user_id = %s"
)
_FOR_EVERYBODY: Final = statement("WHERE m.id = %s", reader=None)
_OWN: Final = statement(f"WHERE m.id {AMONG}", reader="m.sender_id")


def message_now(reader: int, key: uuid.UUID) -> MessageShape:
    """This message, as the person with this key is answered. One query."""
    (shape,) = shapes(ask(_BY_ID, reader, id_in(key)))
    return shape


def message_for_everybody(key: uuid.UUID) -> Told:
    """This message, as events tell it. One query."""
    (row,) = ask(_FOR_EVERYBODY, id_in(key)).rows()
    return Told(told(row), sender_of(row), quoted_of(row))


def message_seen_by(reader: int, message: str) -> MessageShape:
    """A message of a conversation the person is in. Raises ChatError `not_found`. One query."""
    found = shapes(ask(_VISIBLE, reader, id_in(key_of(message, "message")), reader))
    if not found:
        raise not_found("message")
    return found[0]


def own_messages(keys: Sequence[uuid.UUID]) -> dict[uuid.UUID, MessageShape]:
    """Messages as they are now, by id, each as its own sender is answered. One query."""
    return {uuid.UUID(shape.id): shape for shape in shapes(ask(_OWN, ids(keys)))}
