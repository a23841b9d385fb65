"""The fixtures every test may ask for. What they are made of is in tests/support."""

from tests.support.browser import browser
from tests.support.people import alice, bob, conversation, mallory, new_person
from tests.support.screen import choose
from tests.support.servers import embedded_server, embedded_session_server, server_pair, servers, two_servers

__all__ = [
    "alice",
    "bob",
    "browser",
    "choose",
    "conversation",
    "embedded_server",
    "embedded_session_server",
    "mallory",
    "new_person",
    "server_pair",
    "servers",
    "two_servers",
]
