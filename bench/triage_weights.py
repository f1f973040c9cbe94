"""Choose the weights of the duplicate score by an experiment on made-up reports; see docs/triage.md.

    python -m bench.triage_weights            measures the weights in use beside others
    python -m bench.triage_weights --search   looks for the best weights first
    python -m bench.triage_weights --write    puts what was measured into docs/triage.md

Nothing here is observed: every figure under "What is assumed" is a guess about how people report. The same seeds give
the same figures on every machine.
"""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np

from saat.terms.duplicates import Candidate
from saat.terms.geo import Point
from saat.terms.policy import DuplicateRule
from saat.triage.likeness import ASPECTS, WEIGHTS, compare, likeness

PAGE = Path(__file__).resolve().parent.parent / "docs" / "triage.md"
START = datetime(2026, 1, 5, tzinfo=UTC)
MIDDLE = Point(lat=11.5564, lon=104.9282)
RULE = DuplicateRule()
LEARN, JUDGE = range(100, 180), range(200, 280)  # seeds of the worlds to choose by and of those to judge by


def _pairs(table: str) -> list[tuple[str, str]]:
    return [
        (khmer.strip(), english.strip()) for khmer, english in (line.split("|") for line in table.split("\n") if line)
    ]


# What is assumed.
SIDE_M, DAYS, TROUBLES = 700.0, 7.0, 60  # a dense quarter and a week of it
HOT_SPOTS, AT_HOT_SPOT = 10, 0.5  # corners where rubbish comes back, and the share of troubles that lie there
LIFE_H, LEFT_OPEN_H = 30.0, 12.0  # means: until it is really gone, and until the case is closed after that
MORE_VOICES = 1.5  # mean reports after the first
STANDS_M = 20.0  # how far from the heap the reporter stands, at most
GPS = ((0.70, 6.0), (0.25, 15.0), (0.05, 40.0))  # share of telephones, and their error (one sigma, m)
KINDS = {
    "pile": "rubbish",
    "full-bin": "rubbish",
    "dumping": "rubbish",
    "blocked-drain": "rubbish",
    "missed-collection": "collection",
    "danger": "danger",
}
KIND_SHARES = (40, 20, 15, 8, 12, 5)
RIGHT_KIND, RIGHT_GROUP = 0.80, 0.15  # the category is the true one; another of its group; else any
HAS_PHOTO, PASSED_ON = 0.60, 0.08  # reports with a photo; of these, a neighbour's picture sent on
HAS_WORDS, NAMES_PLACE, NAMES_THING, IN_KHMER = 0.60, 0.5, 0.6, 0.6
ONE_VISIT_M = 12.0  # troubles of one kind so near to each other are the same: one visit settles both
COSTS = {"joined wrongly": 4.0, "shown wrongly": 0.2, "only shown": 0.5, "lost": 1.0}  # what a mistake costs

