"""`python -m saat.stream`: the outbox, the deadline clock and the webhooks, beside the web process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import django


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saat.config.settings")
    django.setup()

    # Imported after set-up: they read models.
    from django.conf import settings
    from django.utils import timezone

    from saat.actions import access, clock, links
    from saat.actions.finishing import freeze_due
    from saat.links.email.client import email_client
    from saat.links.mqtt import broker_of
    from saat.links.webhook.client import webhook_client
    from saat.records.position_log import position_log
    from saat.stream import sender
    from saat.stream.letters import Desk
    from saat.stream.positions import Intake, MqttListener, poll_feeds, positions_kept
    from saat.stream.runner import Job, Runner

    desk = Desk(
        url=settings.PUBLIC_URL,
        answer_link=lambda case_id, contractor_id: links.answer_url(
            case_id=case_id, contractor_id=contractor_id, now=timezone.now(), url=settings.PUBLIC_URL
        ),
    )
    mail = email_client(
        os.environ.get("EMAIL_URL", ""), folder=Path(settings.VAR) / "mail", sender=settings.DEFAULT_FROM_EMAIL
    )
    hooks = webhook_client(private_allowed=os.environ.get("SAAT_WEBHOOK_PRIVATE") == "1")
    daily = Daily(lambda: clock.forget_due(now=timezone.now()), timezone.now)
    positions = position_log()
    tracks = Daily(lambda: positions_kept(positions, now=timezone.now()), timezone.now)
    intake = Intake()
    listener = MqttListener(broker_of(os.environ["MQTT_URL"]), intake) if os.environ.get("MQTT_URL") else None
    runner = Runner(
        [
            Job(
                name="letters",
                run=lambda: sender.send_letters(client=mail, desk=desk, now=timezone.now),
                every_s=1.0,
            ),
            Job(
                name="webhooks",
                run=lambda: (
                    access.fan_out_webhooks(now=timezone.now()) + sender.send_webhooks(client=hooks, now=timezone.now)
                ),
                every_s=1.0,
            ),
            Job(name="escalation", run=lambda: clock.escalate_due(now=timezone.now()), every_s=2.0),
            Job(name="alerts", run=lambda: clock.pass_on_alerts(now=timezone.now()), every_s=2.0),
            Job(name="freeze", run=lambda: freeze_due(now=timezone.now()), every_s=60.0),
            Job(name="retention", run=daily, every_s=300.0),
            Job(name="tracks", run=tracks, every_s=300.0),
            Job(name="position feeds", run=lambda: poll_feeds(intake) and 0, every_s=30.0),
        ]
    )
    stopped = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stopped.set())
    runner.start()
    if listener:
        listener.start()
    stopped.wait()
    if listener:
        listener.stop()
    runner.stop()
    intake.stop()


class Daily:
    """Runs something at the start and then once in 24 hours; what failed is tried again at the next call."""

    def __init__(self, run: Callable[[], int], now: Callable[[], datetime]) -> None:
        self._run, self._now = run, now
        self._next: datetime | None = None

    def __call__(self) -> int:
        """Run if it is time; return 0, because there is never more to do at once."""
        now = self._now()
        if self._next is None or now >= self._next:
            self._run()
            self._next = now + timedelta(days=1)
        return 0


if __name__ == "__main__":
    main()
