"""Signing in with a password, renewing, and signing out, here or everywhere.

A refresh token is good once. One statement both checks and replaces it, so of two parallel refreshes one wins;
a used one that comes again ends its whole family, because somebody has a copy.
"""

import uuid
from datetime import UTC, datetime, timedelta

import msgspec
from django.conf import settings
from django.contrib.auth import authenticate, logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from localroots_chat.accounts.models import SignIn, User
from localroots_chat.accounts.revocation import end_connections
from localroots_chat.accounts.tokens import now, token_invalid
from localroots_chat.database import DatabaseNow
from localroots_chat.gateway import publish
from localroots_chat.gateway.layer import Revoked

_REFRESH_LIFETIME = timedelta(days=30)
_ACCESS_LIFETIME = timedelta(minutes=10)


class Pair(msgspec.Struct):
    """An access token and the refresh token that gets the next one."""

    access: str
    refresh: str


def sign_in(request: HttpRequest | None, username: str, password: str) -> Pair:
    """Starts a sign-in. Raises ChatError `token_invalid`, the same for a wrong name as for a wrong password."""
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        raise token_invalid("The user name or the password is wrong.")
    refresh_id = uuid.uuid4().hex
    family = SignIn.objects.create(user=user, refresh_id=refresh_id, expires_at=datetime.now(UTC) + _REFRESH_LIFETIME)
    return _pair(user, str(family.pk), refresh_id)


def refresh(token: object) -> Pair:
    """The next pair. Raises ChatError `token_invalid`; where the token had been used before, its family ends."""
    claims = _refresh_claims(token)
    family = SignIn.objects.select_related("user").filter(pk=claims["family"]).first()
    if family is None or not family.user.is_active:
        raise token_invalid()
    refresh_id = uuid.uuid4().hex
    replaced = SignIn.objects.filter(pk=family.pk, refresh_id=claims["jti"], ended_at=None).update(
        refresh_id=refresh_id, expires_at=datetime.now(UTC) + _REFRESH_LIFETIME
    )
    if not replaced:
        _end_family(family)
        raise token_invalid()
    return _pair(family.user, str(family.pk), refresh_id)


def sign_out(user: User, family: str | None) -> None:
    """Ends one sign-in with its tokens and sockets. A marketplace token has none here and simply runs out."""
    if family is not None:
        for found in SignIn.objects.filter(pk=family, user=user):
            _end_family(found)


def sign_out_everywhere(user: User) -> None:
    """From now on every token issued so far is refused, every socket closed, every browser session ended."""
    with transaction.atomic():
        SignIn.objects.filter(user=user, ended_at=None).update(ended_at=DatabaseNow())
        User.objects.filter(pk=user.pk).update(tokens_valid_after=now(), access_changed_at=DatabaseNow())
        end_connections(user.pk)


_IN_SESSION = "sign_in"


def browser_sign_in(request: HttpRequest) -> str | None:
    """The sign-in of this browser session."""
    found: str | None = request.session.get(_IN_SESSION)
    return found


def sign_out_of_browser(request: HttpRequest) -> None:
    """Ends the browser session of this request, and its sockets."""
    logout(request)


@receiver(user_logged_in)
def _begin_in_browser(request: HttpRequest, user: User, **_: object) -> None:
    family = SignIn.objects.create(user=user, refresh_id="", expires_at=request.session.get_expiry_date())
    request.session[_IN_SESSION] = str(family.pk)


@receiver(user_logged_out)
def _end_in_browser(request: HttpRequest, user: User | None, **_: object) -> None:
    if user is not None:
        sign_out(user, browser_sign_in(request))


def _end_family(family: SignIn) -> None:
    with transaction.atomic():
        SignIn.objects.filter(pk=family.pk, ended_at=None).update(ended_at=DatabaseNow())
        publish.on_commit(Revoked(family.user_id, str(family.pk)))


def _refresh_claims(token: object) -> dict[str, str]:
    if not isinstance(token, str):
        raise token_invalid()
    try:
        claims = RefreshToken(token).payload  # type: ignore[arg-type]
    except TokenError:
        raise token_invalid() from None
    family = str(claims.get("family"))
    try:
        uuid.UUID(family)
    except ValueError:
        raise token_invalid() from None
    return {"family": family, "jti": str(claims.get("jti"))}


def _pair(user: User, family: str, refresh_id: str) -> Pair:
    access, renewal = AccessToken(), RefreshToken()
    access.set_exp(lifetime=_ACCESS_LIFETIME)
    renewal.set_exp(lifetime=_REFRESH_LIFETIME)
    renewal["jti"] = refresh_id
    for token in (access, renewal):
        token[settings.SIMPLE_JWT["USER_ID_CLAIM"]] = user.public_id
        token["family"] = family
    return Pair(str(access), str(renewal))
