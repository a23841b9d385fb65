"""The screen that goes by lists: words and links that are refused or held, everywhere or in some categories.

The rules are a TOML file of the operator's (CHAT_SCREEN_RULES); SCREENING.md has an example. Compared are whole words,
without regard to case, to the way in which Unicode writes the same letter, and to characters that nobody sees.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from publicsuffixlist import PublicSuffixList

from localroots_chat.characters import takes_no_room
from localroots_chat.screening.screen import ALLOWED, Ruling, Screen, Text, Verdict, What

# Of groups (groups.models; a test compares them), and of direct conversations
Category = Literal["GENERAL", "FOOD_SHARE", "NEWS", "RECIPES", "TIPS", "LOCAL_EVENTS", "DIRECT"]

_VERDICTS: Final = {"hold": Verdict.HOLD, "refuse": Verdict.REFUSE}


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """What is held or refused. A star in a word stands for any letters before or after it."""

    verdict: Literal["hold", "refuse"]
    words: list[Annotated[str, msgspec.Meta(min_length=1)]] = []
    links: bool = False
    hosts: list[Annotated[str, msgspec.Meta(pattern=r"^[^\s/:*]+$")]] = []  # links to these, and to all below, are fine
    categories: list[Category] = []  # none: everywhere
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
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
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
        if not rule.words and not rule.links:
            raise ImproperlyConfigured("CHAT_SCREEN_RULES: a rule needs words, or links = true.")
        if rule.hosts and not rule.links:
            raise ImproperlyConfigured("CHAT_SCREEN_RULES: hosts are for a rule with links = true.")
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
    takes no room goes, and everything else parts words."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if takes_no_room(character):
            self[code] = ""
        elif category[0] in "LMN":
            self[code] = character
        else:
            self[code] = f" {character} " if category == "So" else " "
        return self[code]


_folded: Final = _Folded()


def words_of(content: str) -> str:
    """The words of a text, each between blanks, so that one is found by ` word `."""
    return f" {' '.join(unicodedata.normalize('NFKC', content).casefold().translate(_folded).split())} "


# Each looks at a character once, or a few times: a hostile text of 4,000 takes as long as any.
_ADDRESS: Final = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://([^\s/?#]*)", re.IGNORECASE)
_HOST: Final = re.compile(r"[\w.-]+")
_NUMBERS: Final = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_DOTS: Final = str.maketrans("。\\", "./")
_HOST_MOST: Final = 253  # characters
_suffixes: Final = PublicSuffixList(accept_unknown=False, only_icann=True)


def hosts_in(content: str) -> list[str]:
    """The hosts to which a text links, also without http://, in small letters. Addresses of e-mail are none."""
    text = unicodedata.normalize("NFKC", content)
    text = "".join(one for one in text if not takes_no_room(one)).translate(_DOTS)
    addresses = [found[1] for found in _ADDRESS.finditer(text)]
    rest = _ADDRESS.sub(" ", text)
    return [_host_of(authority) for authority in addresses] + list(_bare_hosts(rest))


def _host_of(authority: str) -> str:
    host = authority.rpartition("@")[2]
    end = "]" if host.startswith("[") else ":"  # of IPv6, and of all others
    return (host.partition(end)[0] + end.strip(":")).casefold().strip(".")


def _bare_hosts(text: str) -> Iterator[str]:
    for found in _HOST.finditer(text):
        word = found[0].strip(".-_")
        if "." in word and text[found.start() - 1 : found.start()] != "@" and _is_host(word, text[found.end() :][:1]):
            yield word.casefold()


def _is_host(word: str, after: str) -> bool:
    if _NUMBERS.fullmatch(word):
        return True
    last = word.rpartition(".")[2]
    # Two sentences without a blank, "gone.No more", are no host of Norway.
    if len(last) == 2 and last.istitle() and not word.istitle() and after not in ("/", ":"):
        return False
    return len(word) <= _HOST_MOST and _suffixes.privatesuffix(word.casefold()) is not None
