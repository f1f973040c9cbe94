"""Addresses of rounds and their plans, below /desk/rounds/."""

from django.urls import path

from saat.web.desk import rounds

urlpatterns = [
    path("", rounds.page, name="desk_rounds"),
    path("new", rounds.add, name="desk_round_add"),
    path("questions/", rounds.questions, name="desk_round_questions"),
    path("questions/<int:question_id>", rounds.settle, name="desk_round_settle"),
    path("<int:round_id>/", rounds.one, name="desk_round"),
    path("<int:round_id>/retire", rounds.retire, name="desk_round_retire"),
]
