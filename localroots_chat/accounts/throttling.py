"""How often a person may ask REST: the same limits as the sockets'."""

import unicodedata
from typing import TYPE_CHECKING

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from localroots_chat.gateway.limits import check_in_thread, question

if TYPE_CHECKING:  # importing it here would go in a circle: DRF's views import their throttles
    from rest_framework.views import APIView


class PersonThrottle(BaseThrottle):
    """300 requests a minute for each person; for each address where nobody is signed in. Refuses by ChatError."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        who = request.user.pk if request.user.is_authenticated else f"address:{address_of(request)}"
        count_one("rest", who)
        return True


def count_one(bucket: str, who: object) -> None:
    """Counts one use. Raises ChatError `rate_limited`."""
    check_in_thread(question(bucket, who))


def count_guess(request: Request | HttpRequest, username: str) -> None:
    """Counts one tried password, for the address and for the name, however the name is written.

    Django's sign-in form normalises names in the same way. Raises ChatError `rate_limited`.
    """
    count_one("token", f"address:{address_of(request)}")
    count_one("token", f"name:{unicodedata.normalize('NFKC', username).strip().casefold()}")


def address_of(request: Request | HttpRequest) -> str:
    """Where a request comes from (the server has resolved X-Forwarded-For where it trusts the proxy)."""
    return str(request.META.get("REMOTE_ADDR") or "unknown")
