"""A city as data: what a policy file may say, and that every mistake in it is named."""

import copy
import json
import tomllib
from contextlib import suppress
from datetime import date, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.terms.case import Role, ServiceLevel, Urgency
from saat.terms.policy import (
    CityPolicy,
    DuplicateRule,
    PolicyError,
    due_span,
    example_policy,
    policy_from,
    read_policy,
)

CITIES = sorted((Path(__file__).parents[2] / "cities").glob("*.toml"))
PHNOM_PENH = (Path(__file__).parents[2] / "cities" / "phnom-penh.toml").read_text(encoding="utf-8")
DATA = tomllib.loads(PHNOM_PENH)


def changed(**entries):
    """Return Phnom Penh's policy as plain data with some entries in place of its own; None takes one out."""
    data = {**copy.deepcopy(DATA), **entries}
    return {key: value for key, value in data.items() if value is not None}


def with_category(**entries):
    first, *rest = copy.deepcopy(DATA["category"])
    first = {key: value for key, value in {**first, **entries}.items() if value is not None}
    return changed(category=[first, *rest])


@pytest.mark.parametrize("path", CITIES, ids=lambda path: path.stem)
def test_every_city_of_ours_is_sound(path):
    policy = read_policy(path.read_text(encoding="utf-8"))
    assert policy.categories
    assert policy.closing_reasons
    assert {step.when for step in policy.escalation} == {"untaken", "overdue"}
    for category in policy.categories:
        for language in policy.languages:
            assert category.name[language]
            assert category.description[language]
    for reason in policy.closing_reasons:
        assert set(policy.languages) <= set(reason.text)


def test_phnom_penh_reads_as_it_is_written():
    policy = read_policy(PHNOM_PENH, holidays=frozenset({date(2026, 4, 14)}))
    assert policy.jurisdiction_id == "phnompenh.kh"
    assert policy.languages == ("km", "en")
    assert policy.hours.zone == "Asia/Phnom_Penh"
    assert policy.hours.days[0] == ((time(7, 30), time(11, 30)), (time(14), time(17, 30)))
    assert policy.hours.holidays == {date(2026, 4, 14)}
    assert policy.duplicates == DuplicateRule()
    assert policy.service_levels == {ServiceLevel.USUAL: 1.0, ServiceLevel.RAISED: 0.5, ServiceLevel.HIGHEST: 0.25}
    assert policy.category("danger").urgency is Urgency.DANGER
    assert policy.category("danger").round_the_clock
    assert policy.escalation[0].role is Role.KHAN_OFFICER
    assert [attribute.code for attribute in policy.category("missed-collection").attributes] == ["how_long"]


def test_a_policy_kept_as_json_reads_the_same():
    assert policy_from(json.loads(json.dumps(DATA, default=str))) == policy_from(DATA)


def test_own_holidays_are_added_to_the_country_s():
    data = changed(holidays=["2026-11-24", date(2026, 11, 25)])
    assert policy_from(data, holidays=frozenset({date(2026, 1, 1)})).hours.holidays == {
        date(2026, 1, 1),
        date(2026, 11, 24),
        date(2026, 11, 25),
    }


def test_what_a_policy_leaves_out_has_its_usual_value():
    policy = example_policy()
    assert policy.retention_days == 365
    assert policy.duplicates == DuplicateRule()
    assert policy.hours.holidays == frozenset()
    assert policy.category("pile").group == "rubbish"


def test_a_category_is_found_by_its_code_or_named_as_missing():
    policy = example_policy()
    assert policy.has_category("pile")
    assert not policy.has_category("piles")
    with pytest.raises(KeyError, match="piles"):
        policy.category("piles")


@pytest.mark.parametrize(
    ("names", "language", "text"),
    [
        ({"km": "ផ្លូវ", "en": "Street"}, "en", "Street"),
        ({"km": "ផ្លូវ", "en": "Street"}, "th", "ផ្លូវ"),
        ({"en": "Street"}, "th", "Street"),
        ({"en": "Street", "km": ""}, "km", "Street"),
        ({}, "km", ""),
    ],
)
def test_says_a_text_in_the_wanted_language_or_the_nearest(names, language, text):
    assert example_policy().say(names, language) == text


def test_homes_are_shown_more_coarsely_than_streets():
    policy = example_policy()
    assert policy.grid_m("missed") == policy.home_grid_m > policy.grid_m("pile") == policy.public_grid_m
    assert policy.grid_m("unknown") == policy.public_grid_m


def test_the_promise_of_a_place_is_its_share_of_the_category_s():
    assert due_span(example_policy().category("pile"), 0.25) == timedelta(hours=2)


