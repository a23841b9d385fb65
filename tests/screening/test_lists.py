"""Rules: which words and links are found, where, and what is wrong with a file of them."""

import time
import typing
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from groups.models import Group
from localroots_chat.screening.lists import Category, Rule, by_rules, hosts_in, screen_of, words_of
from localroots_chat.screening.screen import ALLOWED, Ruling, Text, Verdict, What


def text(content: str, *, what: What = "message", category: str = "TIPS") -> Text:
    return Text(content, what, "content", category, 1)


def found(content: str, *words: str, **more: Any) -> bool:
    """Whether a rule of these words is broken."""
    (ruling,) = screen_of([Rule("refuse", [*words], **more)])([text(content)])
    assert ruling in (ALLOWED, Ruling(Verdict.REFUSE))
    return ruling != ALLOWED


@pytest.mark.parametrize(
    "content",
    [
        "casi\u034fno", "casi\u3164no", "casi\u2800no", "casi\U000e0100no", "ca\u00adsino", "c\u200basino",
        "casino", "A CASINO!", "(casino)", "casino, or not", "ｃａｓｉｎｏ", "casino\ufe0f", "the\ncasino\n",
        "casino-royale", "#casino",
    ],
)  # fmt: skip
def test_a_word_is_found_however_it_is_written(content: str) -> None:
    assert found(content, "Casino")


@pytest.mark.parametrize("content", ["casinos", "occasino", "cas ino", "", "\u200b", "kasino", "c a s i n o"])
def test_only_the_whole_word_is(content: str) -> None:
    assert not found(content, "casino")


def test_stars_stand_for_any_letters() -> None:
    assert found("Buy bitcoins", "bitcoin*")
    assert found("bitcoin", "bitcoin*")
    assert not found("mybitcoins", "bitcoin*")
    assert found("mybitcoin", "*bitcoin")
    assert not found("bitcoins", "*bitcoin")
    assert found("mybitcoins", "*bitcoin*")


def test_words_of_any_script_and_emoji() -> None:
    assert found("Straßenverkauf, STRASSE", "Straße")
    assert found("यह हिन्दी है", "हिन्दी")
    assert not found("यह हिन्दीभाषी है", "हिन्दी")
    assert found("我们卖鸡蛋吧", "*鸡蛋*")
    assert not found("我们卖鸡蛋吧", "鸡蛋"), "nothing parts the words: stars are needed"
    assert found("nice🍆🏽!", "🍆")
    assert found("Cafe\u0301", "café")


def test_phrases() -> None:
    assert found("Make Easy,\n money now", "easy money")
    assert not found("easy to make money", "easy money")
    assert found("easy moneymaker", "easy money*")


def test_what_is_folded() -> None:
    assert words_of("Don't  e-mail ME\u202e!") == " don t e mail me "
    assert words_of("…") == "  "


@pytest.mark.parametrize(
    ("content", "hosts"),
    [
        ("see http://evil.example/x?y", ["evil.example"]),
        ("EVIL.COM and www.other.org.", ["evil.com", "www.other.org"]),
        ("https://good.com@evil.com:8080/", ["evil.com"]),
        ("https://evil.com\\@good.com", ["evil.com"]),
        ("//evil.com", ["evil.com"]),
        ("ev\u200bil．com", ["evil.com"]),
        ("пример.рф", ["пример.рф"]),
        ("10.0.0.1/x", ["10.0.0.1"]),
        ("evil.xyz, www.evil.app or evil.online/path", ["evil.xyz", "www.evil.app", "evil.online"]),
        ("evil。com, evil.Com", ["evil.com", "evil.com"]),
        ("gone.No/more", ["gone.no"]),
        ("tg://join?x http://[2001:db8::1]:80/ HTTPS://Evil.com.", ["join", "[2001:db8::1]", "evil.com"]),
        ("e\u034fvil.\u3164com", ["evil.com"]),
        ("write to me@evil.com", []),
        ("I like it.It is good. gone.No more bread.So good", []),
        ("2.5kg tomatoes.Eggs too, e.g. ten; 12.10.2026, node.js", []),
    ],
)
def test_links_are_found(content: str, hosts: list[str]) -> None:
    assert hosts_in(content) == hosts


