"""The OpenAPI page of the REST doors, written by drf-spectacular from what the doors say of themselves (described.py).

Nothing is described that is not a msgspec type of the code: the types that read requests and shape answers.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

import msgspec
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction, OpenApiResponse
from rest_framework.parsers import MultiPartParser

from localroots_chat.described import Operation, door_of, operation_of
from localroots_chat.errors import STATUS, ErrorShape
from localroots_chat.wire import Id

_REF: Final = "#/components/schemas/"


class Problem(msgspec.Struct):
    """What every refusal of the REST doors looks like."""

    error: ErrorShape


class Typed:
    """A type of the wire, in the place where drf-spectacular expects a serializer."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    @property
    def name(self) -> str:
        """MessageShape is `Message`, Listed[MessageShape] and list[MessageShape] are `MessageList`."""
        if get_origin(self.kind) is not None:
            (inner,) = get_args(self.kind)
            return f"{Typed(inner).name}List"
        return _part_name(self.kind.__name__)


class TypedExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Writes a Typed as components: its own, and one for each struct in it."""

    target_class = Typed

    def get_name(self, auto_schema: AutoSchema, direction: Direction) -> str:
        return str(self.target.name)

    def get_identity(self, auto_schema: AutoSchema, direction: Direction) -> Any:
        return self.target.name

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Any:
        kind = self.target.kind
        (schema,), parts = msgspec.json.schema_components([kind], ref_template=_REF + "{name}")
        names = {name: _part_name(name) for name in parts}
        own = schema.get("$ref", "").removeprefix(_REF)
        for name, part in parts.items():
            part.pop("title", None)
            if direction == "response":
                _always_whole(part)
            if name != own:
                self._register(auto_schema, names[name], _renamed(part, names))
        return _renamed(parts[own] if own else schema, names)

    def _register(self, auto_schema: AutoSchema, name: str, schema: dict[str, Any]) -> None:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema
        )
        auto_schema.registry.register_on_missing(component)


def _part_name(name: str) -> str:
    return name.removesuffix("Shape")


def _always_whole(schema: dict[str, Any]) -> None:
    """Answers have all their keys, also those that have a default in the code; but for those that may be UNSET, which
    msgspec neither requires nor gives a default, and for some of an Error."""
    properties, required = schema.get("properties", {}), schema.get("required", ())
    optional = {name for name, part in properties.items() if name not in required and "default" not in part}
    optional |= {"field", "retryAfter"} if "retryable" in properties else set()
    for name, part in properties.items():
        if name not in optional:
            part.pop("default", None)
    if properties:
        schema["required"] = [name for name in properties if name not in optional]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _renamed(part, names) for key, part in value.items()}
        case list():
            return [_renamed(part, names) for part in value]
        case str() if value.startswith(_REF):
            return _REF + names[value.removeprefix(_REF)]
    return value


class WireSchema(AutoSchema):
    """drf-spectacular's view of a door, taken from its Operation and its docstring."""

    @property
    def operation(self) -> Operation:
        """What `describe` said."""
        return operation_of(self.view, self.method)

    def get_summary(self) -> str:
        return self._docstring()[0]

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular's own has no path and method
        return self._docstring()[1]

    def _docstring(self) -> tuple[str, str]:
        title, _, rest = (door_of(self.view, self.method).__doc__ or "").strip().partition("\n")
        return title.rstrip("."), " ".join(rest.split())

    def get_operation_id(self) -> str:
        name = getattr(self.view, "basename", None) or type(self.view).__name__.removesuffix("View").lower()
        return f"{name}_{getattr(self.view, 'action', None) or self.method.lower()}"

    def get_tags(self) -> list[str]:
        *_, app, _ = type(self.view).__module__.split(".")
        return ["api" if app == "localroots_chat" else app]

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # a list's answer is a type of its own, Listed

    def get_request_serializer(self) -> Any:
        return Typed(self.operation.takes) if self.operation.takes is not None else None

    def get_response_serializers(self) -> Any:
        given = {status: kind and Typed(kind) for status, kind in self.operation.gives.items()}
        return {**given, **self._refusals()}

    def _refusals(self) -> dict[int, OpenApiResponse]:
        by_status: dict[int, list[str]] = {}
        for code in dict.fromkeys([*self._usual_refusals(), *self.operation.refuses]):
            by_status.setdefault(STATUS[code], []).append(code)
        return {
            status: OpenApiResponse(Typed(Problem), description=", ".join(f"`{code}`" for code in codes))
            for status, codes in sorted(by_status.items())
        }

    def _usual_refusals(self) -> list[str]:
        usual = ["rate_limited", "unavailable"]
        if self.operation.takes is not None:
            usual += ["bad_json", "invalid_field", "file_too_large", "file_type"]
        if self.operation.query:
            usual += ["invalid_field"]
        if self.view.get_authenticators() or self._scheme():
            usual += ["token_invalid"]
        if self.method not in ("GET", "HEAD"):
            usual += ["forbidden"]  # a browser's session without its CSRF token
        if "{" in self.path:
            usual += ["not_found"]
        return usual

    def get_override_parameters(self) -> list[Any]:
        return list(self.operation.query)

    def get_auth(self) -> list[dict[str, list[str]]]:
        scheme = self._scheme()
        return [{scheme: []}] if scheme else super().get_auth()

    def _scheme(self) -> str | None:
        """The security scheme that a permission of the view stands for, where it is not a person's token."""
        found = (getattr(permission, "security_scheme", None) for permission in self.view.get_permissions())
        return next((scheme for scheme in found if scheme), None)

    def map_parsers(self) -> list[str]:
        if MultiPartParser in self.view.parser_classes:
            return ["multipart/form-data"]
        return ["application/json"]  # forms are taken too, for curl and for browsers; JSON is the contract

    def map_renderers(self, attribute: str) -> list[str]:
        return ["*/*"] if bytes in self.operation.gives.values() else ["application/json"]

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        (key,), _ = msgspec.json.schema_components([Id])
        schemas = {"emoji": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[^/\\x00]+$"}}
        return [{"in": "path", "name": name, "schema": schemas.get(name, key), "required": True} for name in variables]


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The page's word for accounts' BearerAuthentication."""

    target_class = "localroots_chat.accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "`access` of POST /api/token/, or a token of the marketplace signed with AUTH_SECRET.",
        }


class LinkScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The page's word for conversations' LinkAuthentication."""

    target_class = "conversations.api_files.LinkAuthentication"
    name = "link"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "query",
            "name": "link",
            "description": "From POST /api/attachments/{attachment}/link/: for one file, one person and five minutes.",
        }
