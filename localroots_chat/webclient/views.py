"""The chat page and the doors to it.

The pages use Django's session and CSRF token. What they show comes from REST and the socket, where permission is
checked; the only data written into the page is who is signed in.
"""

from typing import Any, TypedDict, cast

import msgspec
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from localroots_chat.accounts.models import User
from localroots_chat.accounts.people import shape_of
from localroots_chat.accounts.throttling import count_guess
from localroots_chat.errors import ChatError

# A demo has a handful of people; a development database filled for load tests has thousands.
DEMO_PEOPLE_SHOWN = 12


class DemoPerson(TypedDict):
    username: str
    name: str
    role: str


@never_cache
@ensure_csrf_cookie
@login_required
def home(request: HttpRequest) -> HttpResponse:
    me = shape_of(cast(User, request.user))  # login_required saw to that
    return render(request, "webclient/chat.html", {"me": msgspec.to_builtins(me)})


class SignIn(LoginView):
    template_name = "webclient/sign_in.html"
    next_page = "webclient:home"

    def post(self, request: HttpRequest, *args: str, **kwargs: Any) -> HttpResponse:
        # The same limit on tried passwords as at POST /api/token/: two doors, one count.
        try:
            count_guess(request, request.POST.get("username", ""))
        except ChatError as refusal:
            page = self.get_context_data(refusal=refusal.message)
            return self.render_to_response(page, status=refusal.status)
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(demo_people=demo_people(), **kwargs)


class SignOut(LogoutView):
    http_method_names = ["post", "options"]
    next_page = "webclient:sign-in"


def demo_people() -> list[DemoPerson]:
    """Who a newcomer may sign in as with one click: never outside development."""
    if not settings.DEBUG:
        return []
    people = User.objects.filter(is_active=True, is_staff=False, username__isnull=False)
    people = people.exclude(password="").exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return [
        DemoPerson(username=person.username or "", name=str(person), role=person.role)
        for person in people.order_by("pk")[:DEMO_PEOPLE_SHOWN]
    ]
