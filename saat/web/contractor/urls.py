"""Addresses of signed links."""

from django.urls import path

from saat.web.contractor import answering

urlpatterns = [
    path("<str:token>", answering.page, name="contractor_case"),
    path("<str:token>/prove", answering.prove, name="contractor_prove"),
    path("<str:token>/photos/<int:photo_id>/<slug:size>", answering.photo, name="contractor_photo"),
    path("<str:token>/<slug:name>", answering.act, name="contractor_act"),
]
