"""What the marketplace's tokens say of people: somebody who was never seen is made known, newer
claims replace older ones."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import IntegrityError, transaction

from localroots_chat.accounts.models import Role, User
from localroots_chat.database import json_list, tell

if TYPE_CHECKING:
    from localroots_chat.accounts.tokens import Claims

# In order of their keys: two servers to which the same people come at once must not wait for each other.
_APPLY: Final = (
    """
WITH w AS (
  SELECT * FROM json_to_recordset(%s) AS w(id bigint, iat float8, name text, email text, image text, role text)
), locked AS (
  SELECT u.id FROM accounts_user u JOIN w ON w.id = u.id ORDER BY u.id FOR NO KEY UPDATE OF u
)
UPDATE accounts_user AS u SET profile_applied = w.iat, name = coalesce(w.name, u.name),
  email = coalesce(w.email, u.email), image = coalesce(w.image, u.image), role = coalesce(w.role, u.role)
FROM w JOIN locked ON locked.id = w.id WHERE u.id = w.id AND u.profile_applied < w.iat"""
    if settings.POSTGRESQL
    else """
UPDATE accounts_user AS u SET profile_applied = value ->> 'iat', name = coalesce(value ->> 'name', u.name),
  email = coalesce(value ->> 'email', u.email), image = coalesce(value ->> 'image', u.image),
  role = coalesce(value ->> 'role', u.role)
FROM json_each(%s) WHERE u.id = value ->> 'id' AND u.profile_applied < value ->> 'iat'"""
)


def first_seen(claims: "Claims") -> User:
    """The person whom nobody has told us of before."""
    try:
        with transaction.atomic():
            return User.objects.create(
                public_id=claims.person_id,
                name=claims.name or "",
                email=claims.email or "",
                image=claims.image or "",
                role=claims.role or Role.CUSTOMER,
                profile_applied=claims.issued or 0,
            )
    except IntegrityError:  # another server was first
        return User.objects.get(public_id=claims.person_id)


def apply(newer: Sequence[tuple[User, "Claims"]]) -> None:
    """Takes name, image, email and role from tokens that are newer than what was applied, and remembers how new they
    are. At most one query; the users given have the new values too."""
    newest: dict[int, dict[str, object]] = {}
    for user, claims in sorted(newer, key=lambda one: one[1].issued or 0):
        fresh = {"name": claims.name, "email": claims.email, "image": claims.image, "role": claims.role}
        _put_on(user, fresh)
        user.profile_applied = claims.issued or 0
        newest[user.pk] = {**newest.get(user.pk, {}), **{name: value for name, value in fresh.items() if value}}
        newest[user.pk] |= {"id": user.pk, "iat": user.profile_applied}
    if newest:
        tell(_APPLY, json_list(newest.values()))


def _put_on(user: User, fresh: Mapping[str, str | None]) -> None:
    for field, value in fresh.items():
        if value is not None:
            setattr(user, field, value)
