"""Telling the staff what is wrong: of a message, a person or a group that one sees.

All reports of the same thing are one case, until it is closed. What it was when it was first reported is kept with the
case, whatever becomes of it. Who is reported does not learn of it, and nobody but staff learns by whom.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from django.db import transaction
from django.db.models import F

from conversations.models import Case, Conversation, Message, Participant, Report
from conversations.participants import message_of, present
from localroots_chat.accounts.models import User
from localroots_chat.accounts.people import findable_by
from localroots_chat.accounts.tokens import is_person_id
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import invalid, not_found
from localroots_chat.wire import Id, PersonId, Time, is_text, iso, key_of, one_of

NOTE_MOST: Final = 1000


class NewReport(msgspec.Struct):
    """{kind, id, reason, note?}: the id of a message, a person or a group."""

    kind: Annotated[str, one_of(Case.Kind.values)]
    id: PersonId
    reason: Annotated[str, one_of(Report.Reason.values)]
    note: str = ""


class ReportShape(msgspec.Struct, rename="camel"):
    """A report, as who made it sees it."""

    id: Id
    kind: Annotated[str, one_of(Case.Kind.values)]
    target_id: PersonId
    reason: Annotated[str, one_of(Report.Reason.values)]
    note: str
    created_at: Time


class _Target(NamedTuple):
    """What a report is about: by which column a case of it is found, and what a new one has besides."""

    found_by: Mapping[str, Any]
    besides: Mapping[str, Any]


@transaction.atomic
def report(reporter: User, asked: NewReport) -> tuple[ReportShape, bool]:
    """Reports this, and whether that is new; a second time, the reason and the note are those of now.

    Raises ChatError `invalid_field`, `not_found` for what the reporter does not see.
    """
    _check(asked)
    target = _TARGETS[asked.kind](reporter, asked.id)
    case = _open_case(asked.kind, target)
    said = {"reason": asked.reason, "note": asked.note.strip()}
    row, is_new = Report.objects.update_or_create(case=case, reporter=reporter, defaults=said)
    if is_new:
        Case.objects.filter(pk=case.pk).update(reports=F("reports") + 1, reported_at=DatabaseNow())
        row.refresh_from_db(fields=["created_at"])
    return ReportShape(str(row.pk), asked.kind, asked.id, row.reason, row.note, iso(row.created_at)), is_new


def _check(asked: NewReport) -> None:
    if asked.kind not in Case.Kind.values:
        raise invalid("kind", f"Expected one of {', '.join(Case.Kind.values)}.")
    if asked.reason not in Report.Reason.values:
        raise invalid("reason", f"Expected one of {', '.join(Report.Reason.values)}.")
    if not is_text(asked.note) or len(asked.note) > NOTE_MOST:
        raise invalid("note", f"A note has at most {NOTE_MOST:,} characters.")


def _open_case(kind: str, target: _Target) -> Case:
    """The case that is open, locked; or a new one."""
    one = Case.objects.select_for_update().filter(kind=kind, closed_at=None, **target.found_by)
    return (
        one.first() or one.get_or_create(kind=kind, closed_at=None, **target.found_by, defaults={**target.besides})[0]
    )


# What can be reported


def _message(reporter: User, public_id: str) -> _Target:
    found = message_of(reporter.pk, public_id)
    if found.type == Message.Type.SYSTEM:
        raise invalid("id", "Nobody has said this.")
    if found.sender_id == reporter.pk:
        raise invalid("id", "This is your own message.")
    snapshot = {
        "content": found.content,
        "type": found.type,
        "files": ", ".join(one["name"] for one in found.attachments),
        "seq": found.seq,
        "sender": found.sender.public_id,
        "senderName": found.sender.name,
        "createdAt": iso(found.created_at),
        "editedAt": found.edited_at and iso(found.edited_at),
    }
    besides = {"user": found.sender, "conversation": found.conversation, "snapshot": snapshot}
    return _Target({"message": found}, besides)


def _person(reporter: User, public_id: str) -> _Target:
    found = findable_by(reporter).filter(public_id=public_id).first() if is_person_id(public_id) else None
    if found is None:
        raise not_found("person")
    snapshot = {"id": found.public_id, "name": found.name, "image": found.image, "role": found.role}
    return _Target({"user": found}, {"snapshot": snapshot})


def _group(reporter: User, public_id: str) -> _Target:
    """A group is its conversation here; the marketplace's word for it is kept in the snapshot."""
    seen = Conversation.objects.filter(group=key_of(public_id, "group"), group__closed_at=None)
    theirs = seen.filter(participants__user=reporter, participants__left_at=None)
    found = (theirs | seen.filter(group__visibility="PUBLIC")).select_related("group__created_by").distinct().first()
    if found is None:
        raise not_found("group")
    group: Any = getattr(found, "group")  # noqa: B009  # of groups.models, which builds on this app
    snapshot = {"id": str(group.pk), "name": group.name, "description": group.description, "image": group.image_url}
    owner = present().filter(conversation=found, role=Participant.Role.OWNER).select_related("user").first()
    answers = group.created_by if owner is None else owner.user
    return _Target({"conversation": found}, {"user": answers, "snapshot": snapshot})


_TARGETS: Final[Mapping[str, Callable[[User, str], _Target]]] = {
    Case.Kind.MESSAGE: _message,
    Case.Kind.USER: _person,
    Case.Kind.GROUP: _group,
}
