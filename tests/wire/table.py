"""What the tables of this folder share: ids that name nothing, and how a refusal must look."""

import uuid
from typing import Any

import httpx

from tests.support.people import STATUS

ALLOWED_ORIGIN = "https://market.example"


def nobodys_id() -> str:
    """An id that names nothing."""
    return str(uuid.uuid4())


def refusal_in(answer: httpx.Response, code: str, field: str | None = None) -> dict[str, Any]:
    """The Error in this answer, which must be {"error": Error} with this code (and its status) about this field."""
    what = f"{answer.request.method} {answer.request.url} answered {answer.status_code}: {answer.text[:1000]}"
    assert answer.status_code == STATUS[code], what
    assert answer.headers["Content-Type"] == "application/json", what
    body = answer.json()
    assert set(body) == {"error"}, what
    error: dict[str, Any] = body["error"]
    assert error["code"] == code, what
    assert field is None or error.get("field") == field, what
    assert set(error) <= {"code", "message", "field", "retryable", "retryAfter"}, what
    assert isinstance(error["message"], str), what
    assert error["message"], what
    assert isinstance(error["retryable"], bool), what
    return error
