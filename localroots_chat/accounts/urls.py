"""Addresses of accounts, under /api/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from localroots_chat.accounts import api

router = SimpleRouter()
router.register("users", api.UserViewSet, basename="user")

urlpatterns = [
    path("token/", api.SignInView.as_view(), name="token"),
    path("token/refresh/", api.RefreshView.as_view(), name="token-refresh"),
    path("logout/", api.SignOutView.as_view(), name="logout"),
    path("ws-ticket/", api.TicketView.as_view(), name="ws-ticket"),
    path("me/", api.MeView.as_view(), name="me"),
    path("users/sync/", api.UserSyncView.as_view(), name="users-sync"),
    *router.urls,
]
