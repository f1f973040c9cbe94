"""Signing in and out, passkeys, one-time codes and the list of one's sessions."""

from django.urls import include, path

urlpatterns = [
    path("", include("allauth.urls")),
]
