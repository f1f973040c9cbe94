"""Addresses of the truck pages, below /desk/trucks/; `live` is answered by `saat.web.trucks_live`."""

from django.urls import path

from saat.web.desk import trucks, trucks_replay, trucks_run, trucks_score

urlpatterns = [
    path("", trucks.page, name="desk_trucks"),
    path("changed.json", trucks.changed, name="desk_trucks_changed"),
    path("ground.json", trucks.ground, name="desk_trucks_ground"),
    path("runs/<int:run_id>", trucks_run.page, name="desk_trucks_run"),
    path("runs/<int:run_id>/stops/<int:sequence>", trucks_run.stop, name="desk_trucks_stop"),
    path("runs/<int:run_id>/stops/<int:sequence>/contest", trucks_run.contest, name="desk_trucks_contest"),
    path(
        "runs/<int:run_id>/stops/<int:sequence>/contests/<int:contest_id>", trucks_run.answer, name="desk_trucks_answer"
    ),
    path("contests", trucks_run.contests, name="desk_trucks_contests"),
    path("replay", trucks_replay.page, name="desk_trucks_replay"),
    path("replay.json", trucks_replay.tracks, name="desk_trucks_tracks"),
    path("score", trucks_score.page, name="desk_trucks_score"),
    path("score.csv", trucks_score.as_csv, name="desk_trucks_score_csv"),
    path("stops", trucks_score.stops, name="desk_trucks_stops"),
    path("stops.csv", trucks_score.stops_csv, name="desk_trucks_stops_csv"),
]
