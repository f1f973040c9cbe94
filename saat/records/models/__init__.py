"""All tables. Each leads with its city, so that a nation can shard them by city."""

from saat.records.models.access import ApiKey, ApiUse, PartnerUpdate, SignedLink, WebhookEndpoint
from saat.records.models.case import Case, CaseSearch, EarlierText
from saat.records.models.city import Area, AreaCode, AreaName, City, Place
from saat.records.models.desk import BulkRun, SavedFilter
from saat.records.models.fleet import Device, DeviceBinding, Site, Vehicle
from saat.records.models.follower import TruckClock
from saat.records.models.log import ChainHead, Event, Outbox
from saat.records.models.people import Alert, Contractor, Crew, Duty, Membership, Template, User
from saat.records.models.plan import PlannedStop, PlanQuestion, Round, RoundPlan, Stop
from saat.records.models.report import Contact, Message, Note, Photo, ProofCode, ServiceRequest
from saat.records.models.run import (
    Contest,
    CrewNote,
    FindingRow,
    FollowerMark,
    LegTime,
    RoundHistory,
    Run,
    RunVehicle,
    StopRun,
    StopRunRevision,
    StopWord,
)

__all__ = [
    "Alert",
    "ApiKey",
    "ApiUse",
    "Area",
    "AreaCode",
    "AreaName",
    "BulkRun",
    "Case",
    "CaseSearch",
    "ChainHead",
    "City",
    "Contact",
    "Contest",
    "Contractor",
    "Crew",
    "CrewNote",
    "Device",
    "DeviceBinding",
    "Duty",
    "EarlierText",
    "Event",
    "FindingRow",
    "FollowerMark",
    "LegTime",
    "Membership",
    "Message",
    "Note",
    "Outbox",
    "PartnerUpdate",
    "Photo",
    "Place",
    "PlanQuestion",
    "PlannedStop",
    "ProofCode",
    "Round",
    "RoundHistory",
    "RoundPlan",
    "Run",
    "RunVehicle",
    "SavedFilter",
    "ServiceRequest",
    "SignedLink",
    "Site",
    "Stop",
    "StopRun",
    "StopRunRevision",
    "StopWord",
    "Template",
    "TruckClock",
    "User",
    "Vehicle",
    "WebhookEndpoint",
]
