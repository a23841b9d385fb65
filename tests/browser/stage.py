"""Talks that have been going on for a while, and their people: signed in already, each with a window of their own.

One command makes all talks that a module needs, since each command takes seconds.
"""

import asyncio
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, expect

from tests.browser.screen import Screen
from tests.support.servers import ChatServer

_MAKE = """
import json
from datetime import timedelta
from django.db import transaction
from django.test import Client
from django.utils import timezone
from conversations.direct import direct_key
from conversations.models import Conversation, Message, Participant
from groups.models import Group
from localroots_chat.accounts.models import User

def session_of(user):
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value

def make(mark, lines, unread, group, apart):
    people = [
        User.objects.create(username=f"{{name}}-{{mark}}", name=f"{{name.title()}} {{mark}}", role=role)
        for name, role in [("alice", "FARMER"), ("bob", "CUSTOMER"), ("carol", "FARMER")][: 3 if group else 2]
    ]
    alice, bob = people[:2]
    now = timezone.now()
    began = now - timedelta(minutes=apart * (lines + 1))
    kind = dict(type="GROUP") if group else dict(type="DIRECT", direct_key=direct_key(alice.pk, bob.pk))
    talk = Conversation.objects.create(
        member_count=len(people), last_seq=lines, version=lines, created_at=began, updated_at=now, **kind
    )
    for person in people:
        Participant.objects.create(
            conversation=talk, user=person, role="OWNER" if group and person == alice else "MEMBER",
            last_read_seq=lines if person == bob else lines - unread, joined_at=began, changed_at=began,
        )
    if group:
        Group.objects.create(conversation=talk, name=f"Egg club {{mark}}", category="TIPS", created_by=alice)
    Message.objects.bulk_create(
        Message(
            conversation=talk, seq=seq, version=seq, created_at=at, updated_at=at,
            sender=bob if seq > lines - unread or seq % 6 in (1, 2, 3) else alice,
            content=f"Line {{seq}}" + " and so on" * (12 if seq % 5 == 0 else 0),
        )
        for seq in range(1, lines + 1)
        for at in [now - timedelta(minutes=apart * (lines - seq))]
    )
    return [mark, str(talk.pk), {{person.username.split("-")[0]: session_of(person) for person in people}}]

with transaction.atomic():
    made = [make(*plan) for plan in {plans!r}]
print(json.dumps(made))
"""


@dataclass(frozen=True)
class Plan:
    """Alice and Bob, in a group of Alice's Carol too. They said `Line 1`, `Line 2` …; the unread ones Bob said."""

    lines: int = 1
    unread: int = 0
    group: bool = False
    apart: int = 4  # minutes


@dataclass(frozen=True)
class Talk:
    mark: str
    id: str
    sessions: dict[str, str]  # by name
    group: bool

    def title(self, reader: str) -> str:
        """What this person's page calls it."""
        if self.group:
            return f"Egg club {self.mark}"
        return f"{'Bob' if reader == 'alice' else 'Alice'} {self.mark}"


class Talks:
    """Those of a module, each to be taken by one test."""

    def __init__(self, server: ChatServer, plans: Iterable[Plan]) -> None:
        self.server = server
        self._ready: defaultdict[Plan, list[Talk]] = defaultdict(list)
        wanted = list(plans)
        rows = [(uuid.uuid4().hex[:8], each.lines, each.unread, each.group, each.apart) for each in wanted]
        answer = server.manage("shell", "--no-imports", "-c", _MAKE.format(plans=rows))
        for plan, (mark, talk_id, sessions) in zip(wanted, json.loads(answer), strict=True):
            self._ready[plan].append(Talk(mark, talk_id, sessions, plan.group))

    def take(self, plan: Plan) -> Talk:
        return self._ready[plan].pop()


class Stage:
    """A test's talks and windows."""

    def __init__(self, talks: Talks, browser: Browser) -> None:
        self._talks = talks
        self._browser = browser
        self.screens: list[Screen] = []

    def talk(self, plan: Plan | None = None) -> Talk:
        return self._talks.take(plan or Plan())

    async def person(self, talk: Talk, name: str, place: str | None = None, **window: Any) -> Screen:
        """Looks at the talk, or at another place of the page. The rest is what the browser is told of the window."""
        server = self._talks.server
        context = await self._browser.new_context(**window)
        await context.add_cookies([{"name": "sessionid", "value": talk.sessions[name], "url": server.base_url}])
        screen = Screen(await context.new_page(), server, f"{name}-{talk.mark}", f"{name.title()} {talk.mark}")
        self.screens.append(screen)
        await screen.page.goto(f"{server.base_url}/#{talk.id if place is None else place}")
        if place is None:
            await expect(screen.page.get_by_role("heading", name=talk.title(name))).to_be_visible()
        return screen

    async def everybody(self, plan: Plan | None = None) -> list[Screen]:
        """Alice and Bob, and in a group Carol, look at their talk."""
        talk = self.talk(plan)
        return await asyncio.gather(*(self.person(talk, name) for name in talk.sessions))

    def assert_no_troubles(self) -> None:
        """No page had an error or was made to speak."""
        assert not [trouble for screen in self.screens for trouble in screen.troubles]
