"""The client's three addresses. Everything else it needs is REST under /api/ and the socket at /ws/chat/."""

from django.urls import path

from localroots_chat.webclient import views

app_name = "webclient"

urlpatterns = [
    path("", views.home, name="home"),
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", views.SignOut.as_view(), name="sign-out"),
]
