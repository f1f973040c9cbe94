"""Addresses of the desk: the work list here, the cases in `case_urls`."""

from django.urls import include, path

urlpatterns = [
    path("", include("saat.web.desk.case_urls")),
]
