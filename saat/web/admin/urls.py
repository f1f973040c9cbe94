"""Addresses of the administrators' and auditors' pages, below the desk's."""

from django.urls import path

from saat.web.admin import log, people, unsent

urlpatterns = [
    path("people/", people.everybody, name="people"),
    path("people/add", people.add, name="people_add"),
    path("people/<int:user_id>", people.person, name="people_person"),
    path("people/<int:user_id>/change", people.change, name="people_change"),
    path("people/<int:user_id>/roles/give", people.give, name="people_give"),
    path("people/<int:user_id>/roles/<int:membership_id>/take", people.take, name="people_take"),
    path("people/<int:user_id>/account/<slug:name>", people.account, name="people_account"),
    path("log/", log.page, name="log"),
    path("log/check", log.check, name="log_check"),
    path("log/log.csv", log.as_csv, name="log_csv"),
    path("unsent/", unsent.page, name="unsent"),
    path("unsent/<int:outbox_id>/again", unsent.again, name="unsent_again"),
]
