"""The objects of PROTOCOL.md, declared there in TypeScript, and msgspec's structs written in the same way."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import inspect

from tests.protocol.document import Block

_COMMENT = re.compile(r"//.*")
_DECLARATION = re.compile(r"interface (\w+) \{([^{}]*)\}|type (\w+) = string;")
_FIELD = re.compile(r"(\w+)(\?)?: ([^:?]+)")


class Field(NamedTuple):
    """A field as TypeScript has it: `clientId?: string | null`."""

    name: str
    optional: bool
    kinds: frozenset[str]


def declared_in(blocks: Iterable[Block]) -> tuple[dict[str, list[Field]], dict[tuple[str, str], set[str]]]:
    """The interfaces by name, and, for fields that take a few texts only, these texts."""
    interfaces: dict[str, list[Field]] = {}
    texts: dict[tuple[str, str], set[str]] = {}
    codes = [(block.line, "\n".join(_COMMENT.sub("", line) for line in block.lines)) for block in blocks]
    aliases = {alias for _, code in codes for _, _, alias in _DECLARATION.findall(code) if alias}
    for line, code in codes:
        left = _DECLARATION.sub("", code).strip()
        assert not left, f"line {line}: neither an interface nor a type: {left}"
        for name, body, alias in _DECLARATION.findall(code):
            if alias:
                continue
            assert name not in interfaces, f"{name} is declared twice"
            interfaces[name] = []
            for part in filter(None, map(str.strip, body.split(";"))):
                found = _FIELD.fullmatch(part)
                assert found, f"line {line}: not a field of {name}: {part}"
                kinds = {kind.strip() for kind in found[3].split("|")}
                if quoted := {kind.strip('"') for kind in kinds if kind.startswith('"')}:
                    texts[name, found[1]] = quoted
                known = frozenset(_as_plain(kind, aliases) for kind in kinds)
                interfaces[name].append(Field(found[1], found[2] is not None, known))
    return interfaces, texts


def _as_plain(kind: str, aliases: set[str]) -> str:
    if kind.endswith("[]"):
        return f"{_as_plain(kind[:-2], aliases)}[]"
    return "string" if kind.startswith('"') or kind in aliases else kind


def declared_by(struct: type[msgspec.Struct], *, from_client: bool) -> list[Field]:
    """The fields of a struct. What clients send may be left out where it has a default; what the server sends, only
    where msgspec leaves it out: then it is not null either."""
    config = struct.__struct_config__
    fields = []
    for field in msgspec.structs.fields(struct):
        may_lack = from_client or config.omit_defaults or field.default is msgspec.UNSET
        optional = may_lack and not field.required
        kinds = _kinds(inspect.type_info(field.type))
        fields.append(Field(field.encode_name, optional, kinds - {"null"} if config.omit_defaults else kinds))
    return fields


def _kinds(kind: inspect.Type) -> frozenset[str]:
    match kind:
        case inspect.Metadata():
            return _kinds(kind.type)
        case inspect.UnionType():
            return frozenset().union(*map(_kinds, kind.types))
        case inspect.ListType() | inspect.CollectionType():
            return frozenset({f"{' | '.join(sorted(_kinds(kind.item_type)))}[]"})
        case inspect.StructType():
            return frozenset({kind.cls.__name__.removesuffix("Shape")})
        case inspect.StrType():
            return frozenset({"string"})
        case inspect.IntType() | inspect.FloatType():
            return frozenset({"number"})
        case inspect.BoolType():
            return frozenset({"boolean"})
        case inspect.NoneType():
            return frozenset({"null"})
        case inspect.DictType():
            return frozenset({"object"})
    return frozenset({"unknown"})
