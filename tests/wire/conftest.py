"""One server for the whole folder, with its rates out of the way: a table of bad input is more than anybody may send.

Where a limit is the subject, a test asks for `embedded_server`, which has the defaults. The cast stays for a whole
file: what is refused changes nothing, and each table asserts that it did not.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.support import services
from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.wire.table import ALLOWED_ORIGIN

_RATES = ("MESSAGE_SEND", "JOIN", "READ", "TYPING", "SYNC", "COMMAND", "REST")
_PATIENT = {f"CHAT_RATE_{name}": "100000/10s" for name in _RATES}


@pytest.fixture(scope="session")
def patient_server() -> Iterator[ChatServer]:
    with services.fresh_database(services.postgres()) as database_url:
        server = ChatServer(
            database_url=database_url, env={**_PATIENT, "ALLOWED_ORIGINS": ALLOWED_ORIGIN, "LOG_LEVEL": "DEBUG"}
        )
        server.manage("migrate", "--verbosity=0")
        with server:
            yield server


@pytest.fixture(autouse=True)
def server(patient_server: ChatServer) -> Iterator[ChatServer]:
    """The patient server; afterwards it may not have logged a traceback during this test."""
    yield patient_server
    patient_server.assert_no_traceback()


@pytest.fixture
def servers(patient_server: ChatServer) -> Sequence[ChatServer]:
    return [patient_server]


@pytest.fixture(scope="module")
def alice(patient_server: ChatServer) -> Iterator[Person]:
    yield from _person("alice", patient_server, role="FARMER")


@pytest.fixture(scope="module")
def bob(patient_server: ChatServer) -> Iterator[Person]:
    yield from _person("bob", patient_server)


@pytest.fixture(scope="module")
def mallory(patient_server: ChatServer) -> Iterator[Person]:
    yield from _person("mallory", patient_server)


@pytest.fixture(scope="module")
def conversation(alice: Person, bob: Person) -> Any:
    """The direct conversation of Alice and Bob."""
    return alice.talks_to(bob)


def _person(name: str, server: ChatServer, **options: Any) -> Iterator[Person]:
    person = Person(name, server, **options)
    yield person
    person.close()
