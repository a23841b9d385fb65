"""The demo's people go on talking: each with a socket of their own to the running server, at a human pace.

What is needed of the database (who they are, where they talk, their tokens) is asked before and after; in between
this is a client like any other.
"""

import asyncio
import random
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, Q
from rest_framework_simplejwt.tokens import AccessToken

from conversations.direct import direct_key
from conversations.models import Conversation
from localroots_chat.accounts import sessions
from localroots_chat.accounts.models import SignIn, User
from localroots_chat.demo.people import BY_USERNAME, PEOPLE
from localroots_chat.demo.phone import Dropped, Json, NobodyThere, NotLetIn, Phone, Refused
from localroots_chat.demo.scenes import SCENES
from localroots_chat.demo.talks import Line, Scene, Where

SCENES_AT_ONCE: Final = 2
_TELL_TYPING_EVERY: Final = 3.0  # the server passes on no more
_TYPED_IN_A_SECOND: Final = 18  # characters, by people who know what they want to say
_TOKENS_OUTLIVE_BY: Final = timedelta(minutes=10)
_START_AFRESH: Final = "Use an empty database: it is filled first."


class CannotBegin(Exception):
    """Why there is nothing to see, as a sentence for whoever started it."""


class Place(NamedTuple):
    """A conversation in which scenes are played; `name` is what is printed of it."""

    id: str
    name: str | None


