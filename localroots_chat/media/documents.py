"""Files that are kept as they came, and only ever downloaded: PDF and plain text.

Markup is none of them, whatever it is called: a browser that is fooled would carry it out.
"""

import re
from typing import BinaryIO, Final

from localroots_chat.media.found import Found

_MARKUP: Final = re.compile(rb"<\s*(?:!doctype|!--|\?xml|html|head|body|script|svg|iframe|math|style)", re.IGNORECASE)
_BEGINNING: Final = 65_536  # bytes in which a browser might look for markup, and many more
_NOT_IN_TEXTS: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def document(file: BinaryIO) -> Found | None:
    """The document in this file; None where it is none."""
    content = file.read()
    beginning = content[:_BEGINNING]
    if _MARKUP.search(beginning) or beginning.lstrip(b"\xef\xbb\xbf \t\r\n\f").startswith(b"<"):
        return None
    if content.startswith(b"%PDF-"):
        return Found("FILE", "application/pdf", "pdf")
    return Found("FILE", "text/plain", "txt") if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(content) and _NOT_IN_TEXTS.search(content) is None
