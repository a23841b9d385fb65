"""The composition for HTTP: which address belongs to whom."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from localroots_chat.api_pages import DocsView, SchemaView, WayInView
from localroots_chat.rest import page_not_found

admin.site.login = login_required(admin.site.login)  # type: ignore[method-assign]  # one sign-in page, one count of guesses

urlpatterns = [
    path("api/", include("localroots_chat.accounts.urls")),
    path("api/", include("conversations.urls")),
    path("api/", include("groups.urls")),
    path("api/", include("presence.urls")),
    path("api/", WayInView.as_view(), name="way-in"),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(url_name="schema"), name="docs"),
    re_path(r"^api/", csrf_exempt(page_not_found)),
    path("admin/", admin.site.urls),
    path("", include("localroots_chat.webclient.urls")),
]

handler400 = "localroots_chat.rest.page_bad_request"
handler403 = "localroots_chat.rest.page_forbidden"
handler404 = "localroots_chat.rest.page_not_found"
handler500 = "localroots_chat.rest.page_server_error"
