"""SCREENING.md is true: its rules are read, its screen works, and it names what there is."""

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from pytest_django import Settings

from localroots_chat.screening.lists import Rule, by_rules
from localroots_chat.screening.screen import Screen, Text, Verdict, What

DOCUMENT = (Path(settings.BASE_DIR) / "localroots_chat" / "screening" / "SCREENING.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(found)


def verdict(screen: Screen, content: str, what: What = "message", category: str = "TIPS") -> Verdict:
    (ruling,) = screen([Text(content, what, "content", category, 1)])
    return ruling.verdict


def test_the_rules_of_the_example(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(block("toml"))
    settings.CHAT_SCREEN_RULES = str(path)
    screen = by_rules()
    assert verdict(screen, "Easy money!") is Verdict.REFUSE
    assert verdict(screen, "see evil.com") is Verdict.HOLD
    assert verdict(screen, "see shop.localroots.example") is Verdict.ALLOW
    assert verdict(screen, "see evil.com", category="NEWS") is Verdict.ALLOW
    assert verdict(screen, "LocalRoots Team", "profile", "") is Verdict.REFUSE
    assert verdict(screen, "Ask LocalRoots support") is Verdict.ALLOW


def test_the_screen_of_the_example() -> None:
    made: dict[str, Any] = {}
    exec(block("python"), made)
    screen = made["no_shouting"]()
    assert verdict(screen, "WHERE ARE MY TOMATOES, FARMER?") is Verdict.REFUSE
    assert verdict(screen, "Where are my tomatoes, farmer?") is Verdict.ALLOW


def test_what_it_names_is_there() -> None:
    for name in set(re.findall(r"localroots_chat(?:\.\w+){3}", DOCUMENT)) - {"localroots_chat.screening.screen"}:
        assert callable(import_string(name)), name
    for name in set(re.findall(r"CHAT_SCREEN\w*", DOCUMENT)):
        assert hasattr(settings, name), name
    keys = set(re.findall(r"^- `(\w+)`", DOCUMENT, re.MULTILINE))
    assert keys == {*Rule.__struct_fields__} - {"hosts", "reason"}
