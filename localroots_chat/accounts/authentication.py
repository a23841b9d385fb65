"""REST's way through the door for tokens (`Authorization: Bearer …`)."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from localroots_chat.accounts.models import User
from localroots_chat.accounts.tokens import Holder, holder_of, token_invalid
from localroots_chat.errors import ChatError
from localroots_chat.rest import Refused


def asker(request: Request) -> User:
    """Who asks. For views behind IsAuthenticated, which is everywhere unless a view says otherwise."""
    if not isinstance(request.user, User):
        raise token_invalid()
    return request.user


class BearerAuthentication(BaseAuthentication):
    """`request.user` is the person, `request.auth` the `Holder`."""

    def authenticate(self, request: Request) -> tuple[User, Holder] | None:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not scheme:
            return None
        try:
            if scheme.lower() != "bearer":
                raise token_invalid()
            holder = holder_of(token.strip())
        except ChatError as error:
            raise Refused(error) from None
        return holder.user, holder

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
