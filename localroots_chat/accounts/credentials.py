"""Who stands behind what a socket showed: a token, or a ticket that somebody with a token or a session got."""

from collections.abc import Mapping, Sequence

from localroots_chat.accounts import tickets
from localroots_chat.accounts.models import SignIn, User
from localroots_chat.accounts.tokens import Holder, holders_of, token_invalid
from localroots_chat.errors import ChatError
from localroots_chat.gateway.wiring import Credential


def holders_behind(credentials: Sequence[Credential]) -> list[Holder | ChatError]:
    """One holder, or the reason why there is none, for each credential, in order. At most four queries."""
    by_token = iter(holders_of([one.token for one in credentials if one.ticket is None]))
    by_ticket = iter(_behind_tickets([one.ticket for one in credentials if one.ticket is not None]))
    return [next(by_token) if one.ticket is None else next(by_ticket) for one in credentials]


def _behind_tickets(texts: Sequence[str]) -> list[Holder | ChatError]:
    if not texts:
        return []
    redeemed = tickets.redeem(texts)
    good = [one for one in redeemed if one is not None]
    users = {user.pk: user for user in User.objects.filter(pk__in=[one.user for one in good])}
    families = [one.sign_in for one in good if one.sign_in is not None]
    ended = set(map(str, SignIn.objects.filter(pk__in=families).exclude(ended_at=None).values_list("pk", flat=True)))
    return [_behind(one, users, ended) for one in redeemed]


def _behind(ticket: tickets.Ticket | None, users: Mapping[int, User], ended: set[str]) -> Holder | ChatError:
    user = None if ticket is None else users.get(ticket.user)
    if ticket is None or user is None:
        return token_invalid("The ticket is wrong, used or too old.")
    if not user.is_active:
        return token_invalid("This account has been disabled.", close=4403)
    if ticket.sign_in in ended or ticket.issued <= user.tokens_valid_after:
        return token_invalid("You have been signed out.", close=4403)
    return Holder(user, ticket.expires, ticket.sign_in)