# What people name and say, in Khmer and in English: landmarks, things, and how a report begins.
PLACES = _pairs("""
ផ្សារអូឡាំពិក | Olympic market
សាលារៀនបាក់ទូក | Bak Touk school
វត្តលង្កា | Wat Langka
ផ្សារថ្មី | Central market
ពេទ្យកាល់ម៉ែត | Calmette hospital
ផ្សារកណ្ដាល | Kandal market
វត្តភ្នំ | Wat Phnom
ស្ពានអាកាស | the flyover
ហាងកាហ្វេ | the coffee shop
សាលាសង្កាត់ | the sangkat office
ចំណតឡានក្រុង | the bus stop
ផ្ទះល្វែង | the flats
ធនាគារ | the bank
ហាងលក់បាយ | the rice shop
ឱសថស្ថាន | the pharmacy
""")
THINGS = _pairs("""
ពូកចាស់ | an old mattress
សាឡុងបាក់ | a broken sofa
ថង់ប្លាស្ទិក | plastic bags
មែកឈើ | tree branches
ឥដ្ឋ និងស៊ីម៉ង់ត៍ | bricks and cement
សំណល់អាហារ | food leftovers
កេសក្រដាស | cardboard boxes
ដបទឹក | water bottles
ទូរទស្សន៍ចាស់ | an old television
សំបកដូង | coconut shells
សម្លៀកបំពាក់ចាស់ | old clothes
កង់ឡាន | car tyres
""")
OPENERS = _pairs("""
មានសំរាមច្រើន | There is a lot of rubbish
សំរាមគរ | Garbage piled up
សូមមកប្រមូលសំរាម | Please collect the trash
ស្អុយខ្លាំងណាស់ | It smells very bad
មិនមានអ្នកប្រមូលទេ | Nobody collects here
""")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What really lies somewhere. x, y: metres from the middle. begins_h, gone_h, closed_h: hours since the start."""

    number: int
    x: float
    y: float
    kind: str
    begins_h: float
    gone_h: float
    closed_h: float
    place: tuple[str, str]
    thing: tuple[str, str]

    def same_as(self, other: Trouble) -> bool:
        """Return whether one visit settles both."""
        return self.kind == other.kind and math.hypot(self.x - other.x, self.y - other.y) <= ONE_VISIT_M


def troubles_of(world: Random) -> list[Trouble]:
    """Return a week of troubles in a quarter."""
    spots = [(world.uniform(-SIDE_M, SIDE_M) / 2, world.uniform(-SIDE_M, SIDE_M) / 2) for _ in range(HOT_SPOTS)]
    found = []
    for number in range(TROUBLES):
        x, y = (world.uniform(-SIDE_M, SIDE_M) / 2, world.uniform(-SIDE_M, SIDE_M) / 2)
        if world.random() < AT_HOT_SPOT:
            spot = world.choice(spots)
            x, y = spot[0] + world.gauss(0, 8), spot[1] + world.gauss(0, 8)
        begins_h = world.uniform(0, DAYS * 24)
        gone_h = begins_h + 2 + world.expovariate(1 / LIFE_H)
        # Neighbours name the same landmark: the one that belongs to their block of 140 m.
        block = int(x // 140) * 7 + int(y // 140)
        found.append(
            Trouble(
                number,
                x,
                y,
                world.choices(list(KINDS), KIND_SHARES)[0],
                begins_h,
                gone_h,
                gone_h + world.expovariate(1 / LEFT_OPEN_H),
                PLACES[block % len(PLACES)],
                world.choice(THINGS),
            )
        )
    return found


def report_of(world: Random, trouble: Trouble, hashes: tuple[int, ...]) -> Candidate:
    """Return one resident's report of a trouble. hashes: the pictures that neighbours have already sent of it."""
    away, turn = STANDS_M * math.sqrt(world.random()), world.uniform(0, 2 * math.pi)
    sigma_m = world.choices([sigma for _, sigma in GPS], [share for share, _ in GPS])[0]
    x = trouble.x + away * math.cos(turn) + world.gauss(0, sigma_m)
    y = trouble.y + away * math.sin(turn) + world.gauss(0, sigma_m)
    kind, chance = trouble.kind, world.random()
    if chance > RIGHT_KIND:
        near = [other for other in KINDS if KINDS[other] == KINDS[kind] and other != kind]
        kind = world.choice(near) if near and chance <= RIGHT_KIND + RIGHT_GROUP else world.choice(list(KINDS))
    photos: tuple[int, ...] = ()
    if world.random() < HAS_PHOTO:
        photo = world.getrandbits(64)
        if hashes and world.random() < PASSED_ON:
            photo = world.choice(hashes)
            for _ in range(world.randint(0, 6)):  # the messenger that it went through has re-encoded it
                photo ^= 1 << world.randrange(64)
        photos = (photo,)
    at = START + timedelta(hours=world.uniform(trouble.begins_h, trouble.gone_h))
    return Candidate(
        case_id=0,
        service_code=kind,
        group=KINDS[kind],
        point=Point(lat=MIDDLE.lat + y / 111_195, lon=MIDDLE.lon + x / 108_940),
        area_id=1,
        first_at=at,
        last_at=at,
        words=words_of(world, trouble),
        photo_hashes=photos,
    )


def words_of(world: Random, trouble: Trouble) -> str:
    """Return what one resident writes, or "" if nothing."""
    if world.random() > HAS_WORDS:
        return ""
    tongue = 0 if world.random() < IN_KHMER else 1
    said = [world.choice(OPENERS)[tongue]]
    if world.random() < NAMES_THING:
        said.append(trouble.thing[tongue])
    if world.random() < NAMES_PLACE:
        said.append(("នៅក្បែរ" if tongue == 0 else "near ") + trouble.place[tongue])
    return ("" if tongue == 0 else ", ").join(said)


def pairs_of(seed: int) -> list[tuple[Candidate, Candidate, bool]]:
    """Return what triage compares in one world: each report with every open case, and whether it belongs there."""
    world = Random(seed)
    said = []
    for trouble in troubles_of(world):
        hashes: tuple[int, ...] = ()
        for _ in range(1 + int(np.searchsorted(_POISSON, world.random()))):
            report = report_of(world, trouble, hashes)
            hashes += report.photo_hashes
            said.append((report.first_at, len(said), trouble, report))
    cases: dict[int, Candidate] = {}
    known: dict[int, Trouble] = {}
    pairs = []
    for at, _, trouble, report in sorted(said, key=lambda one: one[:2]):
        for number, case in cases.items():
            about = known[number]
            if START + timedelta(hours=about.closed_h) > at and compare(report, case, RULE) is not None:
                pairs.append((report, case, about.same_as(trouble)))
        old = cases.get(trouble.number)
        known[trouble.number] = trouble
        if old is None:
            cases[trouble.number] = replace(report, case_id=trouble.number + 1)
        else:
            words, photos = f"{old.words}\n{report.words}".strip(), old.photo_hashes + report.photo_hashes
            cases[trouble.number] = replace(old, last_at=at, words=words, photo_hashes=photos)
    return pairs