HOSTILE = (
    "a|a.b|", "a.b$", "a|b|a.b|", "http://", "a.", "@", "x.com/(", "www.", "a-", "://", "1.1.", "é.é",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    """In proportion: sixteen times the text would take 256 times as long where each character is looked at with all."""

    def seconds(characters: int) -> float:
        content = (piece * characters)[:characters]

        def once() -> float:
            begun = time.perf_counter()
            found(content, "casino", "easy money", "*coin*", links=True)
            return time.perf_counter() - begun

        return min(once() for _ in range(5))

    assert seconds(32_000) < 80 * seconds(2_000)


def test_links_to_known_places_are_fine() -> None:
    rule: dict[str, Any] = {"links": True, "hosts": ["LocalRoots.example"]}
    assert not found("https://localroots.example/eggs and shop.localroots.example", **rule)
    assert found("https://notlocalroots.example", **rule)
    assert found("https://localroots.example and evil.com", **rule)
    assert found("localroots.example.evil.com", **rule)


def test_a_rule_holds_where_it_says() -> None:
    rule = Rule("hold", ["casino"], categories=["TIPS", "DIRECT"], what=["message", "group"], reason="Why?")
    screen = screen_of([rule])
    held = Ruling(Verdict.HOLD, "Why?")
    assert screen([
        text("casino"),
        text("casino", category="DIRECT"),
        text("casino", what="group"),
        text("casino", category="NEWS"),
        text("casino", what="edit"),
        text("casino", what="profile", category=""),
    ]) == [held, held, held, ALLOWED, ALLOWED, ALLOWED]  # fmt: skip


def test_the_strictest_decides_and_of_these_the_first() -> None:
    rules = [
        Rule("hold", ["eggs"], reason="1"),
        Rule("refuse", ["casino"], reason="2"),
        Rule("refuse", ["money"], reason="3"),
    ]
    (ruling, other) = screen_of(rules)([text("eggs, money, casino"), text("eggs")])
    assert (ruling, other) == (Ruling(Verdict.REFUSE, "2"), Ruling(Verdict.HOLD, "1"))


WRONG = {
    "no such file": (None, "cannot read"),
    "not TOML": ("[[rules", "Expected ']]'"),
    "another verdict": ('[[rules]]\nverdict = "delete"', "verdict"),
    "an unknown key": ('[[rules]]\nverdict = "hold"\nword = ["x"]', "word"),
    "an unknown kind": ('[[rules]]\nverdict = "hold"\nwhat = ["image"]', "what"),
    "no rules": ("rule = 1", "rule"),
    "a word of nothing": ('[[rules]]\nverdict = "hold"\nwords = ["!?"]', "is no word"),
    "a star within": ('[[rules]]\nverdict = "hold"\nwords = ["a*b"]', "is no word"),
    "another category": ('[[rules]]\nverdict = "hold"\nlinks = true\ncategories = ["Tips"]', "categories"),
    "an address for a host": ('[[rules]]\nverdict = "hold"\nlinks = true\nhosts = ["https://x.org"]', "hosts"),
    "a star for a host": ('[[rules]]\nverdict = "hold"\nlinks = true\nhosts = ["*.x.org"]', "hosts"),
    "hosts without links": ('[[rules]]\nverdict = "hold"\nwords = ["x"]\nhosts = ["x.org"]', "links = true"),
    "a rule of nothing": ('[[rules]]\nverdict = "hold"', "needs words"),
    "a star alone": ('[[rules]]\nverdict = "hold"\nwords = ["*"]', "is no word"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_file_is_said(what: str, tmp_path: Path, settings: Settings) -> None:
    content, told = WRONG[what]
    path = tmp_path / "rules.toml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    settings.CHAT_SCREEN_RULES = str(path)
    with pytest.raises(ImproperlyConfigured, match="CHAT_SCREEN_RULES") as error:
        by_rules()
    assert told in str(error.value)


def test_a_file_that_is_no_text(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(b"\xff\xfe")
    settings.CHAT_SCREEN_RULES = str(path)
    with pytest.raises(ImproperlyConfigured, match="CHAT_SCREEN_RULES"):
        by_rules()


def test_the_categories_are_those_of_groups() -> None:
    assert {*typing.get_args(Category)} == {*Group.Category.values, "DIRECT"}
