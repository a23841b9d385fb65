"""The guard: whatever order changes arrive in, a conversation's listeners hear them upwards, each once."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localroots_chat.gateway.topic import Topic
from localroots_chat.gateway.wiring import Change


def change(version: int, prev: int | None = None) -> Change:
    return Change(version - 1 if prev is None else prev, version, version, 1, b"%d" % version)


class Guard(Topic):
    """A topic of which the frames are told."""

    def told(self, changes: Iterable[Change]) -> list[bytes]:
        return [change.frame for change in self.accept(changes)]


def topic(version: int = 0) -> Guard:
    return Guard(version, version, 2, {})


def test_changes_in_order_are_handed_out_at_once() -> None:
    assert topic().told([change(1), change(2), change(3)]) == [b"1", b"2", b"3"]


def test_an_early_change_waits_for_its_predecessor() -> None:
    listening = topic()
    assert listening.told([change(2)]) == []
    assert listening.told([change(1)]) == [b"1", b"2"]


def test_what_was_handed_out_before_is_dropped() -> None:
    listening = topic()
    listening.told([change(1), change(2)])
    assert listening.told([change(1), change(2)]) == []
    assert not listening.held


def test_what_lies_before_the_first_seat_is_dropped() -> None:
    assert topic(version=7).told([change(6), change(7), change(8)]) == [b"8"]


def test_a_change_that_covers_superseded_versions_closes_the_gap() -> None:
    listening = topic()
    listening.told([change(5)])
    assert listening.told([change(4, prev=0)]) == [b"4", b"5"]


def test_a_held_change_that_a_repair_has_covered_is_dropped() -> None:
    listening = topic()
    listening.told([change(3)])
    assert listening.told([change(4, prev=0)]) == [b"4"]
    assert not listening.held


def test_seq_follows_so_that_a_repair_can_tell_new_from_updated() -> None:
    listening = topic()
    listening.told([Change(0, 1, 1, 1, b""), Change(1, 2, 1, 1, b"")])
    assert (listening.handed, listening.seq) == (2, 1)


@given(st.permutations(range(1, 13)), st.randoms(use_true_random=False))
def test_any_order_with_repeats_comes_out_upwards_each_once(order: list[int], chance: random.Random) -> None:
    listening = topic()
    arriving = [*order, *chance.sample(order, 5)]
    chance.shuffle(arriving)
    heard = [frame for version in arriving for frame in listening.told([change(version)])]
    assert heard == [b"%d" % version for version in range(1, 13)]


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_nothing_after_a_gap_is_handed_out(missing: int) -> None:
    listening = topic()
    heard = listening.told([change(version) for version in (1, 2, 3, 4) if version != missing])
    assert heard == [b"%d" % version for version in range(1, missing)]
    assert set(listening.held or ()) == set(range(missing + 1, 5))
