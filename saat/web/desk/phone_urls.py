"""Addresses of writing down calls."""

from django.urls import path

from saat.web.desk import phone

urlpatterns = [
    path("", phone.page, name="desk_phone"),
    path("where", phone.where, name="desk_phone_where"),
    path("near", phone.near, name="desk_phone_near"),
    path("code", phone.by_code, name="desk_phone_code"),
    path("<int:request_id>", phone.done, name="desk_phone_done"),
]
