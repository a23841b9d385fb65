"""One installation for all tests of this folder that leave it whole."""

from collections.abc import Iterator

import pytest

from tests.faults.rig import Rig, installation


@pytest.fixture(scope="session")
def shared_rig() -> Iterator[Rig]:
    with installation() as rig:
        yield rig


@pytest.fixture
def rig(shared_rig: Rig) -> Iterator[Rig]:
    """The installation, whole again afterwards."""
    yield shared_rig
    shared_rig.redis_proxy.heal()
    shared_rig.postgres_proxy.heal()
    for service in (shared_rig.postgres, shared_rig.redis, *shared_rig.servers):
        if service.running:
            service.thaw()
        else:
            service.start()
    for server in shared_rig.servers:
        if server.faults:
            server.restart()
        server.assert_no_traceback()
