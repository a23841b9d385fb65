"""Characters that show nothing, although some of them are letters or marks to Unicode."""

import unicodedata
from typing import Final

# Separators, controls and format characters. Not Cn (unassigned): it holds the emoji that are newer than this Python.
_BLANK: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"})
# The combining grapheme joiner, Hangul and Khmer fillers, the Braille blank, Mongolian and other variation selectors.
_INVISIBLE: Final = frozenset(
    chr(code)
    for first, last in [
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    ]
    for code in range(first, last + 1)
)


def has_visible(text: str) -> bool:
    """Whether anything of it is seen."""
    if text.isascii():
        return any(character > " " and character != "\x7f" for character in text)
    return any(unicodedata.category(one) not in _BLANK and one not in _INVISIBLE for one in text)


def takes_no_room(character: str) -> bool:
    """Whether it is as if it were not there: what is on either side of it stands together."""
    return character in _INVISIBLE or unicodedata.category(character) == "Cf"
