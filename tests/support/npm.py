"""Node.js for the tests of the web client, and the npm packages that tests/clients/package-lock.json pins."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

CLIENTS = Path(__file__).resolve().parents[1] / "clients"


def npm_packages(project: Path = CLIENTS) -> Path:
    """The node_modules of tests/clients, made from its lock where they are missing or of another lock."""
    packages = project / "node_modules"
    # pytest-xdist, or a second run: who comes later waits, and finds them made. The lock file itself is what is held,
    # since npm empties node_modules first.
    with (project / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = packages / ".stamp", hashlib.sha256(lock.read()).hexdigest()
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
            _install(project)
            packages.mkdir(exist_ok=True)  # npm makes no folder for no packages
            stamp.write_text(wanted, encoding="utf-8")
    return packages


def node(
    script: str | Path, *arguments: str | Path, env: Mapping[str, str] | None = None, within: float = 100
) -> subprocess.CompletedProcess[str]:
    """Run a script of tests/clients. `import "ws"` finds the packages; `env` is added to the environment."""
    return subprocess.run(
        node_command(script, *arguments),
        cwd=CLIENTS,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=within,
    )


def node_command(script: str | Path, *arguments: str | Path) -> list[str | Path]:
    """The same as a command, to be run in tests/clients: for a process that lives longer than one question."""
    npm_packages()
    return [_program("node"), CLIENTS / script, *arguments]


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.fail(
            "The web client's tests need Node.js 18 or newer, with npm (Debian: apt install nodejs npm).", pytrace=False
        )
    return path


def _install(project: Path) -> None:
    # Nothing but what the lock names by its hash, and none of it is run.
    command = [_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    _program("node")
    done = subprocess.run(command, cwd=project, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        said = f"{done.stdout}{done.stderr}".strip()
        pytest.fail(f"The web client's tests need the packages of {project.name}; npm ci said:\n{said}", pytrace=False)
