"""The checker, on histories made by hand: each promise broken once, and nothing said where all were kept."""

from collections.abc import Callable

import pytest

from tests.faults.checker import Attempt, Head, Heard, Log, Shown, Stored, violations

TALK = "talk"


class History:
    """Two messages, sent, stored and heard as they should be."""

    def __init__(self) -> None:
        self.attempts = {name: Attempt(name, TALK, f"text {name}", acknowledged=f"id {name}") for name in "ab"}
        self.rows = [Stored("id a", TALK, 1, 1, "a", "text a"), Stored("id b", TALK, 2, 2, "b", "text b")]
        self.heard = [Heard(TALK, 0, 1, "id a"), Heard(TALK, 1, 2, "id b")]
        self.shown = Shown(2, 1, {row.id: (row.seq, row.version, row.content) for row in self.rows})
        self.refused: list[str] = []
        self.head = Head(version=2, last_seq=2)

    def violations(self) -> list[str]:
        log = Log(self.attempts, self.refused, [("eve", self.heard)], [("eve", {TALK: self.shown})])
        return violations(log, self.rows, {TALK: self.head})


def test_nothing_is_said_where_all_was_kept() -> None:
    assert History().violations() == []


def test_an_unacknowledged_message_may_be_stored_or_not() -> None:
    history = History()
    history.attempts["b"].acknowledged = None
    history.attempts["c"] = Attempt("c", TALK, "text c")
    assert history.violations() == []


def lose(history: History) -> None:
    history.attempts["c"] = Attempt("c", TALK, "text c", acknowledged="id c")


def undo_an_edit(history: History) -> None:
    history.attempts["a"].edited, history.attempts["a"].edit_acknowledged = "text a, edited", True


def store_twice(history: History) -> None:
    history.rows.append(Stored("id a2", TALK, 3, 3, None, "text a"))


def store_what_nobody_sent(history: History) -> None:
    history.rows.append(Stored("id x", TALK, 3, 3, None, "text x"))


def leave_a_hole(history: History) -> None:
    history.head = Head(version=2, last_seq=3)


def give_a_version_twice(history: History) -> None:
    history.rows[1] = Stored("id b", TALK, 2, 1, "b", "text b")


def hear_backwards(history: History) -> None:
    history.heard.reverse()


def hear_twice(history: History) -> None:
    history.heard.append(history.heard[-1])


def hear_with_a_hole(history: History) -> None:
    history.heard[1] = Heard(TALK, 2, 3, "id b")


def hear_what_is_not_stored(history: History) -> None:
    history.heard.append(Heard(TALK, 2, 3, "id x"))


def show_too_little(history: History) -> None:
    del history.shown.messages["id a"]


def show_an_old_text(history: History) -> None:
    history.shown.messages["id a"] = (1, 1, "text of old")


def stay_behind(history: History) -> None:
    history.shown.version = 1


def refuse(history: History) -> None:
    history.refused.append("eve: forbidden")


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lose, "lost"),
        (undo_an_edit, "lost"),
        (store_twice, "stored twice"),
        (store_what_nobody_sent, "never sent"),
        (leave_a_hole, "an order with holes"),
        (give_a_version_twice, "an order with holes"),
        (hear_backwards, "heard out of order"),
        (hear_twice, "heard out of order"),
        (hear_with_a_hole, "heard out of order"),
        (hear_what_is_not_stored, "heard but not stored"),
        (show_too_little, "not shown as stored"),
        (show_an_old_text, "not shown as stored"),
        (stay_behind, "not shown as stored"),
        (refuse, "refused"),
    ],
)
def test_what_is_broken_is_said(spoil: Callable[[History], None], kind: str) -> None:
    history = History()
    spoil(history)
    assert any(sentence.startswith(f"{kind}:") for sentence in history.violations()), history.violations()


def test_of_a_hundred_of_a_kind_the_first_few_are_shown() -> None:
    history = History()
    history.refused += ["eve: forbidden"] * 100
    assert len(history.violations()) == 6
    assert history.violations()[-1] == "refused: 95 more"
