"""Addresses of the desk: the work list here, the cases in `case_urls`."""

from django.urls import include, path

urlpatterns = [
    path("report/", include("saat.web.desk.phone_urls")),
    path("", include("saat.web.desk.case_urls")),
]
