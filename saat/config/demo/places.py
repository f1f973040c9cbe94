"""The demo's landmarks: well-known names and invented ones, each somewhere in its sangkat of the drawn map."""

from __future__ import annotations

import random
from collections.abc import Mapping

from shapely.geometry.base import BaseGeometry

from saat.actions.places import PlaceEntry
from saat.config.demo.ground import points_in
from saat.terms.case import PlaceKind
from saat.terms.geo import Point

SOURCE = "demo"
_K = PlaceKind
# Kind, Khmer, English, the code of the sangkat.
_KNOWN = (
    (_K.MARKET, "ផ្សារធំថ្មី", "Central Market", "120201"),
    (_K.MARKET, "ផ្សារទួលទំពូង", "Tuol Tumpung Market", "120109"),
    (_K.MARKET, "ផ្សារអូឡាំពិក", "Olympic Market", "120307"),
    (_K.MARKET, "ផ្សារអូរឫស្សី", "Orussey Market", "120304"),
    (_K.MARKET, "ផ្សារចាស់", "Old Market", "120209"),
    (_K.MARKET, "ផ្សារដើមគរ", "Daeum Kor Market", "120409"),
    (_K.MARKET, "ផ្សារដើមថ្កូវ", "Daeum Thkov Market", "120112"),
    (_K.MARKET, "ផ្សារបឹងកេងកង", "Boeng Keng Kang Market", "121303"),
    (_K.MARKET, "ផ្សារច្បារអំពៅ", "Chbar Ampov Market", "121002"),
    (_K.MARKET, "ផ្សារចោមចៅ", "Chaom Chau Market", "120916"),
    (_K.HERITAGE, "ព្រះបរមរាជវាំង", "Royal Palace", "120207"),
    (_K.HERITAGE, "វត្តភ្នំ", "Wat Phnom", "120211"),
    (_K.HERITAGE, "សារមន្ទីរឧក្រិដ្ឋកម្មប្រល័យពូជសាសន៍ទួលស្លែង", "Tuol Sleng Genocide Museum", "121303"),
    (_K.HERITAGE, "មជ្ឈមណ្ឌលប្រល័យពូជសាសន៍ជើងឯក", "Choeung Ek Memorial", "120515"),
    (_K.TOURIST_SITE, "វិមានឯករាជ្យ", "Independence Monument", "120101"),
    (_K.TOURIST_SITE, "សារមន្ទីរជាតិ", "National Museum", "120208"),
    (_K.TOURIST_SITE, "មាត់ទន្លេ", "Riverside", "120208"),
    (_K.TOURIST_SITE, "កោះពេជ្រ", "Koh Pich", "120101"),
    (_K.PAGODA, "វត្តឧណ្ណាលោម", "Wat Ounalom", "120208"),
    (_K.PAGODA, "វត្តលង្កា", "Wat Langka", "121301"),
    (_K.PAGODA, "វត្តបទុម", "Wat Botum", "120207"),
    (_K.PAGODA, "វត្តទួលទំពូង", "Wat Tuol Tumpung", "120109"),
    (_K.HOSPITAL, "មន្ទីរពេទ្យកាល់ម៉ែត", "Calmette Hospital", "120210"),
    (_K.HOSPITAL, "មន្ទីរពេទ្យគន្ធបុប្ផា", "Kantha Bopha Hospital", "120210"),
    (_K.HOSPITAL, "មន្ទីរពេទ្យព្រះកុសុមៈ", "Preah Kossamak Hospital", "120404"),
    (_K.HOSPITAL, "មន្ទីរពេទ្យមិត្តភាពខ្មែរ-សូវៀត", "Khmer-Soviet Friendship Hospital", "120111"),
    (_K.SCHOOL, "វិទ្យាល័យព្រះស៊ីសុវត្ថិ", "Sisowath High School", "120204"),
    (_K.SCHOOL, "វិទ្យាល័យបឹងត្របែក", "Boeng Trabaek High School", "120111"),
    (_K.SCHOOL, "សាកលវិទ្យាល័យភូមិន្ទភ្នំពេញ", "Royal University of Phnom Penh", "120405"),
)
# Invented ones are called after their sangkat.
_INVENTED = (
    (_K.SCHOOL, "សាលាបឋមសិក្សា{km}", "{en} Primary School"),
    (_K.MARKET, "ផ្សារ{km}", "{en} Market"),
    (_K.PAGODA, "វត្ត{km}", "Wat {en}"),
    (_K.HOSPITAL, "មណ្ឌលសុខភាព{km}", "{en} Health Centre"),
    (_K.INFORMAL_SETTLEMENT, "សហគមន៍{km}", "{en} Community"),
)
_HOW_MANY_INVENTED = 33
_SEED = 20260303
_RADII_M = {_K.MARKET: 120.0, _K.HERITAGE: 150.0, _K.TOURIST_SITE: 150.0, _K.HOSPITAL: 100.0}


def demo_places(names: Mapping[str, Mapping[str, str]], outlines: Mapping[str, BaseGeometry]) -> tuple[PlaceEntry, ...]:
    """Return the demo's landmarks, always the same.

    names, outlines: of the sangkats, by their codes in the list.
    """
    chance = random.Random(_SEED)  # noqa: S311 - a drawing, not a secret
    taken = {code for *_, code in _KNOWN}
    free = sorted(code for code in names if code not in taken)
    known = [(kind, {"km": km, "en": en}, code) for kind, km, en, code in _KNOWN if code in names]
    invented = []
    for i, code in enumerate(chance.sample(free, min(_HOW_MANY_INVENTED, len(free)))):
        kind, km, en = _INVENTED[i % len(_INVENTED)]
        own = names[code]
        invented.append((kind, {"km": km.format(km=own["km"]), "en": en.format(en=own["en"])}, code))
    entries = []
    for row, (kind, called, code) in enumerate(known + invented, start=1):
        spot = points_in(outlines[code].buffer(-0.0005) or outlines[code], 1, chance)[0]
        entries.append(
            PlaceEntry(
                row=row,
                source_id=f"{code}-{called['en']}",
                kind=kind,
                names=called,
                point=Point(lat=round(spot.y, 6), lon=round(spot.x, 6)),
                radius_m=_RADII_M.get(kind, 60.0),
            )
        )
    return tuple(entries)
