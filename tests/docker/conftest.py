"""The image, built once for the run, and the containers of compose.yml over it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.docker.native import (
    Image,
    LockedRedis,
    Nginx,
    Operator,
    Replica,
    redirect_redis,
    redirected_database,
)


@pytest.fixture(scope="session")
def image() -> Image:
    built = Image()
    built.build()
    return built


@pytest.fixture(scope="session")
def operator(image: Image) -> Operator:
    """Has called make-secrets, and nothing runs yet."""
    made = Operator(image)
    made.makes_secrets()
    return made


@dataclass(frozen=True)
class Stack:
    """What `docker compose up` starts."""

    operator: Operator
    redis: LockedRedis
    replicas: tuple[Replica, Replica]
    nginx: Nginx
    migrated: str


@pytest.fixture(scope="session")
def running(operator: Operator) -> Iterator[Stack]:
    with ExitStack() as stack:
        redis = LockedRedis(operator)
        stack.enter_context(redirected_database(operator))
        redirect_redis(operator, redis)
        operator.mounts_secrets()
        stack.enter_context(redis)
        migrated = operator.runs("migrate", operator.services["migrate"]["command"])
        first, second = (stack.enter_context(Replica(operator)) for _ in range(2))
        nginx = stack.enter_context(Nginx(operator, [first, second]))
        yield Stack(operator, redis, (first, second), nginx, migrated)


@pytest.fixture
def up(running: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """The running containers; afterwards none of them may have logged a traceback during this test."""
    monkeypatch.setenv("SSL_CERT_FILE", str(running.operator.secret("tls_certificate")))  # for sockets
    yield running
    for replica in running.replicas:
        replica.assert_no_traceback()
