"""Who may do what: every command and every address, for everybody there is about a group.

The rows are compared with the registries, so that a new command or address without one fails. Non-members are told
that there is nothing, whatever they ask of what they may not see.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from django.urls import reverse

from localroots_chat.sockets import COMMANDS
from tests.support.environment import KEYS
from tests.support.people import STATUS, Person
from tests.support.servers import ChatServer
from tests.wire.table import nobodys_id
from tests.wire.test_outsiders_learn_nothing import SIGNING_IN, api

OK, GONE, FORBIDDEN = "ok", "not_found", "forbidden"
# Anonymous people have no socket, and are refused at every address; staff rights count in the admin alone.
ROLES: Final = ("outsider", "former", "staff", "member", "moderator", "owner")
Outcome = dict[str, str]


def allowed(*, others: str = GONE, member: str = OK, moderator: str = OK, owner: str = OK) -> Outcome:
    outside = dict.fromkeys(("outsider", "former", "staff"), others)
    return {**outside, "member": member, "moderator": moderator, "owner": owner}


EVERYBODY = allowed(others=OK)
MEMBERS = allowed()
MODERATORS = allowed(member=FORBIDDEN)
OWNER = allowed(member=FORBIDDEN, moderator=FORBIDDEN)
NOBODY_BUT_ITS_SENDER = allowed(member=FORBIDDEN, moderator=FORBIDDEN, owner=FORBIDDEN)


class Scene:
    """A group: its owner, a moderator, a member, somebody who has left; `subject` is the member it is about.

    Made known beside them are an outsider and somebody whom nobody has brought in yet.
    """

    def __init__(self, server: ChatServer, *, visibility: str) -> None:
        names = ("owner", "moderator", "member", "former", "subject", "outsider", "newcomer")
        self.people = {name: Person(name, server) for name in names}
        with httpx.Client(base_url=server.base_url, trust_env=False) as marketplace:
            marketplace.post(
                "/api/users/sync/",
                json=[{"id": person.id, "name": person.name} for person in self.people.values()],
                headers={"Authorization": f"Server {KEYS['SERVER_KEY']}"},
            ).raise_for_status()
        of_group = [self.people[name].id for name in ("moderator", "member", "former", "subject")]
        asked = {"name": "Eggs", "category": "NEWS", "memberIds": of_group, "visibility": visibility}
        self.group = self.owner.post("/api/groups/", asked)
        self.talk: str = self.group["conversationId"]
        self.path = f"/api/groups/{self.group['id']}/"
        self.owner.patch(f"{self.path}members/{self.id('moderator')}/", {"role": "MODERATOR"})
        self.owner.delete(f"{self.path}members/{self.id('former')}/")
        said = self.people["subject"].post(f"/api/conversations/{self.talk}/messages/", {"content": "carrots?"})
        self.message: str = said["message"]["id"]
        self.code, self.held, self.file = "", nobodys_id(), nobodys_id()

    @property
    def owner(self) -> Person:
        return self.people["owner"]

    def id(self, name: str) -> str:
        return self.people[name].id

    def close(self) -> None:
        for person in self.people.values():
            person.close()


Make = Callable[[Scene], Any]


@dataclass
class Row:
    """What is asked, by which doors, and what comes of it. `before` is what the owner has done."""

    outcome: Outcome
    command: str | None = None
    address: tuple[str, str] | None = None
    data: Make = lambda scene: {}
    ids: Make = lambda scene: []
    body: Make = lambda scene: None
    before: Callable[[Scene], None] = lambda scene: None
    visibility: str = "PUBLIC"
    query: Callable[[Scene], str] = lambda scene: ""
    files: Any = None


def of_group(**more: Any) -> Make:
    return lambda scene: {"groupId": scene.group["id"], **more}


def about(name: str, **more: Any) -> Make:
    return lambda scene: {"groupId": scene.group["id"], "userId": scene.id(name), **more}


def only(name: str, **more: Any) -> Make:
    return lambda scene: {"userId": scene.id(name), **more}


def group_id(scene: Scene) -> list[str]:
    return [scene.group["id"]]


def group_and(name: str) -> Make:
    return lambda scene: [scene.group["id"], scene.id(name)]


def talk_id(scene: Scene) -> list[str]:
    return [scene.talk]


def message_id(scene: Scene) -> list[str]:
    return [scene.message]


def bare_talk(scene: Scene) -> str:
    return scene.talk


def of_talk(**more: Any) -> Make:
    return lambda scene: {"conversationId": scene.talk, **more}


def of_message(**more: Any) -> Make:
    return lambda scene: {"messageId": scene.message, **more}


def saying(**more: Any) -> Make:
    return lambda scene: more


LATER: Final = "2100-01-01T00:00:00Z"


def bans(scene: Scene) -> None:
    scene.owner.post(f"{scene.path}bans/", {"userId": scene.id("newcomer")})


def silences(scene: Scene) -> None:
    scene.owner.post(f"{scene.path}mutes/", {"userId": scene.id("subject"), "until": LATER})


def invites(scene: Scene) -> None:
    scene.code = scene.owner.post(f"{scene.path}invitations/", {})["code"]


# By now nobody looks at texts here: as the screen would have held it.
_HOLD: Final = """
from django.utils.timezone import now
from conversations.models import HeldMessage
from localroots_chat.accounts.models import User
sender = User.objects.get(public_id={sender!r})
held = HeldMessage.objects.create(conversation_id={talk!r}, sender=sender, content="a casino", created_at=now())
print(held.pk)
"""


def holds(scene: Scene) -> None:
    made = _HOLD.format(sender=scene.id("subject"), talk=scene.talk)
    scene.held = scene.owner.server.manage("shell", "--verbosity=0", "-c", made).strip()


def attaches(scene: Scene) -> None:
    subject = scene.people["subject"]
    uploaded = subject.post("/api/attachments/", files={"file": ("a.txt", b"leeks")})
    sent = {"content": "", "attachmentIds": [uploaded["id"]]}
    subject.post(f"/api/conversations/{scene.talk}/messages/", sent)
    scene.file = uploaded["id"]


def file_id(scene: Scene) -> list[str]:
    return [scene.file]


def saying_text(text: str) -> Callable[[Scene], str]:
    return lambda scene: text


def with_code(scene: Scene) -> list[str]:
    return [scene.code]


ROWS: dict[str, Row] = {
    # Groups
    "look for groups": Row(EVERYBODY, address=("group-list", "GET")),
    "found a group": Row(
        EVERYBODY,
        "group:create",
        ("group-list", "POST"),
        data=saying(name="Mine", category="TIPS"),
        body=saying(name="Mine", category="TIPS"),
    ),
    "see its card": Row(EVERYBODY, address=("group-detail", "GET"), ids=group_id),
    "see the card of a private one": Row(MEMBERS, address=("group-detail", "GET"), ids=group_id, visibility="PRIVATE"),
    "see who is in it": Row(MEMBERS, address=("group-members", "GET"), ids=group_id),
    "change its settings": Row(
        MODERATORS,
        "group:update",
        ("group-detail", "PATCH"),
        data=of_group(name="Milk"),
        ids=group_id,
        body=saying(name="Milk"),
    ),
    "close it": Row(OWNER, address=("group-detail", "DELETE"), ids=group_id),
    "join it": Row(EVERYBODY, "group:join", ("group-join", "POST"), data=of_group(), ids=group_id),
    "join a private one": Row(
        MEMBERS, "group:join", ("group-join", "POST"), data=of_group(), ids=group_id, visibility="PRIVATE"
    ),
    "leave it": Row(
        allowed(owner=FORBIDDEN), "group:leave", ("group-leave", "POST"), data=of_group(), ids=group_id, body=saying()
    ),
    "bring somebody in": Row(
        MODERATORS,
        "group:add_member",
        ("group-members", "POST"),
        data=about("newcomer"),
        ids=group_id,
        body=only("newcomer"),
    ),
    "put somebody out": Row(
        MODERATORS,
        "group:remove_member",
        ("group-member", "DELETE"),
        data=about("subject"),
        ids=group_and("subject"),
    ),
    "put the owner out": Row(
        allowed(member=FORBIDDEN, moderator=FORBIDDEN, owner=FORBIDDEN),
        "group:remove_member",
        data=about("owner"),
    ),
    "make a moderator": Row(
        OWNER,
        "group:set_role",
        ("group-member", "PATCH"),
        data=about("subject", role="MODERATOR"),
        ids=group_and("subject"),
        body=saying(role="MODERATOR"),
    ),
    "hand it over": Row(OWNER, address=("group-owner", "PUT"), ids=group_id, body=only("subject")),
    "see who is banned": Row(MODERATORS, address=("group-bans", "GET"), ids=group_id),
    "ban somebody": Row(MODERATORS, address=("group-bans", "POST"), ids=group_id, body=only("subject")),
    "lift a ban": Row(MODERATORS, address=("group-lift-ban", "DELETE"), ids=group_and("newcomer"), before=bans),
    "see who is silenced": Row(MODERATORS, address=("group-mutes", "GET"), ids=group_id),
    "silence somebody": Row(
        MODERATORS, address=("group-mutes", "POST"), ids=group_id, body=only("subject", until=LATER)
    ),
    "lift a silence": Row(MODERATORS, address=("group-lift-mute", "DELETE"), ids=group_and("subject"), before=silences),
    "see what was reported": Row(MODERATORS, address=("group-reports", "GET"), ids=group_id),
    "see the invitations": Row(MODERATORS, address=("group-invitations", "GET"), ids=group_id),
    "invite": Row(MODERATORS, address=("group-invitations", "POST"), ids=group_id, body=saying()),
    "invite moderators": Row(OWNER, address=("group-invitations", "POST"), ids=group_id, body=saying(role="MODERATOR")),
    "revoke an invitation": Row(
        MODERATORS,
        address=("group-revoke", "DELETE"),
        ids=lambda scene: [scene.group["id"], scene.code],
        before=invites,
    ),
    "come with an invitation": Row(
        EVERYBODY, address=("group-accept", "POST"), ids=with_code, before=invites, visibility="PRIVATE"
    ),
    # What is said there
    "open it": Row(MEMBERS, "join:conversation", ("conversation-detail", "GET"), data=bare_talk, ids=talk_id),
    "turn one's notifications off": Row(
        MEMBERS, address=("conversation-detail", "PATCH"), ids=talk_id, body=saying(muted=True)
    ),
    "read": Row(MEMBERS, address=("conversation-messages", "GET"), ids=talk_id),
    "speak": Row(
        MEMBERS,
        "message:send",
        ("conversation-messages", "POST"),
        data=of_talk(content="leeks!"),
        ids=talk_id,
        body=saying(content="leeks!"),
    ),
    "have read": Row(
        MEMBERS,
        "message:read",
        ("conversation-read", "POST"),
        data=lambda scene: {"conversationId": scene.talk, "messageId": scene.message},
        ids=talk_id,
        body=of_message(),
    ),
    "look for messages": Row(EVERYBODY, address=("message-search", "GET"), query=saying_text("?q=carrots")),
    "see a message": Row(MEMBERS, address=("message-detail", "GET"), ids=message_id),
    "change another's message": Row(
        NOBODY_BUT_ITS_SENDER,
        "message:edit",
        ("message-detail", "PATCH"),
        data=of_message(content="leeks!"),
        ids=message_id,
        body=saying(content="leeks!"),
    ),
    "take back another's message": Row(
        MODERATORS, "message:delete", ("message-detail", "DELETE"), data=of_message(), ids=message_id
    ),
    "react": Row(
        MEMBERS,
        "message:react",
        ("message-reaction", "PUT"),
        data=of_message(emoji="🥕"),
        ids=lambda scene: [scene.message, "🥕"],
    ),
    "react no longer": Row(MEMBERS, address=("message-reaction", "DELETE"), ids=lambda scene: [scene.message, "🥕"]),
    "type": Row(MEMBERS, "typing:start", data=bare_talk),
    "stop typing": Row(MEMBERS, "typing:stop", data=bare_talk),
    "see who has read a message": Row(MEMBERS, address=("message-receipts", "GET"), ids=message_id),
    "report a message": Row(
        MEMBERS,
        address=("reports", "POST"),
        body=lambda scene: {"kind": "message", "id": scene.message, "reason": "SPAM"},
    ),
    "see what waits there": Row(
        MEMBERS, address=("held-list", "GET"), query=lambda scene: f"?conversation={scene.talk}"
    ),
    "let in what waits": Row(
        allowed(member=GONE), address=("held-approve", "POST"), ids=lambda scene: [scene.held], before=holds
    ),
    "refuse what waits": Row(
        allowed(member=GONE),
        address=("held-refuse", "POST"),
        ids=lambda scene: [scene.held],
        body=saying(answer="No"),
        before=holds,
    ),
    "withdraw what another has sent": Row(
        dict.fromkeys(ROLES, GONE), address=("held-detail", "DELETE"), ids=lambda scene: [scene.held], before=holds
    ),
    "fetch a file": Row(MEMBERS, address=("attachment-detail", "GET"), ids=file_id, before=attaches),
    "get an address of a file": Row(MEMBERS, address=("attachment-link", "POST"), ids=file_id, before=attaches),
    # One's own
    "upload a file": Row(EVERYBODY, address=("attachment-list", "POST"), files={"file": ("a.txt", b"carrots")}),
    "see who is here": Row(
        EVERYBODY,
        "presence:check",
        ("presence", "GET"),
        data=lambda scene: [scene.id("subject")],
        query=saying_text("?ids=nobody,somebody"),
    ),
    "appear offline": Row(EVERYBODY, "presence:offline", data=lambda scene: None),
    "appear online": Row(EVERYBODY, "presence:online", data=lambda scene: None),
    "resume": Row(EVERYBODY, "sync", ("sync", "POST"), data=saying(cursors={}), body=saying(cursors={})),
    "see one's conversations": Row(EVERYBODY, address=("conversation-list", "GET")),
    "write to somebody": Row(EVERYBODY, address=("conversation-list", "POST"), body=only("newcomer")),
    "see whom one has blocked": Row(EVERYBODY, address=("block-list", "GET")),
    "block somebody": Row(EVERYBODY, address=("block-list", "POST"), body=only("newcomer")),
    "unblock somebody": Row(EVERYBODY, address=("block-detail", "DELETE"), ids=lambda scene: [scene.id("newcomer")]),
    "see oneself": Row(EVERYBODY, address=("me", "GET")),
    "change oneself": Row(EVERYBODY, address=("me", "PATCH"), body=saying(language="de")),
    "look for people": Row(EVERYBODY, address=("user-list", "GET")),
    "get a ticket": Row(EVERYBODY, address=("ws-ticket", "POST")),
    "sign out": Row(EVERYBODY, address=("logout", "POST"), body=saying()),
    "make people known": Row(
        dict.fromkeys(ROLES, "token_invalid"), address=("users-sync", "POST"), body=lambda scene: []
    ),
}


def test_every_command_and_every_address_has_a_row() -> None:
    assert {row.command for row in ROWS.values()} - {None} == set(COMMANDS)
    addresses = {row.address for row in ROWS.values()} - {None}
    assert addresses == {(name, method) for name, method, _ in api()} - SIGNING_IN
    assert all(set(row.outcome) == set(ROLES) for row in ROWS.values())


_MAKE_STAFF: Final = """
from localroots_chat.accounts.models import User
User.objects.create_user("clerk-of-all", password="{password}", is_staff=True, is_superuser=True)
"""
_PASSWORD: Final = "to be asked for in a test"


@pytest.fixture(scope="module")
def staff(patient_server: ChatServer) -> Callable[[], Person]:
    """Somebody with all rights in the admin, signed in anew each time."""
    patient_server.manage("shell", "-c", _MAKE_STAFF.format(password=_PASSWORD))

    def sign_in() -> Person:
        signs_in = {"username": "clerk-of-all", "password": _PASSWORD}
        answer = httpx.post(f"{patient_server.base_url}/api/token/", json=signs_in, trust_env=False)
        person = Person("staff", patient_server)
        person.token = answer.json()["access"]
        return person

    return sign_in


@pytest.fixture
def make_scene(patient_server: ChatServer, staff: Callable[[], Person]) -> Iterator[Callable[[Row, str], Scene]]:
    scenes: list[Scene] = []

    def make(row: Row, role: str) -> Scene:
        scenes.append(Scene(patient_server, visibility=row.visibility))
        row.before(scenes[-1])
        if role == "staff":
            scenes[-1].people[role] = staff()
        return scenes[-1]

    yield make
    for scene in scenes:
        scene.close()


def request(person: Person, row: Row, scene: Scene) -> httpx.Response:
    assert row.address is not None
    name, method = row.address
    path = reverse(name, args=row.ids(scene)) + row.query(scene)
    body = {"files": row.files} if row.files else {"json": row.body(scene)}
    return person.http.request(method, path, **body)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("what", [what for what, row in ROWS.items() if row.address is not None])
def test_who_may_by_rest(what: str, role: str, make_scene: Callable[[Row, str], Scene]) -> None:
    row = ROWS[what]
    scene = make_scene(row, role)
    answer = request(scene.people[role], row, scene)
    if row.outcome[role] == OK:
        assert answer.is_success, answer.text
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (STATUS[row.outcome[role]], row.outcome[role])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("what", [what for what, row in ROWS.items() if row.command is not None])
async def test_who_may_by_socket(what: str, role: str, make_scene: Callable[[Row, str], Scene]) -> None:
    row = ROWS[what]
    assert row.command is not None
    scene = make_scene(row, role)
    async with scene.people[role].connect() as socket:
        if row.outcome[role] == OK:
            await socket.ask(row.command, row.data(scene))
        else:
            await socket.ask_refused(row.command, row.data(scene), code=row.outcome[role])


def test_who_has_no_name_may_nothing(make_scene: Callable[[Row, str], Scene]) -> None:
    scene = make_scene(ROWS["come with an invitation"], "nobody")
    nobody = Person("nobody", scene.owner.server)
    del nobody.http.headers["Authorization"]
    for what, row in ROWS.items():
        if row.address is not None:
            answer = request(nobody, row, scene)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_invalid"), what
    nobody.close()


@pytest.mark.parametrize("role", ["outsider", "former", "staff"])
def test_what_outsiders_may_not_see_is_refused_as_what_is_not_there(
    role: str, make_scene: Callable[[Row, str], Scene]
) -> None:
    """Word for word, by every address of a private group, of what waits in it, and of a file that was sent there."""
    scene = make_scene(ROWS["come with an invitation"], role)
    holds(scene)
    attaches(scene)
    asker, unknown = scene.people[role], nobodys_id()
    for what, row in ROWS.items():
        if (
            row.address is None
            or not row.address[0].startswith(("group-", "held-", "attachment-"))
            or row.outcome[role] != GONE
        ):
            continue
        real = request(asker, row, scene)
        name, method = row.address
        ids = [unknown if one in {scene.group["id"], scene.held, scene.file} else one for one in row.ids(scene)]
        path = reverse(name, args=ids) + row.query(scene).replace(scene.talk, unknown)
        other = asker.http.request(method, path, json=row.body(scene))
        assert json.loads(real.content) == json.loads(other.content), what
