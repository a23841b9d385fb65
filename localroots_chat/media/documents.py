"""Files that are kept as they came, and only ever downloaded: PDF and plain text.

Markup is none of them, whatever it is called: a browser that is fooled would carry it out.
"""

import re
from typing import BinaryIO, Final

from localroots_chat.media.found import Found

_MARKUP: Final = re.compile(rb"<\s*(?:!doctype|\?xml|html|script|svg|iframe)\b", re.IGNORECASE)
_BEGINNING: Final = 65_536  # bytes of a text in which markup is looked for; browsers look at 1,445 at most
_HEAD: Final = 1_445
_FOREIGN_MOST: Final = 0.3  # of the bytes of a text in an older encoding than UTF-8
_NOT_IN_TEXTS: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def document(file: BinaryIO) -> Found | None:
    """The document in this file; None where it is none."""
    content = file.read()
    if content.startswith(b"%PDF-"):
        return None if _MARKUP.search(content[:_HEAD]) else Found("FILE", "application/pdf", "pdf")
    beginning = content[:_BEGINNING]
    if _MARKUP.search(beginning) or beginning.lstrip(b"\xef\xbb\xbf \t\r\n\f").startswith(b"<"):
        return None
    return Found("FILE", "text/plain", "txt") if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    if not content or _NOT_IN_TEXTS.search(content):
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:  # a table as older programs save it
        return sum(byte > 0x7F for byte in content) <= len(content) * _FOREIGN_MOST
    return True
