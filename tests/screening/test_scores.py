"""The example that asks a model: it comes with a package, and asks nobody else."""

import socket
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from localroots_chat.screening.scores import by_scores
from localroots_chat.screening.screen import Text, Verdict


def text(content: str) -> Text:
    return Text(content, "message", "content", "DIRECT", 1)


def test_what_scores_high_is_held(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network is asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    screen = by_scores()
    kind, rude = "Are the tomatoes still there?", "Go to hell, you stupid cow"
    assert [one.verdict for one in screen([text(kind), text(rude)])] == [Verdict.ALLOW, Verdict.HOLD]
    settings.CHAT_SCREEN_SCORE = 0.0
    assert [one.verdict for one in by_scores()([text(kind)])] == [Verdict.HOLD]


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "profanity_check", None)
    with pytest.raises(ImproperlyConfigured, match="pip install alt-profanity-check"):
        by_scores()
