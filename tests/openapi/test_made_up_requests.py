"""Requests that schemathesis makes up from /api/schema/: nothing breaks the service, and whatever it answers is
described.

`make test` tries a few of each kind, `make fuzz` many (FUZZ_EXAMPLES).
"""

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import services
from tests.support.environment import KEYS
from tests.support.people import Person
from tests.support.servers import ChatServer

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
SECONDS = 90 + EXAMPLES * 15
# A cursor of somebody's making, three places at once, a name of blanks: valid by the schema, and rightly refused.
NOT_ASKED = "positive_data_acceptance"
_COUNT = re.compile(r"(\d+) generated")

SYNC, LEAVE = "/api/users/sync/", "/api/logout/"
WHO = {
    "a person": ["--exclude-path", LEAVE, "--exclude-path", SYNC],
    "somebody who leaves": ["--include-path", LEAVE],  # and whose token is good for nothing else then
    "the marketplace's server": ["--include-path", SYNC],
}


@pytest.fixture(scope="module")
def patient_server() -> Iterator[ChatServer]:
    """A server on PostgreSQL, which is stricter, and without the limits that would answer instead of the doors."""
    limits = dict.fromkeys(("CHAT_RATE_REST", "CHAT_RATE_MESSAGE_SEND", "CHAT_RATE_READ"), "10000000/60s")
    with ExitStack() as stack:
        database = stack.enter_context(services.fresh_database(services.postgres()))
        server = ChatServer(database_url=database, env=limits)
        server.manage("migrate", "--verbosity=0")
        yield stack.enter_context(server)


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("who", WHO)
def test_nothing_made_up_breaks_it_or_is_answered_in_an_undescribed_way(
    who: str, patient_server: ChatServer, new_person: Callable[..., Person], tmp_path: Path
) -> None:
    alice, bob = new_person("alice", patient_server), new_person("bob", patient_server)
    talk = alice.talks_to(bob)["id"]
    bob.post(f"/api/conversations/{talk}/messages/", {"content": "carrots?"})
    key = f"Server {KEYS['SERVER_KEY']}" if who == "the marketplace's server" else f"Bearer {alice.token}"
    ran = schemathesis(patient_server, key, WHO[who], tmp_path)
    sys.stdout.write(ran.stdout)
    assert ran.returncode == 0, ran.stdout[-20_000:]
    made = _COUNT.search(ran.stdout)
    assert made is not None
    assert int(made[1]) > EXAMPLES
    patient_server.assert_no_traceback()


def schemathesis(
    server: ChatServer, authorization: str, which: Sequence[str], directory: Path
) -> subprocess.CompletedProcess[str]:
    """A run of the command line, which says how to repeat what it found."""
    program = Path(sysconfig.get_path("scripts")) / "schemathesis"
    how = ["--max-examples", str(EXAMPLES), "--seed", "1", "--exclude-checks", NOT_ASKED, "--continue-on-failure"]
    shown = ["--no-color", "--warnings", "off"]
    return subprocess.run(
        [
            program, "run", f"{server.base_url}/api/schema/", "-H", f"Authorization: {authorization}",
            *how, *shown, *which,
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )  # fmt: skip
