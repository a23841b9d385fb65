"""Addresses of conversations, under /api/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from conversations import api, api_files

router = SimpleRouter()
router.register("conversations", api.ConversationViewSet, basename="conversation")
router.register("messages", api.MessageViewSet, basename="message")
router.register("attachments", api_files.AttachmentViewSet, basename="attachment")
router.register("held", api.HeldViewSet, basename="held")
router.register("blocks", api.BlockViewSet, basename="block")

urlpatterns = [
    path("sync/", api.SyncView.as_view(), name="sync"),
    path("reports/", api.ReportView.as_view(), name="reports"),
    *router.urls,
]
