"""Looking at texts before they are stored: each is allowed, waits for a moderator, or is refused.

Which screens there are is the operator's choice (CHAT_SCREEN; none by default), and SCREENING.md says how to write
one. Knows texts and no tables; what becomes of what is held is the business of those who store.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from localroots_chat.errors import ChatError

_log = logging.getLogger(__name__)

What = Literal["message", "edit", "group", "profile"]
DIRECT: Final = "DIRECT"


class Verdict(IntEnum):
    """What becomes of a text. Of several screens, the strictest decides."""

    ALLOW = 0
    HOLD = 1
    REFUSE = 2


class Ruling(NamedTuple):
    """A verdict, and the reason that is told to the author and to moderators."""

    verdict: Verdict
    reason: str = ""


class Text(NamedTuple):
    """What somebody is about to say or to be called.

    `field` is the client's name for it ("content", "name", "description"); `category` that of the group where it is
    said, DIRECT in a direct conversation, "" for a person's name; `author` the person's key.
    """

    content: str
    what: What
    field: str
    category: str
    author: int


Screen = Callable[[Sequence[Text]], Sequence[Ruling]]

ALLOWED: Final = Ruling(Verdict.ALLOW)
_NOT_LOOKED_AT: Final = Ruling(Verdict.HOLD, "This could not be looked at.")


def is_on() -> bool:
    """Whether anybody looks at texts here."""
    return bool(settings.CHAT_SCREEN)


@lru_cache(maxsize=1)
def screens() -> Sequence[Screen]:
    """The screens that CHAT_SCREEN names, made when they are first wanted. Raises ImproperlyConfigured."""
    return [_made(name) for name in settings.CHAT_SCREEN]


def _made(name: str) -> Screen:
    try:
        made: Screen = import_string(name)()
    except ImportError as error:
        raise ImproperlyConfigured(f"CHAT_SCREEN: {error}.") from error
    return made


def rulings_on(texts: Sequence[Text]) -> Sequence[Ruling]:
    """One ruling for each text, within CHAT_SCREEN_SECONDS for each screen.

    What a screen fails to look at, or not in time, is held: nothing gets by unseen, and nothing is lost. Texts of a
    batch are looked at together, which for a model costs little more than one.
    """
    strictest: list[Ruling] = [ALLOWED] * len(texts)
    for screen in screens():
        found = _asked(screen, texts)
        strictest = [max(pair, key=lambda one: one.verdict) for pair in zip(strictest, found, strict=True)]
    return strictest


def check(texts: Sequence[Text]) -> None:
    """For what cannot wait, changes and names: raises ChatError `content_refused` unless all is allowed."""
    if not is_on():
        return
    for text, ruling in zip(texts, rulings_on(texts), strict=True):
        if ruling.verdict is not Verdict.ALLOW:
            raise refusal(ruling, text.field)


def refusal(ruling: Ruling, field: str = "content") -> ChatError:
    """`content_refused`, with the reason."""
    return ChatError("content_refused", ruling.reason or "This may not be said here.", field=field)


# A thread of its own: a screen that hangs must not take those of the database with it. Screens are called one at a
# time, so they need no locks.


@lru_cache(maxsize=1)
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="screen")


def _asked(screen: Screen, texts: Sequence[Text]) -> Sequence[Ruling]:
    asked = _thread().submit(screen, texts)
    try:
        found = asked.result(timeout=settings.CHAT_SCREEN_SECONDS)
        if len(found) == len(texts):
            return found
        _log.error("A screen has %d rulings on %d texts", len(found), len(texts))
    except TimeoutError:
        asked.cancel()  # if it has not begun: the one before it hangs
        _log.error("A screen took more than %s s", settings.CHAT_SCREEN_SECONDS)
    except Exception:
        _log.exception("A screen failed")
    return [_NOT_LOOKED_AT] * len(texts)
