"""What a proof photo is worth."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.cases.proof import SAME_PHOTO_BITS, ProofFacts, check_proof
from saat.terms.geo import EARTH_RADIUS_M, Point
from saat.terms.policy import example_policy

POLICY = replace(example_policy(), proof_near_m=75.0, proof_fresh_min=30.0)
NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)
MARKET = Point(lat=11.5696, lon=104.9210)
AFTER = 0x9F3C_0018_7E55_A1B2  # the hash of the photo that shows a clean street
GOOD = ProofFacts(
    now=NOW,
    code_drawn_at=NOW - timedelta(minutes=2),
    code_ok=True,
    camera=True,
    phone_point=MARKET,
    phone_accuracy_m=12.0,
    case_point=MARKET,
    photo_hash=AFTER,
    known_hashes=((~AFTER & (1 << 64) - 1, "report", 7),),
)


def ago(**span):
    return NOW - timedelta(**span)


def north(metres):
    return Point(lat=MARKET.lat + math.degrees(metres / EARTH_RADIUS_M), lon=MARKET.lon)


def outcome(code, **difference):
    """Return whether the check passed, why, and its amounts, rounded."""
    (check,) = (check for check in check_proof(replace(GOOD, **difference), POLICY) if check.code == code)
    return check.passed, check.detail, {name: round(amount) for name, amount in check.amounts}


def test_a_photo_taken_on_the_spot_with_the_servers_code_passes_every_check():
    checks = check_proof(GOOD, POLICY)
    assert [(check.code, check.passed) for check in checks] == [
        ("taken_now", True),
        ("near_place", True),
        ("not_seen_before", True),
    ]


@pytest.mark.parametrize(
    ("difference", "passed", "detail"),
    [
        ({}, True, "code_and_camera"),
        ({"code_drawn_at": ago(minutes=30)}, True, "code_and_camera"),
        ({"code_drawn_at": ago(minutes=31)}, False, "code_old"),
        ({"code_ok": False}, False, "code_wrong"),  # used before, or of another case
        ({"code_ok": False, "code_drawn_at": ago(days=3)}, False, "code_wrong"),
        ({"code_drawn_at": None, "code_ok": False}, None, "no_code"),
        ({"code_drawn_at": None, "code_ok": False, "exif_taken_at": ago(minutes=1)}, None, "no_code"),
        # A file from the phone's gallery: its own moment must agree with the code.
        ({"camera": False}, None, "file_without_moment"),
        ({"camera": False, "exif_taken_at": ago(minutes=1)}, True, "code_and_photo_moment"),
        ({"camera": False, "exif_taken_at": ago(days=1)}, False, "photo_old"),
        # The photo says itself that it is old, whatever else agrees.
        ({"exif_taken_at": ago(days=1)}, False, "photo_old"),
        ({"exif_taken_at": ago(days=1), "code_drawn_at": None}, False, "photo_old"),
        # Clocks stray: a few minutes are nobody's lie, and a moment in the future says nothing.
        ({"exif_taken_at": ago(minutes=34)}, True, "code_and_camera"),
        ({"exif_taken_at": ago(minutes=36)}, False, "photo_old"),
        ({"exif_taken_at": ago(hours=-7)}, True, "code_and_camera"),
        ({"camera": False, "exif_taken_at": ago(hours=-7)}, None, "file_without_moment"),
        ({"camera": False, "exif_taken_at": ago(minutes=-4)}, True, "code_and_photo_moment"),
        ({"code_drawn_at": ago(seconds=-3)}, True, "code_and_camera"),  # two servers a few seconds apart
    ],
)
def test_taken_now_is_judged_by_the_servers_clock(difference, passed, detail):
    assert outcome("taken_now", **difference)[:2] == (passed, detail)


def test_an_old_photo_is_shown_with_its_age():
    assert outcome("taken_now", exif_taken_at=ago(days=1)) == (False, "photo_old", {"age_s": 86400})
    assert outcome("taken_now", code_drawn_at=ago(hours=2)) == (False, "code_old", {"age_s": 7200})


def test_a_photo_from_a_clock_that_runs_ahead_is_of_no_age():
    assert outcome("taken_now", camera=False, exif_taken_at=ago(minutes=-4))[2] == {"age_s": 0}


@pytest.mark.parametrize(
    ("difference", "passed", "detail"),
    [
        ({}, True, "phone_near"),
        ({"phone_point": north(70)}, True, "phone_near"),
        ({"phone_point": north(85)}, True, "phone_near"),  # within the phone's twelve metres of doubt
        ({"phone_point": north(90)}, False, "phone_far"),
        ({"phone_point": north(3000)}, False, "phone_far"),
        ({"phone_point": north(90), "phone_accuracy_m": None}, False, "phone_far"),
        ({"phone_point": north(90), "phone_accuracy_m": -5.0}, False, "phone_far"),
        ({"phone_point": north(72), "phone_accuracy_m": -5.0}, True, "phone_near"),
        # An inexact phone cannot pass, and fails only where it was surely elsewhere.
        ({"phone_accuracy_m": 800.0}, None, "phone_inexact"),
        ({"phone_point": north(500), "phone_accuracy_m": 800.0}, None, "phone_inexact"),
        ({"phone_point": north(5000), "phone_accuracy_m": 800.0}, False, "phone_far"),
        # The photo's own place.
        ({"phone_point": None, "photo_point": north(20)}, True, "photo_near"),
        ({"phone_point": None, "photo_point": north(400)}, False, "photo_far"),
        ({"photo_point": north(400)}, False, "photo_far"),  # near phone, but a photo of another place
        ({"photo_point": north(20), "phone_point": north(3000)}, False, "phone_far"),  # camera here, place elsewhere
        # A dispatcher sends from the office what the crew took on the spot.
        ({"photo_point": north(20), "phone_point": north(3000), "camera": False}, True, "photo_near"),
        ({"phone_point": north(3000), "camera": False}, False, "phone_far"),
        # Nothing to judge by.
        ({"phone_point": None}, None, "no_place"),
        ({"case_point": None}, None, "case_without_place"),
    ],
)
def test_near_place_weighs_the_photos_place_and_the_phones(difference, passed, detail):
    assert outcome("near_place", **difference)[:2] == (passed, detail)


def test_a_photo_from_elsewhere_is_shown_with_its_distance():
    assert outcome("near_place", photo_point=north(400)) == (False, "photo_far", {"distance_m": 400})
    assert outcome("near_place", phone_point=north(3000)) == (
        False,
        "phone_far",
        {"distance_m": 3000, "accuracy_m": 12},
    )


def differing(bits):
    return AFTER ^ ((1 << bits) - 1)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ((), (True, "first_photo", {})),
        (((AFTER, "report", 7),), (False, "seen_in_report", {"bits": 0, "case_id": 7})),
        (((differing(6), "proof", 3),), (False, "seen_in_proof", {"bits": 6, "case_id": 3})),
        (((differing(7), "proof", 3),), (True, "new_photo", {"bits": 7})),
        # The nearest is named, and of equally near ones the oldest case.
        (
            ((differing(5), "report", 7), (differing(1), "proof", 3), (differing(1), "report", 9)),
            (False, "seen_in_proof", {"bits": 1, "case_id": 3}),
        ),
    ],
)
def test_a_photo_that_was_seen_before_is_found_and_named(known, expected):
    assert outcome("not_seen_before", known_hashes=known) == expected


def test_a_photo_without_a_hash_cannot_be_compared():
    assert outcome("not_seen_before", photo_hash=None) == (None, "no_likeness", {})


HASHES = st.integers(0, (1 << 64) - 1)


@given(HASHES, st.sets(st.integers(0, 63)))
def test_likeness_counts_the_bits_in_which_two_photos_differ(photo_hash, flipped):
    known = photo_hash
    for bit in flipped:
        known ^= 1 << bit
    passed, _, amounts = outcome("not_seen_before", photo_hash=photo_hash, known_hashes=((known, "report", 7),))
    assert amounts["bits"] == len(flipped)
    assert passed == (len(flipped) > SAME_PHOTO_BITS)


@given(HASHES, HASHES)
def test_hashes_that_a_database_keeps_as_signed_numbers_are_compared_alike(one, other):
    def signed(value):
        return value - (1 << 64) if value >> 63 else value

    unsigned = outcome("not_seen_before", photo_hash=one, known_hashes=((other, "report", 7),))
    assert outcome("not_seen_before", photo_hash=signed(one), known_hashes=((signed(other), "report", 7),)) == unsigned
    assert outcome("not_seen_before", photo_hash=one, known_hashes=((signed(other), "report", 7),)) == unsigned


MAYBE_MOMENT = st.none() | st.integers(-100_000, 100_000).map(lambda later_s: NOW + timedelta(seconds=later_s))
MAYBE_POINT = (
    st.none() | st.builds(Point, lat=st.floats(-90, 90), lon=st.floats(-180, 180)) | st.floats(0, 300).map(north)
)
FACTS = st.builds(
    ProofFacts,
    now=st.just(NOW),
    code_drawn_at=MAYBE_MOMENT,
    code_ok=st.booleans(),
    camera=st.booleans(),
    exif_taken_at=MAYBE_MOMENT,
    photo_point=MAYBE_POINT,
    phone_point=MAYBE_POINT,
    phone_accuracy_m=st.none() | st.floats(-10, 1e6),
    case_point=MAYBE_POINT,
    photo_hash=st.none() | HASHES,
    known_hashes=st.lists(
        st.tuples(HASHES, st.sampled_from(["report", "proof"]), st.integers(1, 1000)), max_size=3
    ).map(tuple),
)


@given(FACTS)
def test_whatever_a_phone_sends_is_judged_and_never_refused(facts):
    checks = check_proof(facts, POLICY)
    assert [check.code for check in checks] == ["taken_now", "near_place", "not_seen_before"]
    assert all(amount >= 0 for check in checks for _, amount in check.amounts)


@given(FACTS)
def test_no_photo_is_taken_now_without_the_servers_own_code(facts):
    taken_now = check_proof(replace(facts, code_ok=False), POLICY)[0]
    assert taken_now.passed is not True


@given(FACTS)
def test_no_photo_is_near_without_a_place_that_says_so(facts):
    near_place = check_proof(replace(facts, photo_point=None, phone_point=None), POLICY)[1]
    assert near_place.passed is None
