"""The screen that goes by lists: words and links that are refused or held, everywhere or in some categories.

The rules are a TOML file of the operator's (CHAT_SCREEN_RULES); SCREENING.md has an example. Compared are whole words,
without regard to case, to the way in which Unicode writes the same letter, and to characters that nobody sees.
"""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from linkify_it import LinkifyIt

from localroots_chat.screening.screen import ALLOWED, Ruling, Screen, Text, Verdict, What

_VERDICTS: Final = {"hold": Verdict.HOLD, "refuse": Verdict.REFUSE}


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """What is held or refused. A star in a word stands for any letters before or after it."""

    verdict: Literal["hold", "refuse"]
    words: list[Annotated[str, msgspec.Meta(min_length=1)]] = []
    links: bool = False
    hosts: list[str] = []  # to which links are fine, with all below them
    categories: list[str] = []  # none: everywhere; DIRECT: direct conversations
    what: list[What] = []  # none: everything
    reason: str = ""


class Rules(msgspec.Struct, forbid_unknown_fields=True):
    """The file."""

    rules: list[Rule]


def by_rules() -> Screen:
    """The screen of the rules in CHAT_SCREEN_RULES. Raises ImproperlyConfigured."""
    path = settings.CHAT_SCREEN_RULES
    try:
        rules = msgspec.toml.decode(Path(path).read_bytes(), type=Rules).rules
    except OSError as error:
        raise ImproperlyConfigured(f"CHAT_SCREEN_RULES: cannot read {path!r}: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise ImproperlyConfigured(f"CHAT_SCREEN_RULES: {path}: {error}") from error
    return screen_of(rules)


def screen_of(rules: Sequence[Rule]) -> Screen:
    """The screen of these rules: of those that a text breaks, the strictest, and of these the first."""
    ready = [_Ready(rule) for rule in rules]

    def screen(texts: Sequence[Text]) -> Sequence[Ruling]:
        return [_ruling_on(text, ready) for text in texts]

    return screen


def _ruling_on(text: Text, rules: "Sequence[_Ready]") -> Ruling:
    words = words_of(text.content)
    tokens = frozenset(words.split())
    broken = (rule.ruling for rule in rules if rule.concerns(text) and rule.is_broken_by(text.content, words, tokens))
    return max(broken, key=lambda ruling: ruling.verdict, default=ALLOWED)


class _Ready:
    """A rule, prepared for many texts."""

    def __init__(self, rule: Rule) -> None:
        self.ruling = Ruling(_VERDICTS[rule.verdict], rule.reason)
        self._rule = rule
        plain = [_word(word) for word in rule.words if "*" not in word]
        self._words = frozenset(word for word in plain if " " not in word)
        self._patterns = [f" {phrase} " for phrase in plain if " " in phrase]
        self._patterns += [_pattern(word) for word in rule.words if "*" in word]
        self._hosts = tuple(host.lower().strip(".") for host in rule.hosts)

    def concerns(self, text: Text) -> bool:
        rule = self._rule
        return (not rule.categories or text.category in rule.categories) and (not rule.what or text.what in rule.what)

    def is_broken_by(self, content: str, words: str, tokens: frozenset[str]) -> bool:
        return (
            not self._words.isdisjoint(tokens)
            or any(pattern in words for pattern in self._patterns)
            or (self._rule.links and any(not self._is_fine(host) for host in hosts_in(content)))
        )

    def _is_fine(self, host: str) -> bool:
        return any(host == fine or host.endswith(f".{fine}") for fine in self._hosts)


def _pattern(starred: str) -> str:
    before, after = "" if starred.startswith("*") else " ", "" if starred.endswith("*") else " "
    return f"{before}{_word(starred.strip('*'))}{after}"


def _word(text: str) -> str:
    word = words_of(text).strip()
    if not word or "*" in text:
        raise ImproperlyConfigured(f"CHAT_SCREEN_RULES: {text!r} is no word; a star stands before or after letters.")
    return word


# What is compared


class _Folded(dict[int, str]):
    """What becomes of a character: letters, marks and numbers stay, symbols such as emoji are words of their own, what
    nobody sees (joiners, soft hyphens, marks of direction) goes, and everything else parts words."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category[0] in "LN" or (category[0] == "M" and not 0xFE00 <= code <= 0xFE0F):
            self[code] = character
        elif category == "So":
            self[code] = f" {character} "
        else:
            self[code] = "" if category == "Cf" or category[0] == "M" else " "
        return self[code]


_folded: Final = _Folded()


def words_of(content: str) -> str:
    """The words of a text, each between blanks, so that one is found by ` word `."""
    return f" {' '.join(unicodedata.normalize('NFKC', content).casefold().translate(_folded).split())} "


_links: Final = LinkifyIt(options={"fuzzy_ip": True})


def hosts_in(content: str) -> list[str]:
    """The hosts to which a text links, also without http://, in small letters. Addresses of e-mail are none."""
    text = unicodedata.normalize("NFKC", content)
    found = _links.match("".join(one for one in text if unicodedata.category(one) != "Cf")) or []
    return [_host_of(link.url) for link in found if link.schema != "mailto:"]


def _host_of(url: str) -> str:
    authority = url.partition("//")[2].replace("\\", "/").partition("/")[0].partition("?")[0].partition("#")[0]
    return authority.rpartition("@")[2].partition(":")[0].lower().rstrip(".")
