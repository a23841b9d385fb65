"""The account in whose name staff act: people see the team, and the admin's history says who it was."""

from typing import Final

from localroots_chat.accounts.models import Role, User

TEAM: Final = "localroots:team"


def team() -> User:
    """The account, made when it is first needed; its name can be changed in the admin. One query.

    Nobody comes as it, since its id is refused wherever somebody is named (tokens.is_person_id), and the account is
    closed: nobody can write to it.
    """
    of_this_service = {"name": "LocalRoots team", "role": Role.ADMIN, "is_active": False, "is_staff": True}
    return User.objects.get_or_create(public_id=TEAM, defaults=of_this_service)[0]
