"""Settings of a server that breaks on purpose: the project's own, and the faults that FAULTS names (sabotage.py)."""

from localroots_chat.settings import *  # noqa: F403
from localroots_chat.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "tests.faults.apps.Sabotage"]
