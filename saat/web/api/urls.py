"""Addresses below this door, and the description that they publish of themselves."""

from __future__ import annotations

from typing import Any

from django.urls import path
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from saat import __version__
from saat.web.api import acting, managing, reading
from saat.web.api.caller import KeyCaller, SessionCaller
from saat.web.api.problems import CONTENT_TYPE, handle_all


class SaatAPI(NinjaAPI):
    """Ninja's API, with problem details described as what they are."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the description; errors have a content type of their own."""
        described = super().get_openapi_schema(**options)
        for operations in described["paths"].values():
            for operation in operations.values():
                for status, response in operation["responses"].items():
                    content = response.get("content", {})
                    if int(status) >= 400 and "application/json" in content:
                        content[CONTENT_TYPE] = content.pop("application/json")
        return described


api = SaatAPI(
    title="Saat",
    version=__version__,
    description="The work list of a city hall: cases, what is done to them, and the city's rules.",
    urls_namespace="api",
    docs_url=None,  # its page would load scripts from elsewhere
    auth=[KeyCaller(), SessionCaller()],
)
handle_all(api)
api.add_router("/v1", reading.router, tags=["read"])
api.add_router("/v1", acting.router, tags=["act"])
api.add_router("/v1", managing.router, tags=["manage"])

urlpatterns = [path("", api.urls)]
