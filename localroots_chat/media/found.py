"""What the worker has found out about a file, and how it says so: a line of JSON, then the new files, one after the
other. Knows neither Django nor the libraries that read pictures and sounds."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import BinaryIO, Final

# The names of the parts: the file itself, where it is made anew, and smaller pictures by their longer side
MAIN: Final = "main"
SMALLER: Final = (320, 1280)


class Refusal(Exception):
    """Why a file is not taken: a code of the contract, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Found:
    """A file that may be kept. `parts` are the files made of it by name; without MAIN it is kept as it came."""

    kind: str  # IMAGE, AUDIO or FILE
    type: str  # its media type
    extension: str
    width: int | None = None
    height: int | None = None
    duration: float | None = None  # seconds
    placeholder: str | None = None  # a tiny picture as data:
    waveform: list[int] | None = None  # the loudest in each of some equal parts, 0 to 100
    parts: Mapping[str, bytes] = field(default_factory=dict)


def write(found: Found, out: BinaryIO) -> None:
    """In the worker: says it."""
    said = asdict(found) | {"parts": {name: len(part) for name, part in found.parts.items()}}
    out.write(json.dumps(said).encode() + b"\n")
    for part in found.parts.values():
        out.write(part)


def write_refusal(refusal: Refusal, out: BinaryIO) -> None:
    """In the worker: says why not."""
    out.write(json.dumps({"code": refusal.code, "message": refusal.message}).encode() + b"\n")


def read(said: BinaryIO) -> Found:
    """In the server: what the worker has said. Raises Refusal; ValueError where it has not said all of it."""
    answer = json.loads(said.readline())
    if "code" in answer:
        raise Refusal(answer["code"], answer["message"])
    parts = {name: said.read(size) for name, size in answer["parts"].items()}
    if any(len(part) != answer["parts"][name] for name, part in parts.items()):
        raise ValueError("cut off")
    return Found(**{**answer, "parts": parts})
