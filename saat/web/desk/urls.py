"""Addresses of the desk: the work list here, the cases in `case_urls`."""

from django.urls import include, path

from saat.web.desk import bulk, crewphoto, exports, filters, mapdata, worklist

urlpatterns = [
    path("", worklist.page, name="desk_list"),
    path("rows", worklist.rows, name="desk_rows"),
    path("step", worklist.step, name="desk_step"),
    path("undo", worklist.undo, name="desk_undo"),
    path("map.json", mapdata.cases, name="desk_map"),
    path("streets.json", mapdata.streets, name="desk_streets"),
    path("export.csv", exports.as_csv, name="desk_csv"),
    path("export.geojson", exports.as_geojson, name="desk_geojson"),
    path("filters/save", filters.save, name="desk_filter_save"),
    path("filters/<int:filter_id>/forget", filters.forget, name="desk_filter_forget"),
    path("filters/<int:filter_id>/open-with", filters.open_with, name="desk_filter_open_with"),
    path("bulk/preview", bulk.preview, name="desk_bulk"),
    path("bulk/apply", bulk.apply, name="desk_bulk_apply"),
    path("bulk/<slug:key>", bulk.result, name="desk_bulk_result"),
    path("rounds/", include("saat.web.desk.rounds_urls")),
    path("trucks/", include("saat.web.desk.trucks_urls")),
    path("devices/", include("saat.web.desk.devices_urls")),
    path("crew-notes/<int:note_id>/photo/<slug:size>", crewphoto.photo, name="desk_crew_photo"),
    path("report/", include("saat.web.desk.phone_urls")),
    path("", include("saat.web.desk.case_urls")),
]
