"""What the report form offers, in the visitor's language."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.core.cache import cache
from django.utils.translation import gettext as _

from saat.records import queries_areas
from saat.records.models import City
from saat.terms.policy import Attribute, Category, CityPolicy

# So many landmarks are offered by name; more would make the first page heavy. Any other may be written in words.
_MOST_LANDMARKS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of a category. field: the name of its input. values: (key, text) to choose from."""

    field: str
    code: str
    text: str
    hint: str
    datatype: str
    required: bool
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One category as a card."""

    service_code: str
    name: str
    description: str
    icon: str
    questions: tuple[Question, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaGroup:
    """Areas of one part of the city. label: "" where they lie in no part. options: (area id, name)."""

    label: str
    options: tuple[tuple[int, str], ...]


def cards(policy: CityPolicy, language: str) -> list[Card]:
    """Return the categories in the policy's order."""
    return [_card(category, policy, language) for category in policy.categories]


def _card(category: Category, policy: CityPolicy, language: str) -> Card:
    return Card(
        service_code=category.service_code,
        name=policy.say(category.name, language),
        description=policy.say(category.description, language),
        icon=category.icon,
        questions=tuple(_question(category, asked, policy, language) for asked in category.attributes),
    )


def _question(category: Category, asked: Attribute, policy: CityPolicy, language: str) -> Question:
    return Question(
        field=f"a-{category.service_code}-{asked.code}",
        code=asked.code,
        text=policy.say(asked.text, language),
        hint=policy.say(asked.hint, language),
        datatype=asked.datatype,
        required=asked.required,
        values=tuple((key, policy.say(names, language)) for key, names in asked.values),
    )


def area_groups(city: City, language: str) -> list[AreaGroup]:
    """Return the areas that a resident may choose, grouped by the part of the city in which they lie."""
    key = f"area-groups:{city.pk}:{city.areas_version}:{language}"
    known: list[AreaGroup] | None = cache.get(key)
    if known is None:
        known = _area_groups(city, language)
        cache.set(key, known, timeout=3600)
    return known


def _area_groups(city: City, language: str) -> list[AreaGroup]:
    policy = city.policy_terms()
    options = queries_areas.area_options(city)
    names = {option.area_id: policy.say(option.names, language) for option in options}
    grouped: dict[int | None, list[tuple[int, str]]] = {}
    labels: dict[int | None, str] = {}
    for option in options:
        if not option.is_leaf:
            continue
        parent = option.parent_id if len(option.above) > 1 else None
        labels[parent] = " › ".join(policy.say(above, language) for above in option.above[1:])
        grouped.setdefault(parent, []).append((option.area_id, names[option.area_id]))
    groups = []
    for parent, found in grouped.items():
        found.sort(key=lambda each: each[1])
        if parent is not None:
            found.insert(0, (parent, _("Somewhere in %(area)s") % {"area": names[parent]}))
        groups.append(AreaGroup(label=labels[parent], options=tuple(found)))
    return sorted(groups, key=lambda group: group.label)


def landmark_names(city: City, language: str) -> list[str]:
    """Return names of landmarks to suggest, those that ask for most care first."""
    key = f"landmark-names:{city.pk}:{city.areas_version}:{language}"
    known: list[str] | None = cache.get(key)
    if known is None:
        policy = city.policy_terms()
        rows = queries_areas.landmarks(city, most=_MOST_LANDMARKS)
        known = sorted({policy.say(names, language) for _pk, _kind, names, *_rest in rows} - {""})
        cache.set(key, known, timeout=3600)
    return known


def landmark_called(city: City, text: str) -> int | None:
    """Return the landmark that is called so in any language, or None."""
    wanted = " ".join(text.split()).casefold()
    if not wanted:
        return None
    for pk, _kind, names, *_rest in queries_areas.landmarks(city):
        if wanted in (" ".join(name.split()).casefold() for name in names.values()):
            return pk
    return None
