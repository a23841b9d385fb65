"""A group's card as a row: what its members see with their conversation, and others when they look for groups."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from conversations.shapes import GroupShape
from localroots_chat.accounts.people import UserShape
from localroots_chat.database import ask
from localroots_chat.sql import id_in, id_text, time_text

# Of the group g, its conversation c, its owner o, and the seat p of whoever reads it
CARD: Final = ", ".join(
    [
        *(id_text("g.id"), id_text("g.conversation_id")),
        "g.name, g.description, g.image_url, g.category, g.visibility, c.member_count, p.role",
        "o.public_id, o.name, o.image, o.role",
        *(time_text("g.created_at"), time_text("g.updated_at")),
    ]
)
CARD_SIZE: Final = 15


def card_of(row: Sequence[Any]) -> GroupShape:
    """The columns of CARD as the group."""
    (
        key, conversation, name, description, image, category, visibility, members, role,
        owner, owner_name, owner_image, owner_role, created, updated,
    ) = row  # fmt: skip
    return GroupShape(
        id=key,
        conversation_id=conversation,
        name=name,
        description=description,
        image_url=image or None,
        category=category,
        visibility=visibility,
        member_count=members,
        my_role=role,
        created_by=UserShape(owner, owner_name, owner_image or None, owner_role),
        created_by_id=owner,
        created_at=created,
        updated_at=updated,
    )


_FOR_ALL: Final = f"""
SELECT {CARD} FROM groups_group g
JOIN conversations_conversation c ON c.id = g.conversation_id
JOIN accounts_user o ON o.id = g.created_by_id
LEFT JOIN conversations_participant p ON FALSE
WHERE c.id = %s"""


def card_for_all(conversation: uuid.UUID) -> GroupShape | None:
    """The card of this conversation's group without anybody's role, for what goes to many; None, where it is a direct
    one. One query."""
    rows = ask(_FOR_ALL, id_in(conversation)).rows()
    return msgspec.structs.replace(card_of(rows[0]), my_role=msgspec.UNSET) if rows else None
