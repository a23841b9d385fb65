from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "localroots_chat.accounts"
    verbose_name = "People"
