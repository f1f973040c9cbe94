"""Addresses below this door."""

from django.urls import path

from saat.web import photos

urlpatterns = [
    path("photos/<int:photo_id>/<slug:size>", photos.photo, name="photo"),
]