MISTAKES = {
    "not TOML": ("= 1", "not valid TOML"),
    "no languages": (changed(languages=[]), "at least one language"),
    "languages that are no text": (changed(languages=[1, 2]), "`languages`"),
    "languages missing": (changed(languages=None), "`languages` is missing"),
    "languages as text": (changed(languages="km"), "`languages` must be a list"),
    "a code with spaces": (changed(jurisdiction_id="Phnom Penh"), "lower-case"),
    "a code with a line break": (changed(jurisdiction_id="phnompenh.kh\n"), "lower-case"),
    "the centre turned round": (changed(centre=[104.9, 11.5]), "Latitude must be"),
    "half a centre": (changed(centre=[11.5]), r"\[latitude, longitude\]"),
    "a centre of words": (changed(centre=["north", "east"]), r"\[latitude, longitude\]"),
    "a question twice": (
        with_category(attribute=[{"code": "a", "text": {"km": "?"}}] * 2),
        "`attribute.code` stands twice: a",
    ),
    "no category": (changed(category=None), r"no \[\[category\]\]"),
    "a category that is no table": (changed(category=["pile"]), r"category\[0\]"),
    "a category twice": (changed(category=[*DATA["category"], DATA["category"][0]]), "stands twice.*pile"),
    "a name without the city's language": (changed(name={"en": "Phnom Penh"}), "own language, 'km'"),
    "a name that is a number": (changed(name=5), "`name` must give a text a language"),
    "a misspelt entry": (changed(retentoin_days=5), "unknown entries retentoin_days"),
    "an unknown zone": (changed(time_zone="Asia/Phnom Penh"), "IANA name"),
    "a zone that is a region": (changed(time_zone="Asia"), "IANA name"),
    "no hours": (changed(hours={}), "never works"),
    "an unknown day": (changed(hours={"monday": ["07:30-11:30"]}), "'monday' is no weekday"),
    "a span that ends before it starts": (changed(hours={"mon": ["11:30-07:30"]}), "ends before it starts"),
    "a span without an end": (changed(hours={"mon": ["07:30"]}), "is no span"),
    "a span that is no time": (changed(hours={"mon": ["7-11"]}), "is no span"),
    "spans that overlap": (changed(hours={"mon": ["07:30-11:30", "11:00-12:00"]}), "overlap"),
    "a day without a list": (changed(hours={"mon": "07:30-11:30"}), "`mon` must be a list"),
    "a holiday that is no date": (changed(holidays=["Khmer New Year"]), "is no date"),
    "retention of no days": (changed(retention_days=0), "whole number from 1"),
    "half a photo": (changed(max_photos=1.5), "whole number"),
    "a negative grid": (changed(public_grid_m=-1), "not negative"),
    "a grid without end": (changed(home_grid_m=float("inf")), "`home_grid_m`"),
    "a grid that is no number": (changed(home_grid_m="wide"), "must be a number"),
    "yes for a number": (changed(ack_min=True), "must be a number"),
    "a number for yes": (changed(photos_public=1), "`photos_public` must be a bool"),
    "join below suggest": (changed(duplicates={"join": 0.4, "suggest": 0.5}), "0 < suggest <= join <= 1"),
    "a radius of kilometres": (changed(duplicates={"radius_m": 60_000}), "radius_m"),
    "a misspelt duplicate rule": (changed(duplicates={"radius": 60}), "unknown entries radius"),
    "a share of more than all": (changed(service_levels={"raised": 2}), "share above 0"),
    "an unknown service level": (changed(service_levels={"golden": 1}), "unknown entries golden"),
    "an unknown escalation": (
        changed(escalation=[{"when": "tired", "after_min": 5, "role": "director"}]),
        '"untaken" or "overdue"',
    ),
    "a negative wait": (
        changed(escalation=[{"when": "untaken", "after_min": -5, "role": "director"}]),
        "not negative",
    ),
    "an unknown role": (
        changed(escalation=[{"when": "untaken", "after_min": 5, "role": "king"}]),
        "`role` must be one of",
    ),
    "a reason without code": (changed(closing_reason=[{"text": {"km": "…"}}]), "`code` is missing"),
    "a reason twice": (changed(closing_reason=[DATA["closing_reason"][0]] * 2), "stands twice"),
    "a service code in capitals": (with_category(service_code="Pile"), "lower-case"),
    "no promise": (with_category(due_h=0), "due_h"),
    "a promise of words": (with_category(due_h="soon"), "must be a number"),
    "a promise without end": (with_category(due_h=float("inf")), "due_h"),
    "the promise missing": (with_category(due_h=None), "due_h"),
    "an unknown urgency": (with_category(urgency="very"), "`urgency` must be one of low, normal, high, danger"),
    "words that are no text": (with_category(words=[5]), "`words`"),
    "an unknown question": (
        with_category(attribute=[{"code": "a", "text": {"km": "?"}, "datatype": "colour"}]),
        "`datatype` must be one of",
    ),
    "rounds of an unknown category": (changed(rounds={"service_code": "snow"}), "`service_code` must be one of"),
    "an alarm below its end": (changed(rounds={"alert_p": 0.3, "quiet_p": 0.5}), "0 < quiet_p <= alert_p < 1"),
    "a stall of no time": (changed(rounds={"stalled_min": 0}), "`stalled_min` must be at least 1"),
    "more trackers than all": (changed(rounds={"feed_share": 1.5}), "share above 0"),
    "a misspelt round rule": (changed(rounds={"grace": 15}), "unknown entries grace"),
    "a list without values": (
        with_category(attribute=[{"code": "a", "text": {"km": "?"}, "datatype": "singlevaluelist"}]),
        "needs its",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(mistake):
    data, sentence = MISTAKES[mistake]
    with pytest.raises(PolicyError, match=sentence):
        read_policy(data) if isinstance(data, str) else policy_from(data)


@given(
    st.sampled_from(sorted(DATA)),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_whatever_stands_in_an_entry_the_policy_is_read_or_the_mistake_is_named(key, value):
    with suppress(PolicyError):
        assert isinstance(policy_from(changed(**{key: value})), CityPolicy)
