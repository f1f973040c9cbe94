"""OwnTracks, by HTTP and by MQTT: one JSON object a message.

Units: `vel` is in km/h, `tst` in seconds, `batt` in per cent. A device is called `user/device`, as in its topic
`owntracks/user/device` or in the headers X-Limit-U and X-Limit-D; `tid`, two letters, is known too if registered.
"""

from __future__ import annotations

import json

from django.utils.translation import gettext as _

from saat.links.fixes import KMH_MPS, above_0, course, moment_s, place, share_of_percent, times, uid_of
from saat.terms.position import Fix, FixRefused


def read_json(body: bytes, *, topic: str = "", user: str = "", device: str = "") -> Fix | None:
    """Return the position in a message; None for the other types of message, which say nothing about a place.

    topic: the MQTT topic, "" by HTTP. user, device: what the headers or the sign-in say, "" where they do not.

    :raises FixRefused: if it is no JSON, encrypted, or no position.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FixRefused(_("The body is not JSON.")) from error
    if not isinstance(message, dict):
        raise FixRefused(_("The body is no JSON object."))
    names = _names(message, topic, user, device)
    if message.get("_type") == "encrypted":
        raise FixRefused(
            _("The message is encrypted: switch the encryption of messages off; HTTPS protects them."),
            uid=names[0] if names else "",
        )
    if message.get("_type") != "location":
        return None
    uid = uid_of(names[0] if names else "")
    lat, lon = place(message.get("lat"), message.get("lon"), uid=uid)
    return Fix(
        uid, moment_s(message.get("tst"), uid=uid), lat, lon, times(message.get("vel"), KMH_MPS),
        course(message.get("cog")), above_0(message.get("acc")), 0, share_of_percent(message.get("batt")), "",
        tuple(names[1:]),
    )  # fmt: skip


def _names(message: dict[str, object], topic: str, user: str, device: str) -> list[str]:
    """Return under what names a device may be known, the most telling first."""
    names = []
    told = topic or message.get("topic")
    if isinstance(told, str) and told.count("/") >= 2:
        names.append("/".join(told.split("/")[1:3]))
    if user and device:
        names.append(f"{user}/{device}")
    names += [name for name in (device, user) if name]
    tid = message.get("tid")
    if isinstance(tid, str) and tid:
        names.append(tid)
    return list(dict.fromkeys(names))
