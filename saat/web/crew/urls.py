"""Addresses below this door."""

from django.urls import path

from saat.web.crew import api, pages

urlpatterns = [
    path("", pages.page, name="crew_page"),
    path("start", pages.page, name="crew_start"),
    path("worker.js", pages.worker, name="crew_worker"),
    path("app.webmanifest", pages.manifest, name="crew_manifest"),
    path("api/run", api.run, name="crew_run"),
    path("api/notes", api.note, name="crew_note"),
    path("api/notes/<str:client_id>/photo", api.photo, name="crew_photo"),
    path("api/notes/<str:client_id>/back", api.back, name="crew_back"),
]
