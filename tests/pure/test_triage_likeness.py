"""Whether two reports tell of the same trouble: what decides, what must never, and that the parts explain the score."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.terms.duplicates import Candidate
from saat.terms.geo import Point, degrees_around
from saat.terms.policy import DuplicateRule
from saat.triage.likeness import ASPECTS, WEIGHTS, compare, duplicates_of, likeness

RULE = DuplicateRule(radius_m=60, window_h=72, join=0.72, suggest=0.45)
NOON = datetime(2026, 3, 2, 5, tzinfo=UTC)
MARKET = Point(lat=11.5564, lon=104.9282)
PICTURE, OTHER_PICTURE = 0x8F3C_55AA_0FF0_1234, 0x70C3_AA55_0FF0_EDCB
SOFA = "Broken blue sofa and bricks behind the Olympic market, near the pharmacy"

CASE = Candidate(
    case_id=1,
    service_code="pile",
    group="rubbish",
    point=MARKET,
    area_id=5,
    first_at=NOON - timedelta(hours=3),
    last_at=NOON - timedelta(hours=2),
)
NEW = replace(CASE, case_id=0, first_at=NOON, last_at=NOON)


def east(metres):
    return Point(lat=MARKET.lat, lon=MARKET.lon + metres / 109_000)


def score(new=NEW, case=CASE, **changes):
    return likeness(replace(new, **changes), case, RULE).score


def joins(**changes):
    return score(**changes) >= RULE.join


def is_shown(**changes):
    return score(**changes) >= RULE.suggest


def test_the_same_place_and_category_within_hours_joins_without_photo_or_words():
    assert joins()
    assert joins(point=east(15))
    assert joins(point=east(30))


def test_half_way_to_the_edge_of_the_radius_a_person_decides():
    assert not joins(point=east(50))
    assert is_shown(point=east(50))


def test_beyond_the_radius_nothing_is_the_same_whatever_the_photo_says():
    far = replace(NEW, point=east(61), photo_hashes=(PICTURE,), words=SOFA)
    found = likeness(far, replace(CASE, photo_hashes=(PICTURE,), words=SOFA), RULE)
    assert found.score == 0
    assert found.distance_m == pytest.approx(61, abs=1)
    assert found.parts == tuple((aspect, 0.0) for aspect in ASPECTS)


def test_beyond_the_window_nothing_is_the_same():
    assert score(first_at=NOON + timedelta(hours=70), last_at=NOON + timedelta(hours=70)) > 0
    assert score(first_at=NOON + timedelta(hours=71), last_at=NOON + timedelta(hours=71)) == 0


def test_a_report_written_before_the_case_was_opened_is_compared_too():
    early = NOON - timedelta(hours=10)
    assert score(first_at=early, last_at=early) == pytest.approx(score(first_at=NOON + timedelta(hours=5)), abs=0.02)


def test_what_falls_within_the_time_of_the_case_is_as_near_as_can_be():
    within = CASE.first_at + timedelta(minutes=30)
    values = compare(replace(NEW, first_at=within, last_at=within), CASE, RULE).values
    assert values[ASPECTS.index("time")] == 1


@pytest.mark.parametrize("service_code", ["full-bin", "danger"])
def test_another_category_never_joins_by_itself(service_code):
    group = "rubbish" if service_code == "full-bin" else "danger"
    everything = {"words": SOFA, "photo_hashes": (PICTURE,)}
    other = replace(NEW, service_code=service_code, group=group, **everything)
    assert RULE.suggest <= likeness(other, replace(CASE, **everything), RULE).score < RULE.join


def test_another_group_is_shown_only_where_much_speaks_for_it():
    near, far = (replace(NEW, service_code="danger", group="danger", point=east(m)) for m in (5, 55))
    assert likeness(near, CASE, RULE).score >= RULE.suggest > likeness(far, CASE, RULE).score


def test_the_same_picture_joins_what_lies_near_the_edge():
    assert not joins(point=east(50))
    pictured = replace(CASE, photo_hashes=(OTHER_PICTURE, PICTURE))
    assert likeness(replace(NEW, point=east(50), photo_hashes=(PICTURE ^ 0b10110,)), pictured, RULE).score >= RULE.join


def test_another_picture_of_it_speaks_neither_for_nor_against():
    pictured = replace(CASE, photo_hashes=(OTHER_PICTURE,))
    assert likeness(replace(NEW, photo_hashes=(PICTURE,)), pictured, RULE).score == score()


def test_pictures_without_structure_are_like_no_other():
    dark = replace(CASE, photo_hashes=(0,))
    assert likeness(replace(NEW, photo_hashes=(0,)), dark, RULE).score == score()


def test_the_same_words_raise_and_other_words_lower():
    spoken = replace(CASE, words=SOFA)
    place = east(45)
    silent = score(point=place)
    same = likeness(replace(NEW, point=place, words="blue sofa and bricks behind Olympic market"), spoken, RULE).score
    other = likeness(replace(NEW, point=place, words="Tree branches by the school gate"), spoken, RULE).score
    assert other < silent < same


def test_who_writes_in_another_language_is_not_punished():
    spoken = replace(CASE, words=SOFA)
    assert likeness(replace(NEW, words="សំរាមនៅក្រោយផ្សារអូឡាំពិក"), spoken, RULE).score == score()


def test_ten_neighbours_words_do_not_drown_one():
    crowd = replace(CASE, words="\n".join([SOFA, *(f"It smells at house {n}" for n in range(10))]))
    assert likeness(replace(NEW, words=SOFA), crowd, RULE).score > RULE.join


def test_a_landmark_in_words_is_shown_and_never_joins():
    named = {"point": None, "place_id": 9, "words": SOFA, "photo_hashes": (PICTURE,)}
    found = likeness(replace(NEW, **named), replace(CASE, place_id=9, words=SOFA, photo_hashes=(PICTURE,)), RULE)
    assert RULE.suggest <= found.score < RULE.join
    assert found.distance_m is None
    assert score(point=None, place_id=9, area_id=None) == 0


def test_an_area_alone_is_not_enough_but_with_the_same_words_it_is_shown():
    spoken = replace(CASE, words=SOFA)
    assert likeness(replace(NEW, point=None), spoken, RULE).score == 0
    assert likeness(replace(NEW, point=None, words="Please come"), spoken, RULE).score == 0
    assert likeness(replace(NEW, point=None, words=SOFA, area_id=6), spoken, RULE).score == 0
    assert likeness(replace(NEW, point=None, words=SOFA, area_id=None), replace(spoken, area_id=None), RULE).score == 0
    found = likeness(replace(NEW, point=None, words=SOFA), replace(spoken, point=None), RULE)
    assert RULE.suggest <= found.score < RULE.join


def test_the_best_comes_first_then_the_nearer_then_the_older_case():
    same_spot = [replace(CASE, case_id=n) for n in (8, 3, 7)]
    near = replace(CASE, case_id=5, point=east(20))
    far = replace(CASE, case_id=2, point=east(40))
    elsewhere = replace(CASE, case_id=4, point=east(500))
    itself = replace(CASE, case_id=0)
    found = duplicates_of(NEW, [far, elsewhere, near, itself, *same_spot], RULE)
    assert [like.case_id for like in found] == [3, 7, 8, 5, 2]
    assert duplicates_of(NEW, [], RULE) == []


def test_equal_scores_go_by_distance():
    # Both lie within what two telephones differ by, so both score the same.
    found = duplicates_of(NEW, [replace(CASE, case_id=1, point=east(9)), replace(CASE, case_id=2, point=east(3))], RULE)
    assert [like.case_id for like in found] == [2, 1]
    assert found[0].score == found[1].score


@pytest.mark.parametrize(
    "rule", [replace(RULE, radius_m=0), replace(RULE, window_h=0), replace(RULE, join=1, suggest=1)]
)
def test_strict_rules_still_work(rule):
    here_and_now = replace(CASE, first_at=NOON, last_at=NOON)
    assert likeness(NEW, here_and_now, rule).score == pytest.approx(1)
    assert duplicates_of(NEW, [replace(here_and_now, service_code="full-bin")], replace(rule, suggest=rule.join)) == []


PLACES = st.one_of(
    st.none(),
    st.builds(
        lambda x, y: Point(lat=MARKET.lat + x, lon=MARKET.lon + y), st.floats(-7e-4, 7e-4), st.floats(-7e-4, 7e-4)
    ),
)
MOMENTS = st.integers(-6000, 6000).map(lambda minutes: NOON + timedelta(minutes=minutes))


@st.composite
def candidates(draw):
    first, last = sorted([draw(MOMENTS), draw(MOMENTS)])
    service_code = draw(st.sampled_from(["pile", "full-bin", "danger", "missed-collection"]))
    return Candidate(
        case_id=draw(st.integers(1, 9)),
        service_code=service_code,
        group="rubbish" if service_code in ("pile", "full-bin") else service_code,
        point=draw(PLACES),
        area_id=draw(st.sampled_from([None, 5, 6])),
        first_at=first,
        last_at=last,
        words=draw(st.sampled_from(["", SOFA, "blue sofa", "សំរាមនៅផ្សារអូឡាំពិក ផ្លូវ ២៧១", "street 271"])),
        photo_hashes=tuple(draw(st.lists(st.sampled_from([PICTURE, PICTURE ^ 0xFFF, OTHER_PICTURE, 0]), max_size=3))),
        place_id=draw(st.sampled_from([None, 9])),
    )


@given(candidates(), candidates())
def test_the_parts_add_up_to_the_score_and_the_order_of_the_two_does_not_matter(a, b):
    found, turned = likeness(a, b, RULE), likeness(b, a, RULE)
    assert tuple(aspect for aspect, _ in found.parts) == ASPECTS
    assert sum(part for _, part in found.parts) == pytest.approx(found.score)
    assert all(part >= 0 for _, part in found.parts)
    assert 0 <= found.score <= 1
    assert found.score == pytest.approx(turned.score)
    assert found.case_id == b.case_id
    if a.service_code != b.service_code or a.point is None or b.point is None:
        assert found.score < RULE.join


@given(candidates(), st.lists(candidates(), max_size=6))
def test_duplicates_are_those_likenesses_that_reach_the_threshold(new, others):
    found = duplicates_of(new, others, RULE)
    scores = [like.score for like in found]
    assert scores == sorted(scores, reverse=True)
    every = [likeness(new, other, RULE) for other in others if other.case_id != new.case_id]
    assert sorted(map(repr, found)) == sorted(repr(like) for like in every if like.score >= RULE.suggest)


def test_the_radius_reaches_as_far_as_the_box_in_which_the_database_looks():
    high, wide = degrees_around(MARKET, RULE.radius_m)
    assert score(point=Point(lat=MARKET.lat + high * 0.999, lon=MARKET.lon)) > 0
    assert score(point=Point(lat=MARKET.lat, lon=MARKET.lon + wide * 0.999)) > 0


def test_the_page_shows_the_weights_in_use():
    page = (Path(__file__).parents[2] / "docs" / "triage.md").read_text(encoding="utf-8")
    rows = page.split("<!-- table: weights -->\n", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [(aspect, float(weight)) for aspect, weight, _ in cells] == list(zip(ASPECTS, WEIGHTS, strict=True))
    assert f"in use ({', '.join(f'{weight:.2f}' for weight in WEIGHTS)})" in page
