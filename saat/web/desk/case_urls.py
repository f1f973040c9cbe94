"""Addresses of the case page and of what belongs to one case."""

from django.urls import path

from saat.web.desk import acts, case, duty, proof, redaction, texts

urlpatterns = [
    path("cases/<int:case_id>", case.page, name="desk_case"),
    path("cases/<int:case_id>/act/<slug:name>", acts.act, name="desk_act"),
    path("cases/<int:case_id>/merge", case.merge_preview, name="desk_merge"),
    path("cases/<int:case_id>/prove", proof.prove, name="desk_prove"),
    path("cases/<str:code>", case.by_code, name="desk_case_by_code"),
    path("proofs/", proof.doubtful, name="desk_proofs"),
    path("photos/<int:photo_id>/redact", redaction.redact, name="desk_redact"),
    path("alerts/", duty.alerts, name="desk_alerts"),
    path("alerts/<int:alert_id>/acknowledge", duty.acknowledge, name="desk_acknowledge"),
    path("duty/", duty.page, name="desk_duty"),
    path("duty/plan", duty.plan, name="desk_duty_plan"),
    path("duty/<int:duty_id>/end", duty.end, name="desk_duty_end"),
    path("duty/<int:duty_id>/hand-over", duty.hand, name="desk_duty_hand"),
    path("texts/", texts.page, name="desk_texts"),
    path("texts/<int:text_id>", texts.page, name="desk_text"),
    path("texts/<int:text_id>/delete", texts.delete, name="desk_text_delete"),
]
