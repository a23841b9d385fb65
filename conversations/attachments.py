"""Files: uploading, claiming, fetching. What a file is, its content says (localroots_chat/media); who may have it, its
message's conversation, each time anew."""

import re
import secrets
import time
import unicodedata
from datetime import timedelta
from typing import Any, BinaryIO, Final

import msgspec
from django.conf import settings
from django.core import signing
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.utils.timezone import now

from conversations.models import Attachment, HeldMessage, Participant
from conversations.participants import present
from conversations.shapes import AttachmentShape, shape_of_attachment
from localroots_chat.accounts.models import Block, User
from localroots_chat.characters import has_visible, takes_no_room
from localroots_chat.database import DatabaseNow
from localroots_chat.downloads import Stored
from localroots_chat.errors import ChatError, invalid, not_found
from localroots_chat.media.found import MAIN, Found
from localroots_chat.media.reading import read_upload
from localroots_chat.wire import Time, iso_of_epoch, key_of

NAME_MOST: Final = 120
LINK_SECONDS: Final = 300
_MEGABYTE: Final = 1_048_576


class LinkShape(msgspec.Struct, rename="camel"):
    """An address of a file that needs no token, for one person, until then."""

    url: str
    expires_at: Time


# Uploading


def keep(uploader: User, file: BinaryIO, name: str, size: int) -> AttachmentShape:
    """Stores an uploaded file of so many bytes, made anew where it is a picture or a sound.

    Raises ChatError `file_type`, `image_too_large`, `file_too_large`, `quota_exceeded`, `invalid_field`.
    """
    if size == 0:
        raise invalid("file", "The file is empty.")
    if size > settings.CHAT_UPLOAD_BYTES:
        raise ChatError("file_too_large", f"A file has at most {settings.CHAT_UPLOAD_MB} MB.", field="file")
    _check_quota(uploader, size)
    found = read_upload(file)
    parts = {MAIN: size} | {name: len(part) for name, part in found.parts.items()}
    row = Attachment(
        uploader=uploader,
        kind=found.kind,
        type=found.type,
        name=_name(name, found),
        parts=parts,
        kept=sum(parts.values()),
        key=secrets.token_hex(24),
    )
    row.told = _told(row, found)
    row.save(force_insert=True)
    # The row first: what is cut off here is found by it, and purged.
    file.seek(0)
    for name in parts:
        content = ContentFile(found.parts[name]) if name in found.parts else File(file)
        default_storage.save(place_of(row, name), content)
    Attachment.objects.filter(pk=row.pk).update(stored_at=DatabaseNow())
    return shape_of_attachment(row.told)


def _check_quota(uploader: User, size: int) -> None:
    used = Attachment.objects.filter(uploader=uploader).aggregate(used=Sum("kept"))["used"] or 0
    if used + size > settings.CHAT_UPLOAD_QUOTA_MB * _MEGABYTE:
        raise ChatError("quota_exceeded", f"You have {settings.CHAT_UPLOAD_QUOTA_MB} MB for files.", field="file")


_PARTS_OF_NAMES: Final = re.compile(r"[\\/]")


def _name(given: str, found: Found) -> str:
    """The last part of the name, without what is not seen or turns it around, and with the extension that it has."""
    last = _PARTS_OF_NAMES.split(unicodedata.normalize("NFC", given))[-1]
    shown = "".join(one if one.isprintable() else " " for one in last if not takes_no_room(one))
    name = " ".join(shown.split())
    stem = name.rpartition(".")[0] if "." in name else name
    stem = stem.strip(". ")[: NAME_MOST - len(found.extension) - 1]
    return f"{stem if has_visible(stem) else 'file'}.{found.extension}"


def place_of(row: Attachment, part: str) -> str:
    """Where this part of it lies in the storage."""
    return f"{row.key[:2]}/{row.key}/{part}"


