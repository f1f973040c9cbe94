"""Addresses of what is given away."""

from django.urls import path

from saat.web.feeds import rounds, stop

urlpatterns = [
    path("feeds/ngsi-ld/context.jsonld", rounds.context, name="feed_context"),
    path("feeds/<str:jurisdiction_id>/trip-updates.pb", rounds.trip_updates, name="feed_trips"),
    path("feeds/<str:jurisdiction_id>/vehicle-positions.pb", rounds.vehicle_positions, name="feed_vehicles"),
    path("feeds/<str:jurisdiction_id>/gtfs.zip", rounds.timetable, name="feed_timetable"),
    path("feeds/<str:jurisdiction_id>/ngsi-ld/entities", rounds.entities, name="feed_entities"),
    path("stops/<str:number>.json", stop.stop, name="stop_json"),
]