_POISSON = np.cumsum([math.exp(-MORE_VOICES) * MORE_VOICES**k / math.factorial(k) for k in range(12)])


@dataclass(frozen=True, slots=True)
class Pairs:
    """Compared pairs as arrays: values and known are (n, 5), ceiling and same are (n,)."""

    values: np.ndarray
    known: np.ndarray
    ceiling: np.ndarray
    same: np.ndarray

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """Return the score of each pair with these weights, as `likeness` computes it with its own."""
        known = self.known * weights
        return np.minimum((known * self.values).sum(axis=1) / known.sum(axis=1), self.ceiling)


def compared(seeds: range) -> Pairs:
    """Return the pairs of several worlds, compared; the arithmetic here is held to that of `likeness`."""
    pairs = [pair for seed in seeds for pair in pairs_of(seed)]
    found = [compare(new, case, RULE) for new, case, _ in pairs]
    table = Pairs(
        values=np.array([one.values for one in found]),
        known=np.array([one.known for one in found]),
        ceiling=np.array([one.ceiling for one in found]),
        same=np.array([same for _, _, same in pairs]),
    )
    own = np.array([likeness(new, case, RULE).score for new, case, _ in pairs[:500]])
    if not np.allclose(own, table.scores(np.array(WEIGHTS))[:500]):
        raise AssertionError("The experiment and saat.triage.likeness compute different scores.")
    return table


def outcome(pairs: Pairs, weights: np.ndarray) -> dict[str, float]:
    """Return how the pairs fare: the share of joins that are right, what becomes of true duplicates, mean cost."""
    scores = pairs.scores(weights)
    joins, shows = scores >= RULE.join, scores >= RULE.suggest
    same, other = pairs.same, ~pairs.same
    mistakes = {
        "joined wrongly": joins & other,
        "shown wrongly": shows & ~joins & other,
        "only shown": shows & ~joins & same,
        "lost": ~shows & same,
    }
    return {
        "right of joined": (joins & same).sum() / max(1, joins.sum()),
        "joined": (joins & same).sum() / same.sum(),
        "shown": (shows & ~joins & same).sum() / same.sum(),
        "lost": (~shows & same).sum() / same.sum(),
        "shown wrongly": (shows & ~joins & other).sum() / other.sum(),
        "ranked rightly": _ranked_rightly(scores[same], scores[other]),
        "cost": sum(COSTS[name] * found.sum() for name, found in mistakes.items()) / len(scores),
    }


def _ranked_rightly(same: np.ndarray, other: np.ndarray) -> float:
    """Return the share of (same, other) pairs in which the same scores higher: the area under the ROC curve."""
    other = np.sort(other)
    below, up_to = np.searchsorted(other, same, "left"), np.searchsorted(other, same, "right")
    return float((below + up_to).mean() / 2 / len(other))


def search(pairs: Pairs, tries: int = 4000) -> np.ndarray:
    """Return the weights with the least cost among random ones, in steps of 0.05, each at least 0.05."""
    random = np.random.default_rng(7)
    tried = np.round(random.dirichlet(np.ones(5), tries) * 1.3 / 0.05) * 0.05
    tried = np.unique(np.maximum(tried, 0.05), axis=0)
    costs = [outcome(pairs, weights)["cost"] for weights in tried]
    return tried[int(np.argmin(costs))]


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description="Measure the weights of the duplicate score on made-up reports.")
    parser.add_argument("--search", action="store_true", help="look for better weights first (a minute)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/triage.md")
    options = parser.parse_args()
    rows = {"in use": np.array(WEIGHTS), "all equal": np.ones(5), "distance only": np.array([1.0, 0, 0, 0, 0])}
    if options.search:
        rows["best found"] = search(compared(LEARN))
    judged = compared(JUDGE)
    shown = ("right of joined", "joined", "shown", "lost", "shown wrongly", "ranked rightly")
    lines = [
        f"{len(judged.same):,} pairs, of which {int(judged.same.sum()):,} are the same trouble:",
        "",
        f"| weights ({', '.join(ASPECTS)}) | {' | '.join(shown)} | cost |",
        "| --- |" + " --- |" * (len(shown) + 1),
    ]
    for name, weights in rows.items():
        found = outcome(judged, weights)
        told = f"{name} ({', '.join(f'{weight:.2f}' for weight in weights)})"
        lines.append(f"| {told} | {' | '.join(f'{found[key]:.1%}' for key in shown)} | {found['cost']:.3f} |")
    text = "\n".join(lines)
    print(text)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        marked = re.compile(r"(<!-- measured -->\n).*?(\n<!-- end -->)", re.DOTALL)
        PAGE.write_text(marked.sub(lambda found: found[1] + text + found[2], page), encoding="utf-8")


if __name__ == "__main__":
    main()
