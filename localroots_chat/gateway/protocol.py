"""The envelope: frames from clients read into typed pieces, frames to clients written once.

What `data` means is the commands' business.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from localroots_chat.errors import ChatError, ErrorShape, invalid
from localroots_chat.wire import invalid_as, is_text, mend

T = TypeVar("T")

REF_CHARACTERS: Final = 64


class Command(msgspec.Struct):
    """A client's frame: `event`, its `data` still unread, and the `ref` that its answer carries."""

    event: str
    data: msgspec.Raw
    ref: str | None = None


class _Envelope(msgspec.Struct):
    event: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    ref: str | None = None


class _Ref(msgspec.Struct):
    ref: str | None = None


_envelope = msgspec.json.Decoder(_Envelope)
_ref = msgspec.json.Decoder(_Ref)
_encode = msgspec.json.Encoder().encode


def read_command(text: str) -> Command:
    """The frame `text` as a command.

    Raises ChatError `bad_json` for what is not a JSON object, `invalid_field` for a wrong `event` or `ref`.
    """
    try:
        envelope = _envelope.decode(text)
    except msgspec.ValidationError as error:
        if not text.lstrip().startswith("{"):
            raise ChatError("bad_json", "A frame is a JSON object with an event.") from None
        raise invalid_as(error) from None
    except (msgspec.DecodeError, RecursionError):
        envelope = _read_mended(text)
    if envelope.ref is not None and not _is_ref(envelope.ref):
        raise invalid("ref", f"A ref has 1 to {REF_CHARACTERS} characters.")
    return Command(envelope.event, envelope.data, envelope.ref)


def ref_in(text: str) -> str | None:
    """The ref of a frame that is no command, so that its sender hears the refusal as the answer. None: it has none."""
    try:
        ref = _ref.decode(text).ref
    except (msgspec.MsgspecError, RecursionError):
        return None
    return ref if ref is not None and _is_ref(ref) else None


def _is_ref(text: str) -> bool:
    return 1 <= len(text) <= REF_CHARACTERS and is_text(text)


def _read_mended(text: str) -> _Envelope:
    try:
        mended = mend(text)
        if not mended.startswith("{"):
            raise ChatError("bad_json", "A frame is a JSON object with an event.")
        return _envelope.decode(mended)
    except msgspec.ValidationError as error:
        raise invalid_as(error) from None
    except (ValueError, RecursionError):  # also msgspec's DecodeError
        raise ChatError("bad_json", "The frame is not JSON.") from None


def read_data(decoder: msgspec.json.Decoder[T], data: msgspec.Raw) -> T:
    """A command's `data` as the type that the command takes. Raises ChatError `invalid_field` with the field."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise invalid_as(error) from None
    except (msgspec.DecodeError, RecursionError):
        raise ChatError("bad_json", "The frame is not JSON.") from None


# Frames to clients


def encode(value: object) -> bytes:
    """`value` as JSON."""
    return _encode(value)


def raw(value: object) -> msgspec.Raw:
    """`value` as JSON that can be put into several frames without being encoded again."""
    return msgspec.Raw(_encode(value))


def event_frame(event: str, data: object, envelope: Mapping[str, Any] | None = None) -> bytes:
    """The JSON of an event, `event` first. `envelope` are the keys beside data (conversationId, prev, version)."""
    return _encode({"event": event, "data": data, **(envelope or {})})


def reply_frame(ref: str, data: object) -> bytes:
    """The JSON of the answer to the command with this `ref`."""
    return _encode({"event": "reply", "ref": ref, "ok": True, "data": data})


def refusal_frame(ref: str | None, error: ErrorShape) -> bytes:
    """The JSON of a refusal: a reply where the command had a ref, else the event `error`."""
    if ref is None:
        return event_frame("error", error)
    return _encode({"event": "reply", "ref": ref, "ok": False, "error": error})


class Packet:
    """Consecutive frames on their way to sockets, made once for all of them.

    `payloads` are the JSON texts, `wire` the same as WebSocket text frames (RFC 6455 §5.2, unmasked as every
    server's) in one bytes object: a socket takes it in one write.
    """

    __slots__ = ("payloads", "wire")

    def __init__(self, payloads: Iterable[bytes]) -> None:
        self.payloads = tuple(payloads)
        self.wire = b"".join(part for payload in self.payloads for part in (_head(len(payload)), payload))


def _head(size: int) -> bytes:
    if size < 126:
        return bytes((0x81, size))
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")
