"""manage.py demo: a few people with something to say to each other, so that the first start shows a chat."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from conversations.direct import open_direct
from conversations.models import Conversation, Message, Participant
from groups.models import Group
from localroots_chat.accounts.models import Role, User

PASSWORD: Final = "localroots"  # noqa: S105 (printed, and refused in production)


class Somebody(NamedTuple):
    """A person of the demo marketplace."""

    username: str
    name: str
    role: str


PEOPLE: Final = (
    Somebody("maria", "Maria Lindqvist", Role.FARMER),
    Somebody("tom", "Tom Okafor", Role.CUSTOMER),
    Somebody("aiko", "Aiko Tanaka", Role.CUSTOMER),
    Somebody("joan", "Joan Ferrer", Role.FARMER),
    Somebody("lena", "Lena Brandt", Role.CUSTOMER),
    Somebody("samir", "Samir Haddad", Role.FARMER),
)

# Who wrote what, minutes before now
Lines = tuple[tuple[str, int, str], ...]
TALKS: Final[tuple[tuple[str, str, Lines], ...]] = (
    (
        "maria",
        "tom",
        (
            ("tom", 2900, "Hi Maria, do you still have the yellow tomatoes from last Saturday?"),
            ("maria", 2894, "A few crates, yes! They are at their best right now 🍅"),
            ("tom", 2890, "Great. Could you put 3 kg aside for me?"),
            ("maria", 2885, "Done. Pick them up on Saturday between 9 and 12, at the green barn."),
            ("tom", 95, "Is the barn the one behind the cider house?"),
            ("maria", 88, "Exactly. Ring the bell if nobody is about, we may be out with the goats."),
        ),
    ),
    (
        "joan",
        "tom",
        (
            ("joan", 1500, "Your olive oil has arrived. Two tins, as you asked."),
            ("tom", 1470, "Wonderful, thank you. I'll come by on Thursday."),
            ("joan", 40, "One of the tins has a small dent, the oil is fine. I took 2 € off."),
        ),
    ),
    (
        "samir",
        "aiko",
        (
            ("aiko", 700, "Do you grow daikon by any chance?"),
            ("samir", 640, "This year for the first time. They'll be ready in two weeks."),
        ),
    ),
    (
        "maria",
        "lena",
        (
            ("lena", 300, "Are your eggs from hens that live outside?"),
            ("maria", 290, "All day long. Come and meet them!"),
        ),
    ),
)
GROUP_LINES: Final[Lines] = (
    ("joan", 1300, "We have far more courgettes than we can sell. Free for whoever comes by before six."),
    ("lena", 1280, "I'd take a bag! Can I bring you some of my plum jam?"),
    ("joan", 1275, "A trade I like."),
    ("aiko", 200, "Bread starter to give away, a lively one."),
    ("samir", 190, "Yes please. I'll bring mint."),
)


class Command(BaseCommand):
    """Makes the demo people, their conversations and a group. Run again, it changes nothing."""

    help = "Fills the database with a small demo marketplace (development only)."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo's people have a known password; it is not for production.")
        if not User.objects.filter(username=PEOPLE[0].username).exists():
            self._make()
        names = ", ".join(one.username for one in PEOPLE)
        self.stdout.write(f"Demo people: {names} (password: {PASSWORD}); staff: admin, the same password.")

    def _make(self) -> None:
        self.now = timezone.now()
        self.people = {
            one.username: User.objects.create_user(
                one.username, PASSWORD, public_id=f"demo-{one.username}", name=one.name, role=one.role
            )
            for one in PEOPLE
        }
        if not User.objects.filter(username="admin").exists():
            User.objects.create_superuser("admin", PASSWORD, name="Admin")
        for one, other, lines in TALKS:
            shape, _ = open_direct(self.people[one], self.people[other].public_id)
            self._say(Conversation.objects.get(pk=shape.id), lines)
        self._make_group()

    def _make_group(self) -> None:
        conversation = Conversation.objects.create(type=Conversation.Type.GROUP, member_count=len(PEOPLE))
        Group.objects.create(
            conversation=conversation,
            name="Valley food share",
            description="Surplus, seeds and starters: take what you need, give what you have.",
            category=Group.Category.FOOD_SHARE,
            created_by=self.people["joan"],
        )
        Participant.objects.bulk_create(
            Participant(
                conversation=conversation,
                user=user,
                role=Participant.Role.OWNER if user is self.people["joan"] else Participant.Role.MEMBER,
            )
            for user in self.people.values()
        )
        self._say(conversation, GROUP_LINES)

    def _say(self, conversation: Conversation, lines: Lines) -> None:
        for seq, (who, minutes, text) in enumerate(lines, 1):
            at: datetime = self.now - timedelta(minutes=minutes)
            Message.objects.create(
                conversation=conversation,
                sender=self.people[who],
                seq=seq,
                version=seq,
                content=text,
                created_at=at,
                updated_at=at,
            )
            Participant.objects.filter(conversation=conversation, user=self.people[who]).update(last_read_seq=seq)
        Conversation.objects.filter(pk=conversation.pk).update(last_seq=len(lines), version=len(lines), updated_at=at)
