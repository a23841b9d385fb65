"""Asking screens: the strictest decides, and what they fail to look at is held."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from pytest_django import Settings

from localroots_chat.errors import ChatError
from localroots_chat.screening import screen
from localroots_chat.screening.screen import ALLOWED, NOT_LOOKED_AT, Ruling, Text, Verdict, check, rulings_on, screens
from tests.support.screen import Choose

HELD, REFUSED = Ruling(Verdict.HOLD, "held"), Ruling(Verdict.REFUSE, "refused")


def text(content: str, field: str = "content") -> Text:
    return Text(content, "message", field, "DIRECT", 1)


def by_first_letter(texts: Sequence[Text]) -> Sequence[Ruling]:
    return [{"h": HELD, "r": REFUSED}.get(one.content[:1], ALLOWED) for one in texts]


def by_last_letter(texts: Sequence[Text]) -> Sequence[Ruling]:
    return by_first_letter([one._replace(content=one.content[::-1]) for one in texts])


def test_nobody_looks_by_default() -> None:
    assert not screen.is_on()
    check([text("rrr")])


def test_the_strictest_of_several_decides(choose: Choose) -> None:
    choose(by_first_letter, by_last_letter)
    assert rulings_on([text(one) for one in ("a", "ha", "ah", "hr", "rh")]) == [ALLOWED, HELD, HELD, REFUSED, REFUSED]


@pytest.mark.parametrize(("content", "reason"), [("h", "held"), ("r", "refused")])
def test_what_cannot_wait_is_refused(choose: Choose, content: str, reason: str) -> None:
    choose(by_first_letter)
    check([text("a"), text("b")])
    with pytest.raises(ChatError) as error:
        check([text("a"), text(content, "description")])
    assert (error.value.code, error.value.field, error.value.message) == ("content_refused", "description", reason)


def fails(texts: Sequence[Text]) -> Sequence[Ruling]:
    raise RuntimeError("broken")


def ends_the_process(texts: Sequence[Text]) -> Sequence[Ruling]:
    raise SystemExit


BROKEN: dict[str, tuple[Any, str]] = {
    "an error": (fails, "A screen failed"),
    "an end": (ends_the_process, "SystemExit"),
    "too few": (lambda texts: [ALLOWED], "1 rulings on 2 texts"),
    "nothing": (lambda texts: None, "A screen failed"),
    "verdicts alone": (lambda texts: [Verdict.ALLOW] * 2, "A screen failed"),
    "no reason": (lambda texts: [Ruling(Verdict.HOLD, None)] * 2, "not a ruling"),  # type: ignore[arg-type]
    "a reason that is no text": (lambda texts: [Ruling(Verdict.HOLD, "\0")] * 2, "not a ruling"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_not_looked_at_is_held(what: str, choose: Choose, caplog: pytest.LogCaptureFixture) -> None:
    broken, told = BROKEN[what]
    choose(broken, by_first_letter)
    assert rulings_on([text("a"), text("r")]) == [NOT_LOOKED_AT, REFUSED]
    assert told in caplog.text
    with pytest.raises(ChatError) as error:
        check([text("a"), text("b")])
    assert (error.value.code, error.value.shape.retryable) == ("unavailable", True)


def test_nothing_is_asked_about_nothing(choose: Choose) -> None:
    choose(fails)
    assert rulings_on([]) == []
    check([])


def test_a_screen_that_hangs_keeps_nobody(choose: Choose, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.CHAT_SCREEN_SECONDS = 0.05
    go_on, asked = threading.Event(), []

    def hangs(texts: Sequence[Text]) -> Sequence[Ruling]:
        asked.append(threading.current_thread())
        go_on.wait(60)
        return [ALLOWED] * len(texts)

    choose(hangs)
    try:
        for _ in range(screen._HUNG_MOST + 2):
            assert rulings_on([text("a")]) == [NOT_LOOKED_AT]
        assert "more than 0.05 s" in caplog.text
        assert len(asked) == screen._HUNG_MOST, "threads do not pile up for ever"
        assert all(thread.daemon for thread in asked), "nor does the process wait for them when it ends"
        choose(by_first_letter)
        assert rulings_on([text("a")]) == [NOT_LOOKED_AT]
        assert "Screens hang" in caplog.text
    finally:
        go_on.set()
    for thread in asked:
        thread.join(10)
    settings.CHAT_SCREEN_SECONDS = 10
    choose(hangs)
    assert rulings_on([text("a")]) == [ALLOWED], "it is asked again"


@pytest.mark.parametrize(
    "name", ["nonsense", "localroots_chat.screening.nothing", "localroots_chat.screening.lists.nothing"]
)
def test_a_screen_that_is_not_there_is_named_by_the_check(name: str, settings: Settings) -> None:
    settings.CHAT_SCREEN = [name]
    screens.cache_clear()
    try:
        with pytest.raises(ImproperlyConfigured, match="CHAT_SCREEN"):
            screens()
        with pytest.raises(CommandError, match="CHAT_SCREEN"):
            call_command("check")
    finally:
        screens.cache_clear()


def test_rules_without_a_file_are_named_by_the_check(settings: Settings) -> None:
    settings.CHAT_SCREEN, settings.CHAT_SCREEN_RULES = ["localroots_chat.screening.lists.by_rules"], ""
    screens.cache_clear()
    try:
        with pytest.raises(CommandError, match="CHAT_SCREEN_RULES: cannot read"):
            call_command("check")
    finally:
        screens.cache_clear()


def test_all_texts_of_a_batch_are_looked_at_together(choose: Choose) -> None:
    sizes: list[int] = []

    def counts(texts: Sequence[Text]) -> Sequence[Ruling]:
        sizes.append(len(texts))
        return [ALLOWED] * len(texts)

    choose(counts)
    many: Any = [text(str(number)) for number in range(200)]
    assert rulings_on(many) == [ALLOWED] * 200
    assert sizes == [200]
