"""Keys, quotas and webhook endpoints: who may make them, what they allow, and what is written down."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Sum

from saat.actions import access, outbox, quotas
from saat.actions.cases import change_case, close_case, take_case
from saat.actions.log import COMMAND, Actor, NotAllowed, NotFound
from saat.actions.webhooks import fan_out_webhooks
from saat.links.webhook.client import WebhookNotSent
from saat.records import queries_access
from saat.records.models import ApiKey, ApiUse, Event, Outbox, WebhookEndpoint
from saat.records.queries_webhooks import delivery_of
from saat.stream import sender
from saat.terms.case import Role
from tests.city import AT_HOSPITAL, AT_RIVER, MONDAY_MORNING, make_user, new_report
from tests.hall import make_hall

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall():
    return make_hall()


def later(**span):
    return MONDAY_MORNING + timedelta(**span)


def new_key(hall, **limits):
    return access.make_key(city=hall.city, name="FixMyStreet", now=MONDAY_MORNING, by=COMMAND, **limits)


def test_a_key_is_shown_once_and_only_its_digest_is_kept(hall):
    made = new_key(hall)
    assert made.secret.startswith("saat_")
    kept = ApiKey.objects.get()
    assert made.secret not in str(list(ApiKey.objects.values()))
    assert kept.key_sha256 == queries_access.digest_of(made.secret)
    event = Event.objects.get(kind="key_made")
    assert (event.subject, event.facts["trusted"]) == (f"api_key:{kept.pk}", False)
    assert made.secret not in event.facts_json


def test_a_key_is_known_until_it_is_revoked_and_a_little_longer_in_memory(hall):
    made = new_key(hall)
    assert queries_access.key_of(made.secret, now=MONDAY_MORNING).city == hall.city
    access.revoke_key(key_id=made.key.pk, now=later(seconds=1), by=COMMAND)
    access.revoke_key(key_id=made.key.pk, now=later(seconds=9), by=COMMAND)
    assert queries_access.key_of(made.secret, now=later(seconds=1)) is not None, "as it was two seconds ago"
    assert queries_access.key_of(made.secret, now=MONDAY_MORNING + queries_access.KEPT) is None
    assert Event.objects.filter(kind="key_revoked").count() == 1
    assert queries_access.key_of("saat_wrong", now=MONDAY_MORNING) is None
    assert queries_access.key_of("", now=MONDAY_MORNING) is None


@pytest.mark.parametrize("who", ["kandal", "duty", "director", "auditor", "north"])
def test_only_an_administrator_gives_keys_and_addresses(hall, who):
    made, by = new_key(hall), hall.by(who)
    endpoint = access.add_webhook(city=hall.city, url="https://hooks.example/", now=MONDAY_MORNING, by=COMMAND)
    for act in (
        lambda: access.make_key(city=hall.city, name="Mine", now=MONDAY_MORNING, by=by),
        lambda: access.revoke_key(key_id=made.key.pk, now=MONDAY_MORNING, by=by),
        lambda: access.add_webhook(city=hall.city, url="https://hooks.example/", now=MONDAY_MORNING, by=by),
        lambda: access.remove_webhook(endpoint_id=endpoint.pk, now=MONDAY_MORNING, by=by),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert queries_access.keys_for(hall.people[who], hall.city) == []
    assert queries_access.webhooks_for(hall.people[who], hall.city) == []


def test_the_administrator_sees_and_gives(hall):
    administrator = make_user(hall.city, Role.ADMINISTRATOR)
    by = Actor.of(administrator)
    made = access.make_key(city=hall.city, name="Ministry", now=MONDAY_MORNING, by=by, trusted=True)
    endpoint = access.add_webhook(city=hall.city, url="https://hooks.example/", now=MONDAY_MORNING, by=by)
    assert queries_access.keys_for(administrator, hall.city) == [made.key]
    assert queries_access.webhooks_for(administrator, hall.city) == [endpoint]
    assert len(endpoint.secret) == 64


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": " \u200b "}, "name"), ({"email": "nobody"}, "email"), ({"per_minute": 0}, "per_minute")],
)
def test_a_key_that_cannot_be_is_refused(hall, changes, field):
    with pytest.raises(access.AccessRefused) as caught:
        access.make_key(**({"city": hall.city, "name": "A", "now": MONDAY_MORNING, "by": COMMAND} | changes))
    assert caught.value.field == field


def test_unknown_keys_and_addresses_are_not_found():
    with pytest.raises(NotFound):
        access.revoke_key(key_id=999, now=MONDAY_MORNING, by=COMMAND)
    with pytest.raises(NotFound):
        access.remove_webhook(endpoint_id=999, now=MONDAY_MORNING, by=COMMAND)


def test_a_key_is_held_to_its_minute_and_free_again_in_the_next(hall):
    key = new_key(hall, per_minute=3).key
    for _ in range(3):
        access.count_use(key=key, now=MONDAY_MORNING)
    with pytest.raises(access.QuotaExceeded, match="3 times a minute") as caught:
        access.count_use(key=key, now=later(seconds=20))
    assert caught.value.retry_after_s == 40
    access.count_use(key=key, now=later(seconds=60))


def test_a_key_is_held_to_its_day(hall):
    key = new_key(hall, per_day=5).key
    for minute in range(5):
        access.count_use(key=key, now=later(minutes=minute))
    with pytest.raises(access.QuotaExceeded, match="5 times a day") as caught:
        access.count_use(key=key, now=later(minutes=6))
    assert caught.value.retry_after_s == 21 * 3600 - 6 * 60
    access.count_use(key=key, now=later(hours=21))


def test_uses_are_written_once_a_second_and_none_is_lost(hall):
    key = new_key(hall).key
    for tenth in range(35):
        access.count_use(key=key, now=MONDAY_MORNING + tenth * timedelta(seconds=0.1))
    access.count_use(key=key, now=later(minutes=1))
    access.count_use(key=key, now=later(minutes=1, seconds=2))
    by_span = dict(ApiUse.objects.values_list("span").annotate(Sum("count")))
    assert by_span == {"minute": 36, "day": 36}, "all but the very last, which is still in memory"
    assert ApiUse.objects.get(span="minute", starts_at=MONDAY_MORNING).count == 35


def test_what_other_processes_counted_counts(hall):
    key = new_key(hall, per_minute=10).key
    access.count_use(key=key, now=MONDAY_MORNING)
    ApiUse.objects.create(api_key=key, span="minute", starts_at=MONDAY_MORNING, count=9)
    access.count_use(key=key, now=MONDAY_MORNING + quotas.WRITE_EVERY / 2)
    with pytest.raises(access.QuotaExceeded):
        access.count_use(key=key, now=MONDAY_MORNING + quotas.WRITE_EVERY)


@pytest.mark.parametrize(
    "url",
    ["", "hooks.example", "ftp://hooks.example/", "http://", "https://user:word@hooks.example/", "http://a b.example/",
     "http://hooks.example:port/", "https://hooks.example/\n", "https://" + "a" * 500 + ".example/"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(hall, url):
    if url.endswith("\n"):
        url = "https://hooks.exa\nmple/"
    with pytest.raises(access.AccessRefused):
        access.add_webhook(city=hall.city, url=url, now=MONDAY_MORNING, by=COMMAND)


def test_an_endpoint_is_told_of_everything_after_its_making_once(hall):
    hall.report()
    endpoint = access.add_webhook(city=hall.city, url="https://hooks.example/", now=MONDAY_MORNING, by=COMMAND)
    assert fan_out_webhooks(now=MONDAY_MORNING) == 0
    case = hall.case(new_report(point=AT_HOSPITAL))
    take_case(case_id=case.pk, now=later(minutes=1), by=hall.by("duty"))
    queued = fan_out_webhooks(now=later(minutes=2))
    told = list(Event.objects.filter(pk__gt=Event.objects.get(kind="webhook_added").pk).values_list("pk", flat=True))
    assert queued == len(told) > 0
    assert [row.facts for row in Outbox.objects.filter(kind="webhook").order_by("pk")] == [
        {"endpoint": endpoint.pk, "event": pk} for pk in told
    ]
    assert fan_out_webhooks(now=later(minutes=3)) == 0
    WebhookEndpoint.objects.update(last_event_id=0)
    fan_out_webhooks(now=later(minutes=4))
    keys = Outbox.objects.filter(kind="webhook").values_list("dedupe_key", flat=True)
    of_cases = Event.objects.filter(case_id__isnull=False).count()
    assert len(set(keys)) == len(keys) == of_cases, "even one that forgot is told of each event once"


def test_an_endpoint_hears_of_the_kinds_it_asked_for(hall):
    access.add_webhook(
        city=hall.city, url="https://hooks.example/", kinds=("case_closed", " "), now=MONDAY_MORNING, by=COMMAND
    )
    case = hall.case()
    close_case(case_id=case.pk, now=later(minutes=1), by=hall.by("duty"))
    assert fan_out_webhooks(now=later(minutes=2)) == 1
    assert WebhookEndpoint.objects.get().last_event_id == Event.objects.latest("pk").pk


def test_nothing_is_sent_to_an_endpoint_that_was_removed(hall):
    endpoint = access.add_webhook(city=hall.city, url="https://hooks.example/", now=MONDAY_MORNING, by=COMMAND)
    hall.report()
    fan_out_webhooks(now=later(minutes=1))
    access.remove_webhook(endpoint_id=endpoint.pk, now=later(minutes=2), by=COMMAND)
    row = Outbox.objects.filter(kind="webhook").first()
    assert delivery_of(row.facts) is None
    hall.report(new_report(point=AT_HOSPITAL))
    assert fan_out_webhooks(now=later(minutes=3)) == 0


def test_a_webhook_tells_facts_and_nothing_of_a_person_or_an_exact_place(hall):
    access.add_webhook(city=hall.city, url="https://hooks.example/", now=MONDAY_MORNING, by=COMMAND)
    case = hall.case()
    take_case(case_id=case.pk, now=later(minutes=1), by=hall.by("duty"))
    change_case(case_id=case.pk, point=AT_RIVER, address="House 12", now=later(minutes=2), by=hall.by("duty"))
    fan_out_webhooks(now=later(minutes=3))
    told = [delivery_of(row.facts) for row in Outbox.objects.filter(kind="webhook").order_by("pk")]
    changed = next(one for one in told if one.kind == "case_changed")
    assert changed.data["case_code"].replace("-", "") == case.code
    assert changed.data["facts"]["after"]["area_id"] == hall.ground.sangkats["Tonle Bassac"].pk
    assert changed.actor == "user"
    for one in told:
        text = str(one.data)
        for secret in (str(AT_RIVER.lat), str(AT_RIVER.lon), "House", "'owner", "'lat", "'address"):
            assert secret not in text, (secret, text)


def moment(at):
    """Return a clock that stands still."""
    return lambda: at


class Failing:
    """An address that takes nothing until it is mended."""

    def __init__(self) -> None:
        self.broken, self.got = True, []

    def send(self, delivery, *, now):
        if self.broken:
            raise WebhookNotSent("The address answered 500.")
        self.got.append((delivery.event_id, now))


def test_what_was_not_taken_is_tried_again_with_growing_waits_and_then_arrives_once(hall):
    access.add_webhook(
        city=hall.city, url="https://hooks.example/", kinds=("case_opened",), now=MONDAY_MORNING, by=COMMAND
    )
    hall.report()
    fan_out_webhooks(now=MONDAY_MORNING)
    client, now = Failing(), MONDAY_MORNING
    for wait_s in outbox.BACKOFF_S[:3]:
        assert sender.send_webhooks(client=client, now=moment(now)) == 1
        row = Outbox.objects.get(kind="webhook")
        assert (row.last_error, row.next_try_at) == ("The address answered 500.", now + timedelta(seconds=wait_s))
        assert sender.send_webhooks(client=client, now=moment(now)) == 0, "not before its time"
        now = row.next_try_at
    client.broken = False
    assert sender.send_webhooks(client=client, now=lambda: now) == 1
    assert sender.send_webhooks(client=client, now=lambda: now) == 0
    assert client.got == [(f"phnompenh.kh-{Event.objects.get(kind='case_opened').seq}", now)]
    assert Outbox.objects.get(kind="webhook").sent_at == now
