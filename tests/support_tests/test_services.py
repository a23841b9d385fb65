"""The servers that tests stand on: they start for root and for anybody, bear faults, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from tests.support import services
from tests.support.processes import free_port, wait_until_gone
from tests.support.services import PostgresServer, Program, RedisServer

ROOT = Path(__file__).resolve().parents[2]

each_origin = pytest.mark.parametrize("origin", ["machine", "wheels"])


@pytest.fixture
def postgres_program(origin: str, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("TEST_SERVICES", origin)
    return services.postgres_program.__wrapped__()


@pytest.fixture
def redis_program(origin: str, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("TEST_SERVICES", origin)
    return services.redis_program.__wrapped__()


@each_origin
def test_postgres_speaks_every_language_and_leaves_nothing_behind(postgres_program: Program) -> None:
    with PostgresServer(postgres_program) as server:
        pid, home = server.pid, server.home
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT lower('ÄÖ'), current_setting('server_encoding')").fetchone() == (
                "äö",
                "UTF8",
            )
    assert wait_until_gone([pid], 5) == []
    assert not home.exists()


@each_origin
def test_what_postgres_committed_survives_a_kill(postgres_program: Program) -> None:
    with PostgresServer(postgres_program) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE said (what text)")
            connection.execute("INSERT INTO said VALUES ('tomatoes')")
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url)
        server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT what FROM said").fetchone() == ("tomatoes",)


def test_a_frozen_postgres_says_nothing_and_thaws_with_its_connections() -> None:
    with PostgresServer() as server, psycopg.connect(server.url, autocommit=True) as connection:
        server.freeze()
        assert not server.is_ready()
        server.thaw()
        assert server.is_ready()
        assert connection.execute("SELECT 1").fetchone() == (1,)


@each_origin
def test_a_killed_redis_comes_back_at_the_same_address_and_empty(redis_program: Program) -> None:
    with RedisServer(redis_program) as server:
        with Redis.from_url(server.url) as client:
            client.set("tomatoes", "ripe")
        server.kill()
        server.start()
        with Redis.from_url(server.url) as client:
            assert client.get("tomatoes") is None


def test_a_frozen_redis_says_nothing_and_thaws_with_what_it_held() -> None:
    with RedisServer() as server, Redis.from_url(server.url) as client:
        client.set("tomatoes", "ripe")
        server.freeze()
        assert not server.is_ready()
        server.thaw()
        assert client.get("tomatoes") == b"ripe"


def test_a_server_that_ended_by_itself_is_not_stopped_quietly() -> None:
    server = RedisServer()
    server.start()
    os.kill(server.pid, signal.SIGKILL)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)  # it can be asked how it ended
    with pytest.raises(AssertionError, match="ended by itself with -9"):
        server.close()


def test_a_fresh_database_is_empty_and_dropped_even_while_it_is_in_use() -> None:
    with services.fresh_database(services.postgres()) as url:
        lingering = psycopg.connect(url, autocommit=True)
        tables = lingering.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert tables == (0,)
    with pytest.raises(psycopg.OperationalError):
        lingering.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_no_two_servers_get_the_same_port() -> None:
    assert len({free_port() for _ in range(200)}) == 200


@pytest.mark.parametrize("kind", ["postgres", "redis"])
def test_where_no_server_can_be_had_one_sentence_says_what_to_install(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, f"_{kind}_paths", list)
    find = {"postgres": services.postgres_program, "redis": services.redis_program}[kind].__wrapped__
    with pytest.raises(services.ServiceMissingError, match=r"^The tests need .*apt install .*pip install [a-z-]+$"):
        find()


def test_a_run_that_is_killed_leaves_no_server_and_no_directory() -> None:
    script = """
        from tests.support.services import PostgresServer, RedisServer
        for server in (PostgresServer().start(), RedisServer().start()):
            print(server.pid, server.home, flush=True)
        server.freeze()
        input()
    """
    run = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    started = [run.stdout.readline().split() for _ in range(2)]
    run.kill()
    run.communicate()
    assert wait_until_gone([int(pid) for pid, _ in started], 20) == []
    homes = [Path(home) for _, home in started]
    deadline = time.monotonic() + 10  # the directories go right after the processes
    while any(home.exists() for home in homes) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(home.exists() for home in homes)


# The plugin, in a project of its own


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A Django project whose settings refuse to be read before the services are known."""
    files = {
        "pyproject.toml": f"""
            [tool.pytest.ini_options]
            addopts = "-p tests.support.plugin"
            pythonpath = [".", "{ROOT}"]
            DJANGO_SETTINGS_MODULE = "shop_settings"
        """,
        "shop_settings.py": """
            import os
            from urllib.parse import urlsplit
            url = urlsplit(os.environ["DATABASE_URL"])
            assert "PUBLIC_URL" not in os.environ and "CHAT_AUDIENCE" not in os.environ
            keys = [os.environ[name] for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "AUTH_SECRET", "SERVER_KEY")]
            assert len(set(keys)) == 4 and min(map(len, keys)) >= 32
            SECRET_KEY = keys[0]
            USE_TZ = True
            INSTALLED_APPS = ["django.contrib.contenttypes"]
            DATABASES = {"default": {
                "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:],
                "USER": url.username, "HOST": url.hostname, "PORT": url.port,
            }}
        """,
        "test_shop.py": """
            import os, pytest
            from django.db import connection
            from redis import Redis

            @pytest.mark.django_db
            def test_both_answer():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT current_database()")
                    assert cursor.fetchone() == ("test_chat",)
                assert Redis.from_url(os.environ["REDIS_URL"]).ping()
        """,
    }
    for name, content in files.items():
        (tmp_path / name).write_text(textwrap.dedent(content))
    return tmp_path


def run_pytest(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    # Nothing of this run: neither its services nor its settings.
    ours = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "TEST_REDIS_IS_OWN"}
    environment = {name: value for name, value in os.environ.items() if name not in ours and "PYTEST" not in name}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        env={**environment, **variables},
        capture_output=True,
        text=True,
    )


def test_the_settings_are_read_with_the_services_of_the_run(project: Path) -> None:
    ran = run_pytest(project, PUBLIC_URL="https://chat.example.org", CHAT_AUDIENCE="somebody-else")
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "services: PostgreSQL " in ran.stdout


def test_services_given_by_the_environment_are_used_as_they_are(project: Path) -> None:
    with RedisServer() as redis, PostgresServer() as postgres:
        ran = run_pytest(project, DATABASE_URL=postgres.url, REDIS_URL=redis.url)
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "services: postgresql given by DATABASE_URL, redis given by REDIS_URL" in ran.stdout


@pytest.fixture
def bare_machine(project: Path) -> Path:
    """The project, where no server can be had."""
    script = "from tests.support import services\nservices._postgres_paths = services._redis_paths = list\n"
    (project / "bare.py").write_text(script)
    return project


@pytest.mark.parametrize("question", ["--collect-only", "--help"])
def test_a_question_needs_no_server(bare_machine: Path, question: str) -> None:
    asked = run_pytest(bare_machine, "-p", "bare", question)
    assert asked.returncode == 0, asked.stdout + asked.stderr


def test_a_run_without_servers_ends_with_the_sentence_and_no_traceback(bare_machine: Path) -> None:
    ran = run_pytest(bare_machine, "-p", "bare")
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "The tests need PostgreSQL" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
