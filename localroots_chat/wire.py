"""JSON and times as the wire has them, for sockets and REST alike. Knows no event and no model."""

import json
import re
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, NoReturn, TypeVar

import msgspec

from localroots_chat.errors import ChatError, invalid, not_found

T = TypeVar("T")

BODY_BYTES: Final = 1_048_576  # of a request that is no upload

# Texts of a certain form. The form is for readers of /api/schema/; whoever reads such a text checks it.
Id = Annotated[str, msgspec.Meta(extra_json_schema={"format": "uuid"})]
PersonId = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": 128})]
Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]


def one_of(values: Sequence[str]) -> msgspec.Meta:
    """The mark of a text that is one of these."""
    return msgspec.Meta(extra_json_schema={"enum": [*values]})


_SURROGATE = re.compile("[\ud800-\udfff]")


def mend(text: str) -> str:
    """JSON in which half characters are replaced by NUL. Raises ValueError for what is no JSON at all.

    A lone surrogate such as "\\ud800" is valid JSON (RFC 8259 §8.2) but no text. Every text field refuses NUL by
    name, so the sender learns which field was wrong, instead of hearing that the whole was no JSON.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        return _SURROGATE.sub(r"\\u0000", json.dumps(value, ensure_ascii=False))
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def is_text(value: str) -> bool:
    """Can be stored and sent: no NUL (PostgreSQL has none in a text), no half characters."""
    return "\0" not in value and _SURROGATE.search(value) is None


def convert(value: object, kind: type[T], *, strict: bool = True) -> T:
    """`value`, already parsed, as `kind`. Not `strict`: "true" and "3" are good for a flag and a number, as forms
    send them. Raises ChatError `invalid_field` with the field."""
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise invalid_as(error) from None


_PATH: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING: Final = re.compile(r"missing required field `([^`]*)`")


def invalid_as(error: msgspec.ValidationError) -> ChatError:
    """`invalid_field` for what msgspec found wrong ("Expected `str`, got `int` - at `$.content`")."""
    text = str(error)
    at = _PATH.search(text)
    path = re.sub(r"\[(\d+)\]", r".\1", at[1]).lstrip(".") if at else ""
    missing = _MISSING.search(text)
    if missing:
        path = f"{path}.{missing[1]}" if path else missing[1]
    return invalid(path or "data", _PATH.sub("", text) + ".")


def key_of(text: str, what: str = "conversation") -> uuid.UUID:
    """An id of the wire as a key. Raises ChatError `not_found`: an id that is none of ours names nothing."""
    try:
        key = uuid.UUID(text)
    except ValueError:
        raise not_found(what) from None
    if str(key) != text:  # capitals, braces, no dashes: to clients an id is one text, everywhere the same
        raise not_found(what)
    return key


def moment_of(text: str, field: str) -> datetime:
    """A time with its zone, in whole milliseconds. Raises ChatError `invalid_field`."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
    except (ValueError, OverflowError):
        pass
    raise invalid(field, "Expected a time such as 2026-05-01T12:00:00.000Z.")


def iso(moment: datetime) -> str:
    """A time as the wire writes it: UTC with milliseconds."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:23]}Z"


def iso_of_epoch(seconds: float) -> str:
    """Seconds since 1970 as the wire writes them."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds * 1000) % 1000:03d}Z"
