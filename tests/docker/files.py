"""Reads docker/: the Dockerfile's stages, what .dockerignore lets in, compose.yml with its variables filled in.

Only as much of the formats as our files use. `make check` holds the files against the formats themselves
(hadolint, the Compose schema).
"""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.servers import ROOT

DOCKER = ROOT / "docker"


# The Dockerfile


@dataclass(frozen=True)
class Instruction:
    """One line of a Dockerfile, its continuations joined."""

    name: str
    flags: dict[str, str]
    value: str

    @property
    def is_exec_form(self) -> bool:
        return self.value.startswith("[")

    @property
    def words(self) -> list[str]:
        """A command in exec form, or a list of paths."""
        words: list[str] = json.loads(self.value) if self.is_exec_form else self.value.split()
        return words

    @property
    def variables(self) -> dict[str, str]:
        """What ENV sets."""
        return dict(word.split("=", 1) for word in shlex.split(self.value))


@dataclass(frozen=True)
class Stage:
    """From one FROM to the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, name: str) -> Instruction:
        return [instruction for instruction in self.instructions if instruction.name == name][-1]


def stages(dockerfile: Path = DOCKER / "Dockerfile") -> list[Stage]:
    found: list[Stage] = []
    for line in _lines(dockerfile.read_text(encoding="utf-8")):
        name, _, rest = line.partition(" ")
        flags = {}
        while flag := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
            flags[flag[1]] = flag[2]
            rest = rest[flag.end() :]
        if name == "FROM":
            base, _, stage = rest.partition(" AS ")
            found.append(Stage(base, stage))
        else:
            found[-1].instructions.append(Instruction(name, flags, rest.strip()))
    return found


def _lines(text: str) -> Iterator[str]:
    joined = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#") or not line.strip():
            continue
        joined += line.removesuffix("\\").strip() + " "
        if not line.endswith("\\"):
            yield joined.strip()
            joined = ""


# .dockerignore


def is_let_in(path: str) -> bool:
    """Whether this path of the checkout is in the build context: the last pattern that fits decides."""
    let_in = True
    for pattern, excludes in _patterns():
        parts = path.split("/")
        if any(pattern.fullmatch("/".join(parts[:length])) for length in range(1, len(parts) + 1)):
            let_in = not excludes
    return let_in


def _patterns() -> Iterator[tuple[re.Pattern[str], bool]]:
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            glob = line.removeprefix("!").strip("/")
            translated = (
                re.sub(r"\\\*\\\*/", "(?:.*/)?", re.escape(glob)).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
            )
            yield re.compile(translated.replace(r"\[", "[").replace(r"\]", "]")), not line.startswith("!")


def context() -> list[str]:
    """Every file of this checkout that `docker build` would be given."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        # Not walked into: what nobody would let in.
        folders[:] = [name for name in folders if not name.startswith(".") and name not in {"node_modules", "tests"}]
        found += [path for name in names if is_let_in(path := (here / name).as_posix())]
    return found


# compose.yml


def compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """compose.yml with ${NAME:-default} and ${NAME:?sentence} filled in."""

    def fill(found: re.Match[str]) -> str:
        name, operator, rest = found[1], found[2], found[3]
        value = variables.get(name)
        if not value and operator == ":?":
            raise KeyError(f"{name}: {rest}")
        return value or rest

    text = re.sub(r"\$\{([A-Z_]+)(:[-?])([^}]*)\}", fill, (DOCKER / "compose.yml").read_text(encoding="utf-8"))
    content: dict[str, Any] = yaml.safe_load(text)
    return content
