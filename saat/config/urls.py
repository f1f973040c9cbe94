"""Which address leads to which door. Addresses that outsiders rely on are listed in docs/where-things-go.md."""

from django.urls import include, path

from saat.web import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("accounts/", include("saat.web.account_urls")),
    path("desk/", include("saat.web.admin.urls")),
    path("desk/", include("saat.web.desk.urls")),
    path("open311/", include("saat.web.open311.urls")),
    path("api/", include("saat.web.api.urls")),
    path("c/", include("saat.web.contractor.urls")),
    path("crew/", include("saat.web.crew.urls")),
    path("", include("saat.web.feeds.urls")),
    path("", include("saat.web.resident.urls")),
]
