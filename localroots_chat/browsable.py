"""The REST doors as pages, for people with a browser: forms filled with the fields that a door takes, ids as links.

What the doors do is theirs alone; this only shows it (to whoever asks for text/html).
"""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args, get_origin

import msgspec
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from msgspec import UNSET
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request

from localroots_chat.described import operation_of

if TYPE_CHECKING:  # importing it here would go in a circle: DRF's views import their renderers
    from rest_framework.views import APIView

_LINKED_MOST = 500
_CODE = re.compile("`([^`]*)`")


class BrowsableRenderer(BrowsableAPIRenderer):
    """DRF's page, under this service's Content-Security-Policy and with its types."""

    template = "localroots_chat/browsable.html"

    def get_raw_data_form(self, data: Any, view: "APIView", method: str, request: Request) -> Any:
        form: Any = super().get_raw_data_form(data, view, method, request)
        if form is not None:
            takes = operation_of(view, method).takes
            form.fields["_content"].initial = "" if takes is None else json.dumps(example_of(takes, data), indent=2)
            form.fields["_content_type"].choices = [("application/json", "application/json")]
        return form

    def get_content(self, renderer: Any, data: Any, accepted_media_type: str | None, renderer_context: Any) -> Any:
        text = super().get_content(renderer, data, accepted_media_type, renderer_context)
        return linked(text, dict(_addresses_in(data)))

    def get_description(self, view: "APIView", status_code: int) -> str:
        described = str(super().get_description(view, status_code))
        return mark_safe(_CODE.sub(r"<code>\1</code>", described))  # noqa: S308 (a docstring, escaped by DRF)

    def get_context(self, data: Any, accepted_media_type: str | None, renderer_context: Any) -> dict[str, Any]:
        context = super().get_context(data, accepted_media_type, renderer_context)
        # These would come with inline styles, which the policy forbids; the template has the actions as links.
        context["actions"], context["extra_actions"], context["code_style"] = context["extra_actions"], None, None
        more = getattr(data, "next", None)
        if more is not None:
            query = renderer_context["request"].GET.copy()
            query["cursor"] = more
            context["next_page"] = f"?{query.urlencode()}"
        return context


def example_of(kind: Any, now: Any) -> Any:
    """The fields of a struct to begin a form with: what they are `now`, else their default, else an empty value."""
    if get_origin(kind) is list:
        return [example_of(get_args(kind)[0], None)]
    return {field.encode_name: getattr(now, field.name, _default(field)) for field in msgspec.structs.fields(kind)}


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT and field.default is not UNSET:
        return field.default
    (schema,), _ = msgspec.json.schema_components([field.type])
    return {"boolean": False, "integer": 0, "array": []}.get(schema.get("type", ""), "")


def _addresses_in(value: Any) -> Iterator[tuple[str, str]]:
    """The ids in an answer and the address of what each names, as far as the shapes say (`addresses`)."""
    if isinstance(value, msgspec.Struct):
        for name, route in getattr(value, "addresses", {}).items():
            key = getattr(value, name)
            yield key, reverse(route, args=[key])
        for name in value.__struct_fields__:
            yield from _addresses_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _addresses_in(part)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for part in value[:_LINKED_MOST]:
            yield from _addresses_in(part)


def linked(text: str, addresses: Mapping[str, str]) -> SafeString:
    """JSON as HTML, each of these ids a link. (The template makes links of whole addresses, wherever they stand
    between quotes; so quotes, which need no escape outside of tags, stay.)"""
    shown = html.escape(text, quote=False)
    for key, address in addresses.items():
        shown = shown.replace(f'"{html.escape(key)}"', f'"<a href="{html.escape(address)}">{html.escape(key)}</a>"')
    return mark_safe(shown)  # noqa: S308 (everything in it is escaped above)
