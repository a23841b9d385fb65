"""/api/schema/ is valid, complete, and says what the code says."""

import json
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from conversations.shapes import ConversationShape, GroupShape
from groups.models import Group
from localroots_chat.described import door_of, operation_of
from localroots_chat.errors import STATUS
from tests.support.people import Person
from tests.support.servers import ChatServer

METHODS = ("get", "post", "put", "patch", "delete")
NOT_DESCRIBED = {"schema", "docs"}  # the page itself, and the page about it


@pytest.fixture(scope="module")
def schema() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


def addresses(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        where = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, where)
        elif isinstance(pattern, URLPattern) and where.startswith("api/"):
            yield where, pattern


def doors() -> Iterator[tuple[str, str, Any]]:
    """Route, method and view of every door under /api/."""
    for _, pattern in addresses(get_resolver().url_patterns):
        kind = getattr(pattern.callback, "cls", None)
        if kind is None or pattern.name in NOT_DESCRIBED:
            continue
        actions = getattr(pattern.callback, "actions", None)
        view = kind()
        view.action_map = actions
        for method in METHODS:
            if method in actions if actions else hasattr(kind, method):
                yield str(pattern.name), method, view


def test_it_is_valid(schema: Any) -> None:
    validate_schema(schema)  # type: ignore[no-untyped-call]
    assert schema["openapi"] == "3.1.0"


def test_it_is_made_without_a_warning(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


def test_every_door_is_described_and_nothing_else(schema: Any) -> None:
    there = [(name, method) for name, method, _ in doors()]
    assert ("conversation-messages", "post") in there, "the walk finds nothing"
    described = [(path, method) for path, item in schema["paths"].items() for method in item if method in METHODS]
    assert len(described) == len(there), (sorted(described), sorted(there))
    for _, method, view in doors():
        operation = operation_of(view, method)
        assert (operation.takes is None) or method in ("post", "put", "patch")
        assert set(operation.refuses) <= set(STATUS)


def test_every_object_has_a_name_of_its_own() -> None:
    """Two of one name would be one in the description: the one that is met last."""
    named: dict[str, set[type]] = {}
    for _, method, view in doors():
        operation = operation_of(view, method)
        for kind in structs_in(operation.takes).union(*map(structs_in, operation.gives.values())):
            named.setdefault(kind.__name__.removesuffix("Shape"), set()).add(kind)
    assert {"Message", "Group", "NewGroup"} <= set(named), "the walk finds nothing"
    assert {name: kinds for name, kinds in named.items() if len(kinds) > 1} == {}


def structs_in(kind: object) -> set[type]:
    """The structs that a type names, and those in them."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {kind}.union(*(structs_in(field.type) for field in msgspec.structs.fields(kind)))
    return set().union(*map(structs_in, typing.get_args(kind)))


def test_every_described_method_is_routed() -> None:
    views = [(view, method) for _, method, view in doors()]
    described = {
        f"{kind.__name__}.{name}"
        for kind in {type(view) for view, _ in views}
        for name, door in vars(kind).items()
        if hasattr(door, "operation")
    }
    routed = {f"{type(view).__name__}.{door_of(view, method).__name__}" for view, method in views}
    assert described == routed, "described, but no address leads there: @action, or a line in urls.py"


def test_every_operation_has_a_title_and_a_name_of_its_own(schema: Any) -> None:
    operations = [item[method] for item in schema["paths"].values() for method in METHODS if method in item]
    untitled = [operation["operationId"] for operation in operations if not operation.get("summary")]
    assert untitled == [], "the docstring's first line is the title"
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)


def test_answers_have_all_the_fields_of_the_shapes(schema: Any) -> None:
    parts = schema["components"]["schemas"]
    assert parts["Conversation"]["required"] == list(ConversationShape.__struct_encode_fields__)
    assert set(parts["Group"]["properties"]) == set(GroupShape.__struct_encode_fields__)
    assert parts["Error"]["properties"]["code"]["enum"] == list(STATUS)
    assert parts["Error"]["required"] == ["code", "message", "retryable"]


def test_words_that_are_repeated_are_the_models_own(schema: Any) -> None:
    group = schema["components"]["schemas"]["Group"]["properties"]
    assert group["category"]["enum"] == Group.Category.values
    assert group["visibility"]["enum"] == Group.Visibility.values


def test_it_is_served_to_anybody_as_json_and_as_yaml(embedded_server: ChatServer, new_person: Any) -> None:
    nobody = new_person("nobody", embedded_server)
    del nobody.http.headers["Authorization"]
    assert nobody.get("/api/schema/?format=json")["info"]["title"] == "LocalRoots Chat"
    assert nobody.http.get("/api/schema/").text.startswith("openapi: 3.1.0")


def test_the_way_in_leads_everywhere(embedded_server: ChatServer, new_person: Any) -> None:
    alice: Person = new_person("alice", embedded_server)
    way_in = alice.get("/api/")
    assert {"conversations", "groups", "users", "me", "token", "schema", "docs"} <= set(way_in)
    for address in way_in.values():
        assert address.startswith(f"{embedded_server.base_url}/api/")
        assert alice.http.get(address).status_code in (200, 401, 405), address


def test_a_refusal_is_as_described(embedded_server: ChatServer, new_person: Any, schema: Any) -> None:
    refusal = json.dumps(new_person("alice", embedded_server).refused("GET", "/api/groups/x/", code="not_found"))
    described = schema["paths"]["/api/groups/{group}/"]["get"]["responses"]["404"]
    assert described["description"] == "`not_found`"
    assert set(json.loads(refusal)) <= set(schema["components"]["schemas"]["Error"]["properties"])


def test_a_refusal_of_the_page_itself_is_told(new_person: Any) -> None:
    with ChatServer(env={"CHAT_RATE_REST": "1/60s"}) as server:
        alice: Person = new_person("alice", server)
        alice.http.headers["Authorization"] = "Server of-somebody"  # it is for everybody, whoever they say they are
        assert alice.http.get("/api/schema/").status_code == 200
        refused = alice.http.get("/api/schema/")
        assert refused.status_code == 429
        assert "rate_limited" in refused.text
