"""One server for the whole folder, with its rates out of the way: a table of bad input is more than anybody may send.

Where a limit is the subject, a test asks for `embedded_server`, which has the defaults.
"""

from collections.abc import Iterator, Sequence

import pytest

from tests.support import services
from tests.support.servers import ChatServer
from tests.wire.table import ALLOWED_ORIGIN

_RATES = ("MESSAGE_SEND", "JOIN", "READ", "TYPING", "SYNC", "COMMAND", "REST")
_PATIENT = {f"CHAT_RATE_{name}": "100000/10s" for name in _RATES}


@pytest.fixture(scope="session")
def patient_server() -> Iterator[ChatServer]:
    with services.fresh_database(services.postgres()) as database_url:
        server = ChatServer(database_url=database_url, env={**_PATIENT, "ALLOWED_ORIGINS": ALLOWED_ORIGIN})
        server.manage("migrate", "--verbosity=0")
        with server:
            yield server


@pytest.fixture
def server(patient_server: ChatServer) -> Iterator[ChatServer]:
    """The patient server; afterwards it may not have logged a traceback during this test."""
    patient_server.assert_no_traceback()  # of nobody's test: what came after its end
    yield patient_server
    patient_server.assert_no_traceback()


@pytest.fixture
def servers(server: ChatServer) -> Sequence[ChatServer]:
    return [server]
