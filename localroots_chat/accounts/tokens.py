"""The one door for tokens: REST, sockets and Socket.IO all ask `holders_of` who stands behind one.

Two kinds come through it. The service's own access token (signed with JWT_SIGNING_KEY, part of a sign-in), and the
marketplace's (HS256 with AUTH_SECRET, `sub` is its id of the person). They are told apart by the key that
verifies them, never by what they say of themselves.
"""

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from localroots_chat.accounts import profiles
from localroots_chat.accounts.models import Role, SignIn, User, users_named
from localroots_chat.accounts.team import TEAM
from localroots_chat.errors import ChatError

LEEWAY_SECONDS: Final = 15  # clocks of two machines; the same tolerance as Auth.js
_LATEST: Final = 253_402_300_799  # the last second that a datetime can hold
_JOINERS: Final = "\u200c\u200d"  # hold emoji of several parts together, and Persian and Indic letters
# What a token made for another purpose says of itself
_OTHER_PURPOSE: Final = frozenset({"token_type", "token_use", "purpose", "use", "typ"})


class Claims(NamedTuple):
    """What a verified token says. Times are seconds since 1970."""

    person_id: str
    expires: float | None
    issued: float | None
    sign_in: str | None  # of the service's own tokens
    name: str | None
    image: str | None
    email: str | None
    role: str | None


class Holder(NamedTuple):
    """The person a token stands for, until when, and the sign-in it belongs to (own tokens only)."""

    user: User
    expires: float | None
    sign_in: str | None


def token_invalid(message: str = "The token is missing, wrong or expired.", close: int = 4401) -> ChatError:
    """`token_invalid`; `close` is the code that ends a socket for it."""
    return ChatError("token_invalid", message, close=close)


def read(token: object) -> Claims:
    """The claims of a token whose signature and times are right. Raises ChatError `token_invalid`."""
    if not isinstance(token, str) or not 20 <= len(token) <= 8192 or token.count(".") != 2:
        raise token_invalid()
    try:
        return _of_marketplace(token)  # first, because most are
    except jwt.InvalidSignatureError:
        return _own(token)


def _own(token: str) -> Claims:
    try:
        claims = AccessToken(token).payload  # type: ignore[arg-type]  # checks signature, exp, token_type and jti
    except TokenError:
        raise token_invalid() from None
    sub, sign_in = claims.get("sub"), claims.get("family")
    if not isinstance(sub, str) or not isinstance(sign_in, str):
        raise token_invalid()
    return Claims(sub, float(claims["exp"]), _moment(claims.get("iat")), sign_in, None, None, None, None)


def _of_marketplace(token: str) -> Claims:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            settings.AUTH_SECRET,
            algorithms=["HS256"],
            leeway=LEEWAY_SECONDS,
            audience=settings.CHAT_AUDIENCE,
            options={"require": ["exp", "sub"], "verify_aud": False},
        )
    except jwt.InvalidSignatureError:
        raise
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
        raise token_invalid() from None
    if not _OTHER_PURPOSE.isdisjoint(claims):
        raise token_invalid()
    audience = claims.get("aud", settings.CHAT_AUDIENCE)
    if settings.CHAT_AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
        raise token_invalid()
    expires = _moment(claims["exp"])
    if not is_person_id(claims["sub"]) or expires is None:
        raise token_invalid()
    return Claims(
        person_id=claims["sub"],
        expires=expires,
        issued=_moment(claims.get("iat")),
        sign_in=None,
        name=clean_name(claims.get("name")),
        image=clean_image(claims.get("picture")),
        email=_clean_email(claims.get("email")),
        role=claims["role"] if claims.get("role") in Role.values else None,
    )


def _moment(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        return None
    return float(value)


def is_person_id(value: object) -> bool:
    """1–128 printable characters without space, comma, slash; and not the team's, as whom nobody comes (team.py)."""
    if not isinstance(value, str) or value == TEAM:
        return False
    return 1 <= len(value) <= 128 and value.isprintable() and not set(value) & set(" ,/")


def clean_name(value: object) -> str | None:
    """A display name on one line without control characters, at most 200 characters; None where there is none."""
    if not isinstance(value, str):
        return None
    shown = (character if character.isprintable() or character in _JOINERS else " " for character in value)
    return " ".join("".join(shown).split())[:200] or None


def clean_image(value: object) -> str | None:
    """An http(s) address of at most 2,000 characters; None for anything else (javascript:, data:)."""
    if not isinstance(value, str) or len(value) > 2000 or not value.isprintable():
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in {"http", "https"} and parts.netloc else None


def _clean_email(value: object) -> str | None:
    return value if isinstance(value, str) and 3 <= len(value) <= 254 and "@" in value and value.isprintable() else None


# From claims to people


def holder_of(token: object) -> Holder:
    """Who stands behind one token. Raises ChatError `token_invalid`. At most three queries."""
    (found,) = holders_of([token])
    if isinstance(found, ChatError):
        raise found
    return found


def holders_of(tokens: Sequence[object]) -> list[Holder | ChatError]:
    """Who stands behind each token, or why nobody does. At most three queries for any number of known people."""
    read_ones = [_read_or_error(token) for token in tokens]
    claims = [one for one in read_ones if isinstance(one, Claims)]
    known = users_named([one.person_id for one in claims]) if claims else {}
    alive = _alive_sign_ins(claims)
    found = [one if isinstance(one, ChatError) else _holder_or_error(one, known, alive) for one in read_ones]
    profiles.apply(
        [
            (holder.user, one)
            for one, holder in zip(read_ones, found, strict=True)
            if isinstance(one, Claims) and isinstance(holder, Holder) and _says_newer(one, holder.user)
        ]
    )
    return found


def _read_or_error(token: object) -> Claims | ChatError:
    try:
        return read(token)
    except ChatError as error:
        return error


def _alive_sign_ins(claims: Sequence[Claims]) -> set[str]:
    asked = {one.sign_in for one in claims if one.sign_in is not None}
    if not asked:
        return set()
    return {str(pk) for pk in SignIn.objects.filter(pk__in=asked, ended_at=None).values_list("pk", flat=True)}


def _holder_or_error(claims: Claims, known: dict[str, User], alive: set[str]) -> Holder | ChatError:
    user = known.get(claims.person_id)
    if claims.sign_in is not None:
        if user is None or claims.sign_in not in alive:
            return token_invalid("You have been signed out.", close=4403)
    elif user is None:
        user = known[claims.person_id] = profiles.first_seen(claims)
    elif user.is_of_this_service:
        return token_invalid()
    elif claims.issued is None:
        if user.tokens_valid_after:
            return token_invalid("You have been signed out.", close=4403)
    elif claims.issued <= user.tokens_valid_after:
        return token_invalid("You have been signed out.", close=4403)
    if not user.is_active:
        return token_invalid("This account has been disabled.", close=4403)
    return Holder(user, claims.expires, claims.sign_in)


def _says_newer(claims: Claims, user: User) -> bool:
    return claims.sign_in is None and claims.issued is not None and claims.issued > user.profile_applied


def now() -> float:
    """The clock that tokens are measured by."""
    return time.time()
