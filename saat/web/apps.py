"""Makes the doors known to Django."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The doors for people and machines."""

    name = "saat.web"

    def ready(self) -> None:
        # Imported when all models are there.
        from saat.web import account_events

        account_events.listen()
