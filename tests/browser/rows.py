"""What a server's database holds before a test looks at it: much more than people could say in its time."""

from tests.browser.screen import Screen

_BEGIN = """
from datetime import timedelta
from django.utils import timezone
from conversations.direct import direct_key
from conversations.models import Conversation, Message, Participant
from localroots_chat.accounts.models import User
now = timezone.now()
long_ago = now - timedelta(days=30)
"""

_NEIGHBOURS = """
me = User.objects.get(username={username!r})
called = [f"Neighbour {{number:04}}" for number in range({count})]
neighbours = User.objects.bulk_create(
    User(public_id=f"{{name.replace(' ', '-')}}-of-{{me.username}}", name=name, password="!") for name in called
)
talks = Conversation.objects.bulk_create(
    Conversation(
        type="DIRECT", direct_key=direct_key(me.pk, other.pk), member_count=2, last_seq=1, version=1,
        updated_at=now - timedelta(minutes=number),
    )
    for number, other in enumerate(neighbours)
)
Participant.objects.bulk_create(
    Participant(conversation=talk, user=user, last_read_seq=1, joined_at=long_ago, changed_at=long_ago)
    for talk, other in zip(talks, neighbours, strict=True)
    for user in (me, other)
)
Message.objects.bulk_create(
    Message(
        conversation=talk, sender=other, seq=1, version=1, content=f"I am {{other.name}}",
        created_at=talk.updated_at, updated_at=talk.updated_at,
    )
    for talk, other in zip(talks, neighbours, strict=True)
)
"""

_HISTORY = """
reader, writer = (User.objects.get(username=username) for username in {usernames!r})
texts = {texts!r}
last = len(texts)
talk = Conversation.objects.create(
    type="DIRECT", direct_key=direct_key(reader.pk, writer.pk), member_count=2, last_seq=last, version=last
)
for user, read in [(reader, {read}), (writer, last)]:
    Participant.objects.create(
        conversation=talk, user=user, last_read_seq=read, joined_at=long_ago, changed_at=long_ago
    )
Message.objects.bulk_create(
    Message(conversation=talk, sender=writer, seq=seq, version=seq, content=text, created_at=at, updated_at=at)
    for seq, text in enumerate(texts, 1)
    for at in [now - timedelta(minutes=last - seq)]
)
print(talk.pk, end="")
"""


def give_neighbours(person: Screen, count: int) -> None:
    """That many conversations: with Neighbour 0000, which is the newest, Neighbour 0001, and so on."""
    person.server.manage(
        "shell", "--no-imports", "-c", _BEGIN + _NEIGHBOURS.format(username=person.username, count=count)
    )


def give_history(reader: Screen, writer: Screen, texts: list[str], *, read: int) -> str:
    """The conversation of the two, with what the writer said a minute apart; returns its id."""
    rows = _HISTORY.format(usernames=[reader.username, writer.username], texts=texts, read=read)
    return reader.server.manage("shell", "--no-imports", "-c", _BEGIN + rows)
