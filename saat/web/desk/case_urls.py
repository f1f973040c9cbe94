"""Addresses of the case page and of what belongs to one case."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
