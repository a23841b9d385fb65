"""A note from the staff to one person, as the server's message in their conversation with the team."""

from django.db import transaction

from conversations import membership
from conversations.direct import find_or_make
from conversations.models import Conversation
from conversations.system_messages import Kind
from localroots_chat.accounts.models import User
from localroots_chat.accounts.team import team


@transaction.atomic
def warn(person: User, text: str) -> None:
    """Tells the person this, whether or not they want to hear from anybody. They cannot answer."""
    sender = team()
    talk, _ = find_or_make(sender, person)
    membership.hold(Conversation.objects.filter(pk=talk)).record(Kind.WARNED, by=sender, about=[person], said=text)