class Live:
    """`with stage.signed_in(): asyncio.run(stage.run())`. `say` prints a line."""

    pace: ClassVar[float] = 1.0  # all pauses are multiplied by it

    def __init__(self, url: str, *, seconds: float, say: Callable[[str], None]) -> None:
        self._url, self._socket_url = url, _socket_address(url)
        self._seconds, self._say = seconds, say
        self._people = _find_people()
        self._places = _find_places(self._people)
        self._directs = {place.id for place in self._places.values() if place.name is None}
        self._tokens: dict[str, str] = {}
        self._phones: dict[str, Phone] = {}
        self._program: deque[Scene] = deque()
        self._on_stage: dict[str, Scene] = {}  # by conversation
        self._away: set[str] = set()
        self._said = 0

    @property
    def farewell(self) -> str:
        """What there is to say at the end."""
        return f"Messages said: {self._said}. Good night!"

    @contextmanager
    def signed_in(self) -> Iterator[None]:
        """Everybody has a token for as long as it takes, of a sign-in that ends with this."""
        lifetime = timedelta(seconds=self._seconds) + _TOKENS_OUTLIVE_BY
        families = SignIn.objects.bulk_create(
            SignIn(user=user, refresh_id="", expires_at=datetime.now(UTC) + lifetime) for user in self._people.values()
        )
        self._tokens = {_name(family.user): _token(family, lifetime) for family in families}
        try:
            yield
        finally:
            for family in families:
                sessions.sign_out(family.user, str(family.pk))

    async def run(self) -> None:
        """Plays until the time is over. Raises CannotBegin."""
        self._phones = {name: self._phone_of(name) for name in self._people}
        try:
            async with asyncio.timeout(self._seconds):
                await self._open_phones()
                self._say(f"{len(self._phones)} people are at {self._url} and begin to talk (Ctrl+C ends it).")
                await self._perform()
        except TimeoutError:
            pass
        finally:
            await asyncio.gather(*(phone.close() for phone in self._phones.values()), return_exceptions=True)

    async def _open_phones(self) -> None:
        try:
            for phone in self._phones.values():
                await phone.open()
        except NobodyThere:
            raise CannotBegin(
                f"No chat server answers at {self._url}. Start one (manage.py serve), or say with --url where it is."
            ) from None
        except Refused as refusal:
            raise CannotBegin(f"The server at {self._url} says: {refusal}") from None
        except NotLetIn as refusal:
            raise CannotBegin(
                f"The server at {self._url} does not let the demo's people in ({refusal}). Does it use the same "
                "database and keys as this command?"
            ) from None

    async def _perform(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            for phone in self._phones.values():
                self._tasks.create_task(phone.stay())
            for _ in range(SCENES_AT_ONCE):
                self._tasks.create_task(self._play_on())

    # Scenes

    async def _play_on(self) -> None:
        while True:
            scene = self._next_scene()
            place = self._places[scene.where]
            self._on_stage[place.id] = scene
            try:
                await self._play(scene, place)
            finally:
                del self._on_stage[place.id]
            await self._pause(1, 3)

    def _next_scene(self) -> Scene:
        """The next of the programme in a conversation where nobody is talking now."""
        while True:
            for scene in self._program:
                if self._places[scene.where].id not in self._on_stage:
                    self._program.remove(scene)
                    return scene
            self._program.extend(random.sample(SCENES, len(SCENES)))

    async def _play(self, scene: Scene, place: Place) -> None:
        said: list[str] = []
        for line in scene.lines:
            await self._pause(1, 3)
            message = await self._speak(scene, place, line, said[-line.answers] if line.answers else None)
            if message is None:
                return
            said.append(message)

    async def _speak(self, scene: Scene, place: Place, line: Line, answered: str | None) -> str | None:
        """Types and sends; the message's id, or None where the server will not have it."""
        phone = self._phones[line.who]
        data = {"conversationId": place.id, "content": line.text, "clientId": str(uuid.uuid4()), "replyTo": answered}
        try:
            await self._type(phone, place, line.text)
            message = await self._send(phone, data)
            self._said += 1
            self._say(f"{_first_name(line.who)} → {place.name or _first_name(_other(scene, line.who))}: {line.text}")
            await phone.tell("typing:stop", place.id)
        except Refused as refused:
            self._say(f"{_first_name(line.who)} cannot say this: {refused}")
            return None
        except Dropped:
            pass  # only the typing is untold; the server takes it back by itself
        return message

    async def _type(self, phone: Phone, place: Place, text: str) -> None:
        left = (1 + len(text) / _TYPED_IN_A_SECOND) * random.uniform(0.8, 1.2)
        while left > 0:
            try:
                await phone.tell("typing:start", place.id)
            except Dropped:
                pass
            await self._pause(min(left, _TELL_TYPING_EVERY))
            left -= _TELL_TYPING_EVERY

    async def _send(self, phone: Phone, data: Json) -> str:
        """Sends until there is an answer: the same clientId makes it one message, however often. Raises Refused."""
        while True:
            try:
                reply = await phone.ask("message:send", data)
                if "message" not in reply:
                    raise Refused({"message": "It waits for a moderator.", "retryable": False})
                return str(reply["message"]["id"])
            except Dropped:
                continue
            except Refused as refused:
                if not refused.error["retryable"]:
                    raise
                await asyncio.sleep(refused.error.get("retryAfter") or 1)

    # What people hear

    def _phone_of(self, name: str) -> Phone:
        return Phone(
            self._socket_url,
            self._tokens[name],
            hear=lambda frame: self._hear(name, frame),
            away=lambda: self._lost(name),
            back=lambda: self._found(name),
        )

    def _hear(self, name: str, frame: Json) -> None:
        if frame["event"] == "message:new" and self._reads(name, frame["data"]):
            self._tasks.create_task(self._read(name, frame["data"]))

    def _reads(self, name: str, message: Json) -> bool:
        """Whether this person looks at it now: pairs always do, in groups those who are talking.

        The others leave it unread, so that a page shows counts that grow.
        """
        if message.get("senderId") == BY_USERNAME[name].public_id:
            return False
        scene = self._on_stage.get(message["conversationId"])
        return message["conversationId"] in self._directs or (scene is not None and name in scene.speakers)

    async def _read(self, name: str, message: Json) -> None:
        await self._pause(0.5, 3)
        try:
            where = {"conversationId": message["conversationId"], "messageId": message["id"]}
            await self._phones[name].ask("message:read", where)
        except (Dropped, Refused):
            pass  # the next one read takes this one with it

    def _lost(self, name: str) -> None:
        if not self._away:
            self._say("The connection is lost; trying again …")
        self._away.add(name)

    def _found(self, name: str) -> None:
        self._away.discard(name)
        if not self._away:
            self._say("Everybody is back.")

    async def _pause(self, least: float, most: float | None = None) -> None:
        seconds = least if most is None else random.uniform(least, most)
        await asyncio.sleep(seconds * self.pace)


def _socket_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        raise CannotBegin("--url is an address such as http://127.0.0.1:8000.")
    return parts._replace(
        scheme="wss" if parts.scheme == "https" else "ws",
        path=f"{parts.path.rstrip('/')}/ws/chat/",
        query="",
        fragment="",
    ).geturl()


def _find_people() -> dict[str, User]:
    """The demo's people by user name. Raises CannotBegin where one of them is missing."""
    ids = [one.public_id for one in PEOPLE]
    users = {user.public_id: user for user in User.objects.filter(public_id__in=ids, is_active=True)}
    missing = [one.username for one in PEOPLE if one.public_id not in users]
    if missing:
        raise CannotBegin(f"Some of the demo's people are missing here: {', '.join(missing)}. {_START_AFRESH}")
    return {one.username: users[one.public_id] for one in PEOPLE}


def _find_places(people: dict[str, User]) -> dict[Where, Place]:
    """The conversation of each scene. Raises CannotBegin where it is missing, or somebody's seat in it."""
    speakers: dict[Where, set[int]] = {}
    for scene in SCENES:
        speakers.setdefault(scene.where, set()).update(people[name].pk for name in scene.speakers)
    return {where: _find_place(where, people, keys) for where, keys in speakers.items()}


def _find_place(where: Where, people: dict[str, User], speakers: Collection[int]) -> Place:
    if isinstance(where, str):
        wanted, name = Q(group__name=where, group__closed_at=None), where
    else:
        one, other = (people[username].pk for username in where)
        wanted, name = Q(direct_key=direct_key(one, other)), " and ".join(where)
    found = (
        Conversation.objects.filter(wanted)
        .filter(participants__user__in=speakers, participants__left_at=None)
        .annotate(speakers=Count("participants"))
        .filter(speakers=len(speakers))
        .first()
    )
    if found is None:
        raise CannotBegin(f'The demo\'s conversation "{name}" is not what it was. {_START_AFRESH}')
    return Place(str(found.pk), where if isinstance(where, str) else None)


def _token(family: SignIn, lifetime: timedelta) -> str:
    token = AccessToken()
    token.set_exp(lifetime=lifetime)
    token[settings.SIMPLE_JWT["USER_ID_CLAIM"]] = family.user.public_id
    token["family"] = str(family.pk)
    return str(token)


def _name(user: User) -> str:
    return next(one.username for one in PEOPLE if one.public_id == user.public_id)


def _other(scene: Scene, name: str) -> str:
    return next(one for one in scene.where if one != name)


def _first_name(username: str) -> str:
    return BY_USERNAME[username].name.split()[0]
