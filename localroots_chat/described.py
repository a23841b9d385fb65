"""What a REST door takes, gives and refuses, said once, where the door is.

/api/schema/ and /api/docs/ (openapi.py) and the forms of the browsable API (browsable.py) are made from it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from drf_spectacular.utils import OpenApiParameter

Door = TypeVar("Door", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operation:
    """What a door takes (the type of its body), gives (a type, or None for no body, by status) and refuses (codes)."""

    takes: Any = None
    gives: Mapping[int, Any] = field(default_factory=dict)
    query: Sequence[OpenApiParameter] = ()
    refuses: Sequence[str] = ()


def describe(
    *,
    takes: Any = None,
    gives: Mapping[int, Any],
    query: Sequence[OpenApiParameter] = (),
    refuses: Sequence[str] = (),
) -> Callable[[Door], Door]:
    """Decorates a method of a view. The docstring's first line is the title, the rest the description.

    What follows from the view itself need not be said: a missing token, a body that is no JSON, an id in the address
    that names nothing, too many requests, a database that is away.
    """

    def decorate(door: Door) -> Door:
        door.operation = Operation(takes, gives, query, refuses)  # type: ignore[attr-defined]  # read by operation_of
        return door

    return decorate


def operation_of(view: Any, method: str) -> Operation:
    """What this view does on this HTTP method. Raises LookupError where nothing is described."""
    operation = getattr(door_of(view, method), "operation", None)
    if operation is None:
        name = f"{type(view).__name__}.{getattr(door_of(view, method), '__name__', '?')} ({method})"
        raise LookupError(f"{name} has no @describe(gives={{200: …}}); .github/CONTRIBUTING.md says how.")
    found: Operation = operation
    return found


def door_of(view: Any, method: str) -> Any:
    """The view's function for this HTTP method; None where it has none."""
    names = getattr(view, "action_map", None) or {}
    return getattr(view, names.get(method.lower(), method.lower()), None)


def number(name: str, description: str, *, least: int, most: int, default: int | None = None) -> OpenApiParameter:
    """A whole number of the query."""
    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default
    return OpenApiParameter(name, schema, description=description)


def words(name: str, description: str, *, most: int = 200, required: bool = False) -> OpenApiParameter:
    """A text of the query; as everywhere, NUL is no part of a text. Where it is required, it says something."""
    pattern = "^[^\\x00]*[^\\x00\\s][^\\x00]*$" if required else "^[^\\x00]*$"
    schema = {"type": "string", "maxLength": most, "pattern": pattern}
    return OpenApiParameter(name, schema, description=description, required=required)


def choice(name: str, description: str, values: Sequence[str]) -> OpenApiParameter:
    """One of a few words of the query, or nothing, as a form sends it where nothing was chosen."""
    return OpenApiParameter(name, {"type": "string", "enum": [*values, ""]}, description=description)


CURSOR: Final = OpenApiParameter("cursor", str, description="`next` of the page before.")
LIMIT: Final = number("limit", "How many at most.", least=1, most=100, default=50)
