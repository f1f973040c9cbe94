"""The words of a case: its states, who may touch it, and how it ends."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a case stands. Open311's public status is derived from it, see `is_closed`."""

    OPEN = "open"  # nobody has taken it
    TAKEN = "taken"  # an official answers for it
    ASSIGNED = "assigned"  # a crew or a contractor was sent
    ON_SITE = "on_site"  # somebody is there
    CLOSED = "closed"
    MERGED = "merged"  # its reports live on in another case

    @property
    def is_closed(self) -> bool:
        """Whether the public sees the case as closed."""
        return self in (State.CLOSED, State.MERGED)


class Ending(StrEnum):
    """What a closed case claims."""

    PROVED = "proved"  # fixed, with a photo or a track
    CLAIMED = "claimed"  # said to be fixed, without proof
    NO_FIX = "no_fix"  # closed without claiming a fix; a reason says why
    CONFIRMED = "confirmed"  # the resident says that it is gone


class Urgency(StrEnum):
    """How soon somebody must act, whatever the deadline says."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    DANGER = "danger"

    @property
    def level(self) -> int:
        """0 for low to 3 for danger."""
        return list(Urgency).index(self)


class Danger(StrEnum):
    """What makes rubbish dangerous or pressing, whoever says so: the words of a report, or a caller who is asked."""

    FIRE = "fire"
    NEEDLE = "needle"
    MEDICAL = "medical"
    CHEMICAL = "chemical"
    WIRE = "wire"  # a fallen electric wire
    INJURED = "injured"
    AMBULANCE = "ambulance"  # it stands in the way of those who rescue
    SMOKE = "smoke"
    BLOCKED = "blocked"  # nobody can pass
    FLOOD = "flood"
    GLASS = "glass"
    DEAD_ANIMAL = "dead-animal"


class Channel(StrEnum):
    """The door through which a report came in."""

    WEB = "web"
    OPEN311 = "open311"
    PHONE = "phone"  # an official wrote down what a caller said
    IMPORT = "import"
    API = "api"


class Voice(StrEnum):
    """What a service request adds to its case."""

    REPORT = "report"  # there is rubbish
    ME_TOO = "me_too"  # I see it too
    STILL_THERE = "still_there"  # it was closed, and it is not gone
    GONE = "gone"  # it is gone


class Declined(StrEnum):
    """Why a contractor or a crew cannot do what was handed to them."""

    NO_ACCESS = "no_access"  # a locked gate, a blocked road
    TOO_MUCH = "too_much"  # it needs a larger truck or more people
    DANGEROUS = "dangerous"  # it needs somebody with other training
    NOT_OURS = "not_ours"  # another area, or another contractor's work
    NO_ONE_FREE = "no_one_free"
    OTHER = "other"


class Role(StrEnum):
    """What a person does in a city. Scope: an area, a contractor or the whole city."""

    SANGKAT_OFFICER = "sangkat_officer"
    KHAN_OFFICER = "khan_officer"
    CITY_DUTY = "city_duty"
    CONTRACTOR = "contractor"  # the contractor's dispatcher
    CREW = "crew"
    DIRECTOR = "director"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class ServiceLevel(StrEnum):
    """How much care a place asks for."""

    USUAL = "usual"
    RAISED = "raised"  # markets, schools, tourist sites
    HIGHEST = "highest"  # hospitals, heritage sites


class PlaceKind(StrEnum):
    """What a landmark is."""

    MARKET = "market"
    SCHOOL = "school"
    PAGODA = "pagoda"
    HOSPITAL = "hospital"
    HERITAGE = "heritage"
    TOURIST_SITE = "tourist_site"
    INFORMAL_SETTLEMENT = "informal_settlement"
    OTHER = "other"
