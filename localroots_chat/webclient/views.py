"""The chat page and the doors to it.

The pages use Django's session and CSRF token. What they show comes from REST and the socket, where permission is
checked; the only data written into the page is who is signed in.
"""

import json
from pathlib import Path
from typing import Any, Final, TypedDict, cast
from urllib.parse import urljoin

import msgspec
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page

from localroots_chat.accounts.models import User
from localroots_chat.accounts.people import shape_of
from localroots_chat.accounts.sessions import sign_out_of_browser
from localroots_chat.accounts.throttling import count_guess
from localroots_chat.errors import ChatError

_STATIC: Final = Path(__file__).parent / "static"


def _assets(pattern: str) -> list[str]:
    return sorted(path.relative_to(_STATIC).as_posix() for path in _STATIC.glob(f"webclient/{pattern}"))


# Asked for at once: on a slow line, one after the other as each is found in the one before takes seconds.
_MODULES: Final = [*_assets("vendor/*.js"), *_assets("js/*/*.js"), "webclient/js/main.js"]
_BY_NAME: Final = {"preact": "preact.js", "preact/hooks": "preact-hooks.js", "htm": "htm.js"}
_STYLESHEETS: Final = [name for name in _assets("css/*.css") if not name.endswith(("base.css", "signin.css"))]

# A demo has a handful of people; a development database filled for load tests has thousands.
DEMO_PEOPLE_SHOWN = 12


class DemoPerson(TypedDict):
    username: str
    name: str
    role: str


@gzip_page  # it holds nothing secret, and the names of many files
@never_cache
@ensure_csrf_cookie
@login_required
def home(request: HttpRequest) -> HttpResponse:
    me = shape_of(cast(User, request.user))  # login_required saw to that
    page = {
        "me": msgspec.to_builtins(me),
        "import_map": import_map(),
        "modules": _MODULES,
        "stylesheets": _STYLESHEETS,
    }
    return render(request, "webclient/chat.html", page)


def import_map() -> str:
    """Where the page's modules find each other: those of vendor/ by their names, and each under its collected name."""
    imports = {name: static(f"webclient/vendor/{file}") for name, file in _BY_NAME.items()}
    imports |= {
        plain: static(name) for name in _MODULES if (plain := urljoin(settings.STATIC_URL, name)) != static(name)
    }
    return json.dumps({"imports": imports})


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

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        if self.request.user.is_authenticated and self.request.user != form.get_user():
            sign_out_of_browser(self.request)  # the windows of whoever this browser was end here
        return super().form_valid(form)

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
