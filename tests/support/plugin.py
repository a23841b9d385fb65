"""Gives the test run its services: loaded by `-p tests.support.plugin`, before anything reads the settings.

The environment is set early, the servers start late: --help and --collect-only start none.
"""

import os

import pytest

from tests.support import environment, services

# Where nothing can be had; nothing is asked there either, since the run ends before its first test.
_NO_DATABASE = "postgresql://chat@127.0.0.1:1/chat"
_NO_REDIS = "redis://127.0.0.1:1/0"

_header: list[str] = []
_missing: list[str] = []


def _database_url() -> str:
    if services.GIVEN_DATABASE_URL:
        _header.append(f"{services.GIVEN_DATABASE_URL.partition(':')[0]} given by DATABASE_URL")
        return services.GIVEN_DATABASE_URL
    try:
        server = services.own_postgres()
    except services.ServiceMissingError as missing:
        _missing.append(str(missing))
        return _NO_DATABASE
    _header.append(str(server))
    return server.url


def _redis_url() -> str:
    if services.GIVEN_REDIS_URL:
        _header.append("redis given by REDIS_URL")
        return services.GIVEN_REDIS_URL
    try:
        server = services.own_redis()
    except services.ServiceMissingError as missing:
        _missing.append(str(missing))
        return _NO_REDIS
    os.environ["TEST_REDIS_IS_OWN"] = "1"
    _header.append(str(server))
    return server.url


# pytest-django reads the settings in the same hook, without tryfirst.
@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    environment.enter(database_url=_database_url(), redis_url=_redis_url())


def pytest_report_header() -> str:
    return f"services: {', '.join(_header)}"


def _start() -> None:
    for sentence in _missing:
        # Not earlier: an exit from the hook above ends in a traceback.
        pytest.exit(sentence, returncode=pytest.ExitCode.USAGE_ERROR)
    if not services.GIVEN_DATABASE_URL:
        services.postgres()
    services.redis()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    # With pytest-xdist the tests run elsewhere, as soon as this hook has passed.
    if session.config.pluginmanager.hasplugin("dsession"):
        _start()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    if session.items and not session.config.option.collectonly:
        _start()


def pytest_unconfigure() -> None:
    services.close()
