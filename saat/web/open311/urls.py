"""Addresses below this door; the door itself knows them."""

from django.urls import path

from saat.web.open311.views import open311

urlpatterns = [path("<path:path>", open311, name="open311")]
