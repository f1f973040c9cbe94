"""Links through which a contractor, or a crew of the city, answers for one case without an account.

The token is made from the installation's secret, so that it can be made again when the letter is written; the database
holds only its SHA-256. Whoever reads the database cannot open a link with it.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from saat.actions.log import Actor, Log, NotFound, live_links, writing
from saat.records.models import Case, SignedLink
from saat.terms.codes import ALPHABET

LIFE = timedelta(days=14)
_LENGTH = 26  # of 32 letters: 130 bits


class LinkClosed(NotFound):
    """A link opens nothing (any more). code: unknown, expired, withdrawn or handed_on."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def make_link(log: Log, *, case: Case) -> SignedLink | None:
    """Make the link for whoever a case was just handed to, and end all earlier ones of this case.

    Returns None where the case is with nobody who would need one.
    """
    withdraw_links(log, case=case)
    if case.contractor_id is None and case.crew_id is None:
        return None
    whose = {
        "city_id": case.city_id,
        "case_id": case.pk,
        "contractor_id": case.contractor_id,
        "crew_id": case.crew_id if case.contractor_id is None else None,
        "created_at": log.now,
    }
    # The same facts give the same token: a second link of the same moment is the first one again.
    link, _made = SignedLink.objects.update_or_create(
        token_sha256=_sha256(token_of(SignedLink(**whose))),
        defaults={**whose, "expires_at": log.now + LIFE, "revoked_at": None},
    )
    log.append("link_made", case_id=case.pk, facts={"link": link.pk})
    return link


def withdraw_links(log: Log, *, case: Case) -> None:
    """End all links of a case."""
    for link_id in SignedLink.objects.filter(case=case, revoked_at__isnull=True).values_list("pk", flat=True):
        SignedLink.objects.filter(pk=link_id).update(revoked_at=log.now)
        log.append("link_withdrawn", case_id=case.pk, facts={"link": link_id})


def renew_link(*, case_id: int, now: datetime, by: Actor) -> str:
    """Return the token of a fresh link, to be shown once to the official who asked; earlier links end.

    :raises NotFound: if the case is with nobody who would need one, or not this person's to assign.
    """
    city_id = Case.objects.filter(pk=case_id).values_list("city_id", flat=True).first()
    if city_id is None:
        raise NotFound(_("There is no case %(number)d for you.") % {"number": case_id})
    with writing(city_id, now=now, by=by) as log:
        link = make_link(log, case=log.case(case_id, "assign"))
        if link is None:
            raise NotFound(_("This case is with no contractor and no crew."))
        return token_of(link)


def answer_url(*, case_id: int, contractor_id: int, now: datetime, url: str) -> str:
    """Return the address of the link through which a contractor answers for a case, for a letter.

    Where the link has ended by now, the case's own page is all that can be given.

    url: the installation's public address without a slash at its end.
    """
    for link in live_links(now=now).filter(case_id=case_id, contractor_id=contractor_id):
        token = token_of(link)
        if _sha256(token) == link.token_sha256:
            return f"{url}/c/{token}"
    return f"{url}/desk/cases/{case_id}"


def link_of(*, token: str, now: datetime) -> tuple[SignedLink, Actor]:
    """Return what a link opens, with its case, and the actor that whoever holds it is.

    :raises LinkClosed: if it was never made, has expired, was withdrawn, or the case was handed to somebody else.
    """
    rows = SignedLink.objects.select_related("case__city", "case__area", "case__place", "contractor", "crew")
    link = rows.filter(token_sha256=_sha256(token)).first()
    if link is None:
        message = _("This link is not valid. Perhaps it was copied only in part.")
        raise LinkClosed(message, code="unknown")
    if link.expires_at <= now:
        raise LinkClosed(_("This link has expired. Please ask the office for a new one."), code="expired")
    if link.revoked_at is not None or not live_links(now=now).filter(pk=link.pk).exists():
        message = _("This link has ended: the case was given to somebody else, or a newer link was sent.")
        raise LinkClosed(message, code="withdrawn")
    return link, Actor(kind="link", id=link.pk)


def token_of(link: SignedLink) -> str:
    """Return the token of a link: 26 letters and digits made from its own facts and the installation's secret."""
    facts = f"{link.case_id}:{link.contractor_id}:{link.crew_id}:{link.created_at.timestamp():.6f}"
    seal = hmac.new(settings.SECRET_KEY.encode(), b"saat contractor link:" + facts.encode(), hashlib.sha256).digest()
    number = int.from_bytes(seal, "big")
    return "".join(ALPHABET[number >> 5 * at & 31] for at in range(_LENGTH)).lower()


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
