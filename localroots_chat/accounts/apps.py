"""People, their sign-ins and blocks, and the roles of staff."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "localroots_chat.accounts"
    verbose_name = "People"

    def ready(self) -> None:
        from localroots_chat.accounts.staff_roles import make_roles

        post_migrate.connect(make_roles)
