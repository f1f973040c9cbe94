"""The one Django app."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """All tables of Saat."""

    name = "saat.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Saat"
