"""Addresses of groups, under /api/."""

from rest_framework.routers import SimpleRouter

from groups import api

router = SimpleRouter()
router.register("groups", api.GroupViewSet, basename="group")

urlpatterns = router.urls
