"""Tells Django where the client's templates and static files are."""

from django.apps import AppConfig


class WebClientConfig(AppConfig):
    name = "localroots_chat.webclient"
    label = "webclient"
    verbose_name = "Web client"
