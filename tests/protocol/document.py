"""PROTOCOL.md taken apart: its headings, its fenced blocks with their line numbers, the rows of its tables.

What a block says is for notation.py and declarations.py.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

PATH = Path(settings.BASE_DIR) / "localroots_chat" / "gateway" / "PROTOCOL.md"
_CODE = re.compile(r"`([^`]+)`")


class Block(NamedTuple):
    """What stands between two fences: what they say it is, where it begins, and under which heading."""

    info: str
    line: int
    lines: list[str]
    heading: str
    id: str


class Row(NamedTuple):
    """One row of a table, and the heading it stands under."""

    heading: str
    line: int
    cells: list[str]


class Document(NamedTuple):
    """The page, in pieces."""

    headings: list[str]
    blocks: list[Block]
    rows: list[Row]

    def blocks_of(self, *infos: str) -> list[Block]:
        return [block for block in self.blocks if block.info in infos]

    def rows_under(self, heading: str) -> list[Row]:
        found = [row for row in self.rows if row.heading == heading]
        assert found, f"no table under {heading!r}"
        return found


def read(text: str) -> Document:
    """The document in `text`."""
    headings: list[str] = []
    blocks: list[Block] = []
    rows: list[Row] = []
    heading, seen = "", Counter[str]()
    block: Block | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if block is not None and line == "```":
            block = None
        elif block is not None:
            block.lines.append(line)
        elif line.startswith("```"):
            seen[heading] += 1
            name = re.sub(r"[^a-z:]+", "-", heading.lower()).strip("-")
            block = Block(line[3:], number + 1, [], heading, f"{name}-{seen[heading]}")
            blocks.append(block)
        elif line.startswith("#"):
            heading = line.lstrip("# ")
            headings.append(heading)
        elif line.startswith("|---"):
            rows.pop()  # what stands above the rule names the columns
        elif line.startswith("|"):
            rows.append(Row(heading, number, [cell.strip() for cell in line.strip("| ").split(" | ")]))
    if block is not None:
        raise AssertionError(f"{PATH.name}:{block.line}: this block never ends")
    return Document(headings, blocks, rows)


def named_in(text: str) -> list[str]:
    """What stands in `backticks`."""
    return _CODE.findall(text)


DOCUMENT = read(PATH.read_text(encoding="utf-8"))
