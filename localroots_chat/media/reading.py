"""Reading what somebody has uploaded, in the worker (`python -m localroots_chat.media`): bounded in memory and time.

A worker lives for one file. To start it takes 0.15 to 0.25 s (2 cores), and then nothing of one file, however broken,
is there for the next.
"""

import logging
import signal
import subprocess
import sys
import tempfile
from typing import Any, BinaryIO, Final

from django.conf import settings

from localroots_chat.errors import ChatError
from localroots_chat.media import found
from localroots_chat.media.found import Found, Refusal

_log = logging.getLogger(__name__)

SECONDS: Final = 30  # by the clock; the worker itself has a bound by its CPU
_COMMAND: Final = [sys.executable, "-sE", "-m", "localroots_chat.media"]
_TOO_MUCH: Final = {-signal.SIGXCPU, -signal.SIGXFSZ, -signal.SIGKILL}


def read_upload(file: BinaryIO) -> Found:
    """What this file is, and what is made of it. Raises ChatError `file_type`, `image_too_large`, `file_too_large`."""
    file.seek(0)
    # Files without names, so that whatever happens nothing of them is left.
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints:
        code = _run(file, said, complaints)
        said.seek(0)
        try:
            if code == 0:
                return found.read(said)
        except Refusal as refusal:
            raise ChatError(refusal.code, refusal.message, field="file") from None
        except (ValueError, KeyError, TypeError):
            pass
        if code in _TOO_MUCH:
            raise ChatError("image_too_large", "This takes too much to read.", field="file")
        complaints.seek(0)
        _log.warning("A file could not be read (%d): %s", code, complaints.read(4000).decode(errors="replace")[-1000:])
        raise ChatError("file_type", "This file cannot be read.", field="file")


def _run(file: BinaryIO, said: Any, complaints: Any) -> int:
    streams = {"stdin": file, "stdout": said, "stderr": complaints}
    try:
        # Nothing of our environment: it holds keys.
        ran = subprocess.run(_COMMAND, **streams, cwd=settings.BASE_DIR, env={}, timeout=SECONDS)  # noqa: S603 (ours)
        return ran.returncode
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
