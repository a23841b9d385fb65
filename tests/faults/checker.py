"""What must hold whatever broke: compares what people tried and heard with what is stored.

In the manner of Jepsen's set test (every attempt, acknowledgement and delivery is logged), with order and versions
added. Pure: it knows neither sockets nor databases. A checker that nobody has seen fail proves nothing: see
test_checker.py and test_broken_builds.py.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_SHOWN_OF_EACH = 5


@dataclass
class Attempt:
    """A message that somebody wanted to send, and what they were told about it. `content` is unlike any other."""

    client_id: str
    conversation: str
    content: str
    acknowledged: str | None = None  # the message's id
    edited: str | None = None  # the content it was to be changed to
    edit_acknowledged: bool = False
    said_at: float = 0.0  # monotonic


@dataclass(frozen=True)
class Stored:
    """A row of the database."""

    id: str
    conversation: str
    seq: int
    version: int
    client_id: str | None
    content: str


@dataclass(frozen=True)
class Head:
    """Where the database says that a conversation stands."""

    version: int
    last_seq: int


@dataclass(frozen=True)
class Heard:
    """A durable event as it came over one socket."""

    conversation: str
    prev: int
    version: int
    id: str


@dataclass
class Shown:
    """A conversation as one device shows it: everything from `first_seq` on, as of `version`."""

    version: int = 0
    first_seq: int = 1
    messages: dict[str, tuple[int, int, str]] = field(default_factory=dict)  # id: (seq, version, content)


@dataclass
class Log:
    """Everything that people did and heard."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)  # what no client expects to be refused, as text
    sockets: list[tuple[str, list[Heard]]] = field(default_factory=list)  # whose, and what came, in order
    devices: list[tuple[str, Mapping[str, Shown]]] = field(default_factory=list)  # whose, and what they show
    shown_at: list[tuple[float, float]] = field(default_factory=list)  # when a message was said, and when it was shown

    @property
    def deliveries(self) -> int:
        return sum(len(heard) for _, heard in self.sockets)

    @property
    def acknowledged(self) -> int:
        return sum(attempt.acknowledged is not None for attempt in self.attempts.values())


def violations(log: Log, rows: Sequence[Stored], heads: Mapping[str, Head]) -> list[str]:
    """Every promise that was broken, as sentences (of each kind the first few and how many more)."""
    kinds = {
        "refused": iter(log.refused),
        "lost": _lost(log, rows),
        "stored twice": _twice(rows),
        "never sent": _never_sent(log, rows),
        "an order with holes": _not_gapless(rows, heads),
        "heard out of order": _out_of_order(log),
        "heard but not stored": _phantoms(log, rows),
        "not shown as stored": _not_converged(log, rows, heads),
    }
    return [sentence for kind, found in kinds.items() for sentence in _shortened(kind, list(found))]


def _shortened(kind: str, found: list[str]) -> Iterator[str]:
    for sentence in found[:_SHOWN_OF_EACH]:
        yield f"{kind}: {sentence}"
    if len(found) > _SHOWN_OF_EACH:
        yield f"{kind}: {len(found) - _SHOWN_OF_EACH} more"


def _lost(log: Log, rows: Iterable[Stored]) -> Iterator[str]:
    stored = {row.id: row.content for row in rows}
    for attempt in log.attempts.values():
        if attempt.acknowledged is None:
            continue
        content = stored.get(attempt.acknowledged)
        may_be = {attempt.edited} if attempt.edit_acknowledged else {attempt.content, attempt.edited}
        if content is None:
            yield f"{attempt.content!r} was acknowledged as {attempt.acknowledged}"
        elif content not in may_be:
            yield f"{attempt.content!r} (edited: {attempt.edited!r}) is stored as {content!r}"


def _twice(rows: Iterable[Stored]) -> Iterator[str]:
    for (conversation, content), times in Counter((row.conversation, row.content) for row in rows).items():
        if times > 1:
            yield f"{content!r}, {times} times, in {conversation}"


def _never_sent(log: Log, rows: Iterable[Stored]) -> Iterator[str]:
    sent = {(a.conversation, text) for a in log.attempts.values() for text in (a.content, a.edited)}
    for row in rows:
        if (row.conversation, row.content) not in sent:
            yield f"{row.content!r} in {row.conversation}"


def _by_conversation(rows: Iterable[Stored]) -> dict[str, list[Stored]]:
    found: dict[str, list[Stored]] = defaultdict(list)
    for row in rows:
        found[row.conversation].append(row)
    return found


def _not_gapless(rows: Iterable[Stored], heads: Mapping[str, Head]) -> Iterator[str]:
    of = _by_conversation(rows)
    for conversation, head in heads.items():
        seqs = sorted(row.seq for row in of[conversation])
        if seqs != list(range(1, head.last_seq + 1)):
            yield f"{conversation} has {len(seqs)} messages, and the last seq is {head.last_seq}"
        versions = [row.version for row in of[conversation]]
        if len(set(versions)) != len(versions) or max(versions, default=0) > head.version:
            yield f"{conversation} gave a version twice, or beyond {head.version}"


def _out_of_order(log: Log) -> Iterator[str]:
    for whose, heard in log.sockets:
        last: dict[str, int] = {}
        for event in heard:
            held = last.get(event.conversation)
            if held is not None and not event.prev <= held < event.version:
                yield f"{whose} held {held} of {event.conversation} and got {event.prev} to {event.version}"
            last[event.conversation] = max(held or 0, event.version)


def _phantoms(log: Log, rows: Iterable[Stored]) -> Iterator[str]:
    stored = {row.id for row in rows}
    for whose, heard in log.sockets:
        for event in heard:
            if event.id not in stored:
                yield f"{whose} got {event.id} of {event.conversation}"


def _not_converged(log: Log, rows: Iterable[Stored], heads: Mapping[str, Head]) -> Iterator[str]:
    of = _by_conversation(rows)
    for whose, shown in log.devices:
        for conversation, view in shown.items():
            wanted = {
                row.id: (row.seq, row.version, row.content) for row in of[conversation] if row.seq >= view.first_seq
            }
            if view.version != heads[conversation].version:
                yield f"{whose} is at {view.version} of {conversation}, which is at {heads[conversation].version}"
            elif view.messages != wanted:
                missing, other = wanted.keys() - view.messages.keys(), view.messages.keys() - wanted.keys()
                old = [key for key in wanted.keys() & view.messages.keys() if wanted[key] != view.messages[key]]
                yield f"{whose} lacks {len(missing)}, has {len(other)} too many, {len(old)} old ones in {conversation}"