def _told(row: Attachment, found: Found) -> dict[str, Any]:
    """What its message keeps, so that no list of messages has to look for it elsewhere (shapes.AttachmentShape)."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "type": row.type,
        "size": row.parts[MAIN],
        "width": found.width,
        "height": found.height,
        "duration": found.duration,
        "placeholder": found.placeholder,
        "waveform": found.waveform,
        "hasSmaller": len(row.parts) > 1,
    }


# Fetching


def find(person: User, attachment: str, side: int | None = None) -> Stored:
    """A file, or the smaller picture of it with at least this side. Raises ChatError `not_found`. One query."""
    return stored_of(_row(person, attachment), side)


def stored_of(row: Attachment, side: int | None = None) -> Stored:
    """Its file, or the smaller picture of it with at least this side."""
    sides = sorted(int(name) for name in row.parts if name != MAIN)
    part = next((str(one) for one in sides if side is not None and one >= side), MAIN)
    return Stored(
        place=place_of(row, part),
        size=row.parts[part],
        type=row.type if part == MAIN else "image/webp",
        name=row.name,
        etag=f'"{row.pk}-{part}"',
        shown=row.kind != Attachment.Kind.FILE,
    )


def _row(person: User, attachment: str) -> Attachment:
    row = _seen_by(person).filter(pk=key_of(attachment, "attachment")).first()
    if row is None:
        raise not_found("attachment")
    return row


def _seen_by(person: User) -> QuerySet[Attachment]:
    """Those of messages that the person sees now; and their own, until they are sent."""
    seats = present().filter(user=person)
    there = seats.filter(conversation=OuterRef("message__conversation"))
    hidden = Block.objects.filter(blocker=person, blocked=OuterRef("uploader"))
    keeps_order = seats.filter(conversation=OuterRef("held__conversation")).exclude(role=Participant.Role.MEMBER)
    sent = Q(Exists(there), ~Exists(hidden), message__deleted_at=None, message__isnull=False)
    waiting = Q(Exists(keeps_order), held__isnull=False, held__outcome="")
    unsent = Q(Q(uploader=person) | waiting, message=None)
    return Attachment.objects.filter(sent | unsent, stored_at__isnull=False)


# Links for one person


def link(person: User, attachment: str) -> LinkShape:
    """An address that needs no token, as a picture on a page of elsewhere does. Raises ChatError `not_found`."""
    row = _row(person, attachment)
    signed = _signer().sign_object([str(row.pk), person.public_id])
    expires = iso_of_epoch(time.time() + LINK_SECONDS)
    return LinkShape(f"{settings.PUBLIC_URL}/api/attachments/{row.pk}/?link={signed}", expires)


def holder_of(signed: str, attachment: str) -> User | None:
    """The person for whom this link was made; None where it was not, or is over."""
    try:
        named, person = _signer().unsign_object(signed, max_age=timedelta(seconds=LINK_SECONDS))
    except signing.BadSignature:
        return None
    return User.objects.filter(public_id=person, is_active=True).first() if named == attachment else None


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="attachment")


# Purging


def purge(hours: int, most: int) -> int:
    """Deletes at most so many that nobody has sent for so long, or of messages that are gone as long or were refused.
    Returns how many there were.

    Each is taken out of reach first: a send that has claimed it meanwhile keeps it, and one that comes later finds
    nothing. Files go before their row, so that what is cut off is found again.
    """
    found = list(purgeable(hours)[:most])
    for row in found:
        if purgeable(hours).filter(pk=row.pk).update(stored_at=None):
            for part in row.parts:
                default_storage.delete(place_of(row, part))
            row.delete()
    return len(found)


def purgeable(hours: int) -> QuerySet[Attachment]:
    """Those that nobody has sent for so long, and those of messages that are gone as long, or were refused."""
    before = now() - timedelta(hours=hours)
    unsent = Q(message=None, held=None, created_at__lt=before)
    gone = Q(message__deleted_at__lt=before) | Q(message=None, held__outcome=HeldMessage.Outcome.REFUSED)
    return Attachment.objects.filter(unsent | gone)
