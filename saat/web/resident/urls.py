"""Addresses below this door."""

from django.urls import path

from saat.web import photos
from saat.web.resident import report, shell, stops, tracking

urlpatterns = [
    path("", report.page, name="resident_page"),
    path("send", report.send, name="resident_send"),
    path("near", report.near, name="resident_near"),
    path("r/", tracking.look_up, name="look_up"),
    path("r/<str:key>", tracking.tracking, name="tracking"),
    path("r/<str:key>/<slug:what>", tracking.act, name="tracking_act"),
    path("stops/", stops.look_up, name="stops"),
    path("stops/<str:number>.ics", stops.as_calendar, name="stop_ics"),
    path("stops/<str:number>", stops.page, name="stop"),
    path("stops/<str:number>/poster", stops.poster, name="stop_poster"),
    path("photos/<int:photo_id>/<slug:size>", photos.photo, name="photo"),
    path("areas.json", shell.ground, name="ground"),
    path("worker.js", shell.worker, name="worker"),
    path("app.webmanifest", shell.manifest, name="manifest"),
    path("too-large", shell.too_large, name="too_large"),
]
