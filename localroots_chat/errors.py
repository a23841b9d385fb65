"""The one vocabulary of refusals, for REST and sockets alike.

A `ChatError` is what a person is told: a code of the contract, an English sentence, the field it is
about, whether trying again can help. How it travels (HTTP status, reply frame) is the doors' business.
"""

from typing import Annotated, Final

import msgspec

STATUS: Final[dict[str, int]] = {
    "bad_json": 400,
    "invalid_field": 400,
    "body_empty": 400,
    "body_too_long": 400,
    "cursor_invalid": 400,
    "unknown_event": 400,
    "token_invalid": 401,
    "forbidden": 403,
    "blocked": 403,
    "muted": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "client_id_reused": 409,
    "full": 409,
    "file_too_large": 413,
    "image_too_large": 413,
    "quota_exceeded": 413,
    "file_type": 415,
    "content_refused": 422,
    "rate_limited": 429,
    "internal": 500,
    "overloaded": 503,
    "unavailable": 503,
}
RETRYABLE: Final = frozenset({"rate_limited", "overloaded", "unavailable", "internal"})


class ErrorShape(msgspec.Struct, rename="camel", omit_defaults=True):
    """What was refused: a code for programs, a sentence for developers, the field, whether trying again can help."""

    code: Annotated[str, msgspec.Meta(extra_json_schema={"enum": [*STATUS]})]
    message: str
    retryable: bool
    field: str | None = None
    retry_after: float | None = None


class ChatError(Exception):
    """A refusal with a code of the contract.

    `field` is the client's name of the offending field (camelCase); `retry_after` is in seconds;
    `close` is the WebSocket close code where the refusal ends the socket.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
        close: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field
        self.retry_after, self.close = retry_after, close

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUS[self.code]

    @property
    def shape(self) -> ErrorShape:
        """The wire's `Error`."""
        return ErrorShape(
            code=self.code,
            message=self.message,
            retryable=self.code in RETRYABLE,
            field=self.field,
            retry_after=self.retry_after,
        )


def invalid(field: str, message: str) -> ChatError:
    """`invalid_field` for `field`."""
    return ChatError("invalid_field", message, field=field)


def not_found(what: str = "conversation") -> ChatError:
    """`not_found`: said of what does not exist and, word for word, of what one may not see."""
    return ChatError("not_found", f"There is no such {what}.")


def unavailable() -> ChatError:
    """`unavailable`: the database could not be asked; nothing was stored that was not acknowledged."""
    return ChatError("unavailable", "The service cannot store or read this right now. Please try again.")
