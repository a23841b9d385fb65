"""The notation of the examples: lines read into steps, and what is shown compared with what came.

It is read strictly, so that a slip of the pen fails with its line. It opens no socket: that is stage.py.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from tests.protocol.document import PATH

Names = dict[str, Any]

ANY: Final = "\ue000"  # `…` once read: a value, or a key, that is not shown
_WHO = r"[a-z]+(?:'s [a-z]+)?"
_LINE = re.compile(rf"({_WHO}) (→|←|⨯) (.+)")
_REQUEST = re.compile(
    rf"({_WHO}) (GET|POST|PUT|PATCH|DELETE) (/(?:<[a-z' ]+>|[^\s<])*)"
    r"(?: \(([A-Za-z-]+): ([^)]+)\))?(?: ([{\[].*?))? → (\d{3})(?: (.+))?"
)
_HAPPENING = re.compile(r"\((.+)\)")
_NAME = re.compile(r"<([a-z][a-z' ]*)>")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"|…|[{}\[\]:,]|[^"…{}\[\]:,]+')


class Misprint(Exception):
    """A line that is none of the notation."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"{PATH.name}:{line}: {what}")


class Says(NamedTuple):
    """who → value"""

    line: int
    who: str
    value: Any


class Hears(NamedTuple):
    """who ← pattern; ANY: whatever comes."""

    line: int
    who: str
    pattern: Any


class Closes(NamedTuple):
    """who ⨯ code"""

    line: int
    who: str
    code: int


class Asks(NamedTuple):
    """who METHOD path (header) body → status pattern"""

    line: int
    who: str
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int
    pattern: Any


class Happens(NamedTuple):
    """(something out of sight)"""

    line: int
    what: str


Step = Says | Hears | Closes | Asks | Happens


def steps_of(lines: Sequence[str], first: int) -> list[Step]:
    """The steps in these lines, of which `first` is the number of the first. Raises Misprint."""
    whole: list[tuple[int, str]] = []
    for number, line in enumerate(lines, first):
        if line.startswith(" ") and whole:
            whole[-1] = (whole[-1][0], f"{whole[-1][1]} {line.strip()}")
        elif line:
            whole.append((number, line))
    return [_step(number, line) for number, line in whole]


def _step(number: int, line: str) -> Step:
    if found := _REQUEST.fullmatch(line):
        who, method, path, header, content, body, status, answer = found.groups()
        headers = {header: content} if header else {}
        shown = None if answer is None else read(answer, number)
        return Asks(number, who, method, path, headers, _whole(body, number), int(status), shown)
    if found := _HAPPENING.fullmatch(line):
        return Happens(number, found[1])
    if found := _LINE.fullmatch(line):
        who, sign, rest = found.groups()
        if sign == "→":
            return Says(number, who, _whole(rest, number))
        if sign == "←":
            return Hears(number, who, ANY if rest == "…" else read(rest, number))
        if re.fullmatch(r"\d{4}", rest):
            return Closes(number, who, int(rest))
    raise Misprint(number, f"not a line of the notation: {line}")


def _whole(text: str | None, number: int) -> Any:
    if text is None:
        return None
    value = read(text, number)
    if ANY in json.dumps(value, ensure_ascii=False):
        raise Misprint(number, f"what is sent must be shown whole: {text}")
    return value


def read(text: str, line: int) -> Any:
    """JSON with `…` in it as Python's values. Raises Misprint."""
    try:
        return json.loads(_spelled_out(text), object_pairs_hook=_object)
    except ValueError as error:
        raise Misprint(line, f"{error} in {text}") from None


def _spelled_out(text: str) -> str:
    """`…` as JSON: a value after a colon, an element in a list, a whole member in an object."""
    written, around, before = [], [""], ""
    for piece in _PIECES.findall(text):
        if piece in ("{", "["):
            around.append(piece)
        elif piece in ("}", "]") and len(around) > 1:
            around.pop()
        is_member = around[-1] == "{" and before != ":"
        written.append(piece if piece != "…" else f'"{ANY}": 0' if is_member else f'"{ANY}"')
        before = piece.strip() or before
    return "".join(written)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise ValueError("a key twice")
    return dict(pairs)


# Names and their values


def filled(value: Any, names: Names, line: int) -> Any:
    """`value` with the names' values for the names. Raises Misprint for one that nobody has told yet."""
    match value:
        case dict():
            return {inserted(key, names, line): filled(inner, names, line) for key, inner in value.items()}
        case list():
            return [filled(inner, names, line) for inner in value]
        case str():
            whole = _NAME.fullmatch(value)
            return _named(whole[1], names, line) if whole else inserted(value, names, line)
    return value


def inserted(text: str, names: Names, line: int) -> str:
    """`text` (an address, a header) with the names' values for the names. Raises Misprint."""
    return _NAME.sub(lambda found: str(_named(found[1], names, line)), text)


def _named(name: str, names: Names, line: int) -> Any:
    if name not in names:
        raise Misprint(line, f"nobody has told <{name}> yet; known are {', '.join(sorted(names))}")
    return names[name]


# What is shown and what came


def differences(shown: Any, came: Any, names: Names, at: str = "") -> Iterator[str]:
    """In what `came` is not what is shown, a sentence each; names that are new take their values."""
    if shown == ANY:
        return
    if isinstance(shown, dict) and isinstance(came, dict):
        yield from _in_objects(shown, came, names, at)
    elif isinstance(shown, list) and isinstance(came, list):
        yield from _in_lists(shown, came, names, at)
    elif isinstance(shown, str) and (found := _NAME.fullmatch(shown)):
        known = names.setdefault(found[1], came)
        if known != came:
            yield f"{at}: shown is {shown}, which is {_short(known)}, came {_short(came)}"
    elif isinstance(shown, str) and _TIME.fullmatch(shown):
        if not isinstance(came, str) or not _TIME.fullmatch(came):
            yield f"{at}: shown is a time, came {_short(came)}"
    elif type(shown) is not type(came) or (_filled_in(shown, names) != came):
        yield f"{at}: shown is {_short(shown)}, came {_short(came)}"


def _in_objects(shown: dict[str, Any], came: dict[str, Any], names: Names, at: str) -> Iterator[str]:
    shown = {_filled_in(key, names): value for key, value in shown.items()}
    for key, value in shown.items():
        if key == ANY:
            continue
        if key not in came:
            yield f"{at}.{key}: shown, but did not come"
        else:
            yield from differences(value, came[key], names, f"{at}.{key}")
    if ANY not in shown:
        yield from (f"{at}.{key}: came, but is not shown: {_short(came[key])}" for key in came if key not in shown)


def _filled_in(shown: Any, names: Names) -> Any:
    """A text with names in it, such as `cursors.<talk>`; names that nobody has told stay."""
    return _NAME.sub(lambda found: str(names.get(found[1], found[0])), shown) if isinstance(shown, str) else shown


def _in_lists(shown: list[Any], came: list[Any], names: Names, at: str) -> Iterator[str]:
    more = shown[-1:] == [ANY]
    elements = shown[:-1] if more else shown
    if len(came) < len(elements) or (len(came) > len(elements) and not more):
        yield f"{at}: shown are {len(elements)} elements, came {len(came)}"
    for index, (one, other) in enumerate(zip(elements, came, strict=False)):
        yield from differences(one, other, names, f"{at}[{index}]")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text.replace(f'"{ANY}": 0', "…").replace(f'"{ANY}"', "…")[:200]
