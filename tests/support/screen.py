"""A screen for tests: casinos are held everywhere, links in tips; spam is refused. And screens of a test's own."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec
import pytest
from pytest_django import Settings

from localroots_chat.screening import screen
from localroots_chat.screening.lists import Rules, screen_of
from localroots_chat.screening.screen import Screen
from tests.support.processes import temporary_directory

_RULES: Final = """
[[rules]]
verdict = "hold"
words = ["casino*"]
reason = "Not without a moderator."

[[rules]]
verdict = "hold"
links = true
hosts = ["localroots.example"]
categories = ["TIPS"]
reason = "Links are looked at first."

[[rules]]
verdict = "refuse"
words = ["spam"]
reason = "No spam."
"""


def screened() -> dict[str, str]:
    """The settings of a server that goes by these rules."""
    path = temporary_directory("chat-screen") / "rules.toml"
    path.write_text(_RULES, encoding="utf-8")
    return {"CHAT_SCREEN": "localroots_chat.screening.lists.by_rules", "CHAT_SCREEN_RULES": str(path)}


Choose = Callable[..., None]


@pytest.fixture
def choose(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Choose]:
    """`choose(screen, …)`: these look at texts of this process, from now on. Without any, it is the one above."""

    def choose(*screens: Screen) -> None:
        chosen = screens or [screen_of(msgspec.toml.decode(_RULES, type=Rules).rules)]
        for number, one in enumerate(chosen):
            monkeypatch.setattr(screen, f"made_{number}", lambda one=one: one, raising=False)
        settings.CHAT_SCREEN = [f"localroots_chat.screening.screen.made_{number}" for number in range(len(chosen))]
        screen.screens.cache_clear()

    yield choose
    screen.screens.cache_clear()
