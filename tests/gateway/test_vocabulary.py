"""Every command and event is listed on the one page, and nothing else goes over the wire."""

import re
from pathlib import Path

from django.conf import settings

from localroots_chat.sockets import COMMANDS, EVENTS

SOURCES = [
    path
    for app in ("localroots_chat", "conversations", "groups", "presence")
    for path in (Path(settings.BASE_DIR) / app).rglob("*.py")
    if path.name != "sockets.py" and {"migrations", "demo"}.isdisjoint(path.parts)  # the demo's people are clients
]
_EVENT = re.compile(
    r'event_frame\(\s*"([a-z_:]+)"|"((?:message|conversation|group|typing|presence):[a-z_]+)"|"event": "(\w+)"'
)


def test_every_event_in_the_code_is_on_the_page_and_the_other_way() -> None:
    made = {name for path in SOURCES for found in _EVENT.findall(path.read_text()) for name in found if name}
    assert made == set(EVENTS), "EVENTS of localroots_chat/sockets.py"


def test_every_event_is_made_where_the_page_says() -> None:
    for event, place in EVENTS.items():
        found = [path for path in SOURCES if str(path).endswith(place)]
        assert len(found) == 1, place
        assert f'"{event}"' in found[0].read_text(), (event, place)


def test_every_limit_that_a_command_names_exists() -> None:
    uncounted = {name for name, spec in COMMANDS.items() if spec.rate is None}
    assert uncounted == {"message:send"}, "the writer counts it; every other command names its limit"
    assert {spec.rate for spec in COMMANDS.values()} - {None} <= set(settings.CHAT_RATES), "settings.CHAT_RATES"
