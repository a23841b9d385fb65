"""Looking at texts before they are stored: each is allowed, waits for a moderator, or is refused.

Which screens there are is the operator's choice (CHAT_SCREEN; none by default), and SCREENING.md says how to write
one. Knows texts and no tables; what becomes of what is held is the business of those who store.
"""

import logging
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, Literal, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from localroots_chat.errors import ChatError
from localroots_chat.wire import is_text

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
NOT_LOOKED_AT: Final = Ruling(Verdict.HOLD, "This could not be looked at.")


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
    if not texts:
        return []
    strictest: list[Ruling] = [ALLOWED] * len(texts)
    for screen in screens():
        found = _asked(screen, texts)
        strictest = [max(pair, key=lambda one: one.verdict) for pair in zip(strictest, found, strict=True)]
    return strictest


def check(texts: Sequence[Text]) -> None:
    """For what cannot wait, changes and names: raises ChatError `content_refused` unless all is allowed, `unavailable`
    where it could not be looked at."""
    if not is_on():
        return
    for text, ruling in zip(texts, rulings_on(texts), strict=True):
        if ruling is NOT_LOOKED_AT:
            raise ChatError("unavailable", "This cannot be looked at right now. Please try again.")
        if ruling.verdict is not Verdict.ALLOW:
            raise refusal(ruling, text.field)


def refusal(ruling: Ruling, field: str = "content") -> ChatError:
    """`content_refused`, with the reason."""
    return ChatError("content_refused", ruling.reason or "This may not be said here.", field=field)


# Each question is asked in a thread of its own, which may be left behind: a screen that hangs must not take those of
# the database with it, nor keep the process from ending.

_HUNG_MOST: Final = 8
_hung: list[Thread] = []


def _asked(screen: Screen, texts: Sequence[Text]) -> Sequence[Ruling]:
    _hung[:] = [thread for thread in _hung if thread.is_alive()]
    if len(_hung) >= _HUNG_MOST:
        _log.error("Screens hang: nothing is looked at until one of them goes on")
        return [NOT_LOOKED_AT] * len(texts)
    answer: SimpleQueue[Sequence[Ruling] | BaseException] = SimpleQueue()
    thread = Thread(target=_ask, args=(screen, texts, answer), name="screen", daemon=True)
    thread.start()
    try:
        found = answer.get(timeout=settings.CHAT_SCREEN_SECONDS)
    except Empty:
        _hung.append(thread)
        _log.error("A screen took more than %s s", settings.CHAT_SCREEN_SECONDS)
        return [NOT_LOOKED_AT] * len(texts)
    if isinstance(found, BaseException):
        _log.error("A screen failed", exc_info=found)
        return [NOT_LOOKED_AT] * len(texts)
    return found


def _ask(screen: Screen, texts: Sequence[Text], answer: "SimpleQueue[Sequence[Ruling] | BaseException]") -> None:
    try:
        answer.put(_checked(screen(texts), len(texts)))
    except BaseException as error:  # SystemExit too: whoever waits is told
        answer.put(error)


def _checked(rulings: Any, wanted: int) -> Sequence[Ruling]:
    """What a screen answered, which others write, if it is what it should be."""
    if len(rulings) != wanted:
        raise ValueError(f"{len(rulings)} rulings on {wanted} texts")
    for ruling in rulings:
        if not isinstance(ruling.verdict, Verdict) or not isinstance(ruling.reason, str) or not is_text(ruling.reason):
            raise TypeError(f"not a ruling: {ruling!r}")
    return [Ruling(*ruling) for ruling in rulings]
