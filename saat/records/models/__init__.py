"""All tables. Each leads with its city, so that a nation can shard them by city."""

from saat.records.models.access import ApiKey, ApiUse, PartnerUpdate, SignedLink, WebhookEndpoint
from saat.records.models.case import Case, CaseSearch, EarlierText
from saat.records.models.city import Area, AreaCode, AreaName, City, Place
from saat.records.models.desk import BulkRun, SavedFilter
from saat.records.models.log import ChainHead, Event, Outbox
from saat.records.models.people import Alert, Contractor, Crew, Duty, Membership, Template, User
from saat.records.models.report import Contact, Message, Note, Photo, ProofCode, ServiceRequest

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
    "Contractor",
    "Crew",
    "Duty",
    "EarlierText",
    "Event",
    "Membership",
    "Message",
    "Note",
    "Outbox",
    "PartnerUpdate",
    "Photo",
    "Place",
    "ProofCode",
    "SavedFilter",
    "ServiceRequest",
    "SignedLink",
    "Template",
    "User",
    "WebhookEndpoint",
]
