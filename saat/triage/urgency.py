"""How soon somebody must act on a report, and what says so."""

from __future__ import annotations

from collections.abc import Iterable

from saat.terms.case import Danger, ServiceLevel, Urgency
from saat.terms.policy import Category, CityPolicy
from saat.triage.phrases import Phrases
from saat.triage.spelling import spelt
from saat.triage.words import spoken_of

_MANY_VOICES = 5  # so many people who see the same trouble raise it by a step

# Words of danger in Khmer and English, for every city; the words of a city's own urgent categories extend them, see
# `urgency_of`. A word here must be rare in harmless reports: ភ្លើង alone is also a lamp, ឆេះ only burns.
_DANGER: dict[Danger, tuple[Urgency, tuple[str, ...]]] = {
    Danger.FIRE: (
        Urgency.DANGER,
        ("fire", "burning", "flame", "explosion", "exploded", "ឆេះ", "អគ្គិភ័យ", "ផ្ទុះ", "កំពុងដុត"),
    ),
    Danger.NEEDLE: (Urgency.DANGER, ("needle", "syringe", "ម្ជុល", "សឺរ៉ាំង", "សឺរាំង", "ស៊ីរ៉ាំង")),
    Danger.MEDICAL: (
        Urgency.DANGER,
        ("medical waste", "hospital waste", "clinical waste", "blood", "សំណល់ពេទ្យ", "សំណល់មន្ទីរពេទ្យ", "សំណល់វេជ្ជសាស្ត្រ"),
    ),
    Danger.CHEMICAL: (
        Urgency.DANGER,
        ("chemical", "acid", "poison", "asbestos", "gas leak", "គីមី", "អាស៊ីត", "ជាតិពុល", "ថ្នាំពុល"),
    ),
    Danger.WIRE: (Urgency.DANGER, ("live wire", "fallen wire", "electrocuted", "ខ្សែភ្លើងដាច់", "ឆក់ខ្សែភ្លើង")),
    Danger.INJURED: (Urgency.DANGER, ("injured", "bleeding", "របួស", "ហូរឈាម")),
    Danger.AMBULANCE: (
        Urgency.DANGER,
        ("ambulance", "fire engine", "fire truck", "emergency exit", "រថយន្តសង្គ្រោះ", "ឡានពេទ្យ", "រថយន្តពន្លត់អគ្គិភ័យ"),
    ),
    Danger.SMOKE: (Urgency.HIGH, ("smoke", "smoking", "ផ្សែង")),
    Danger.BLOCKED: (
        Urgency.HIGH,
        (
            "road blocked",
            "road is blocked",
            "blocked road",
            "blocks the road",
            "blocking the road",
            "street is blocked",
            "blocks the street",
            "cannot pass",
            "can't pass",
            "cannot get through",
            "ស្ទះផ្លូវ",
            "បិទផ្លូវ",
            "បាំងផ្លូវ",
            "ទៅមិនរួច",
            "ឆ្លងកាត់មិនបាន",
        ),
    ),
    Danger.FLOOD: (Urgency.HIGH, ("flood", "flooding", "flooded", "ទឹកលិច", "លិចទឹក", "លិចផ្លូវ", "ជំនន់")),
    Danger.GLASS: (Urgency.HIGH, ("broken glass", "glass shards", "អំបែងកែវ", "កែវបែក", "អំបែង")),
    Danger.DEAD_ANIMAL: (
        Urgency.HIGH,
        ("dead animal", "dead dog", "dead rat", "dead cat", "carcass", "សត្វងាប់", "ឆ្កែងាប់", "ខ្មោចឆ្កែ"),
    ),
}
# What holds a word of danger and is none.
_HARMLESS = Phrases(
    [
        "fire station",
        "fire hydrant",
        "fire department",
        "fire brigade",
        "no fire",
        "no smoke",
        "smoke free",
        "no smoking",
    ]
)
_PATTERNS = [(f"words:{name}", urgency, Phrases(words)) for name, (urgency, words) in _DANGER.items()]


def urgency_of(
    *,
    category: Category,
    words: str,
    service_level: ServiceLevel,
    voices: int,
    policy: CityPolicy | None = None,
    told: Iterable[Danger] = (),
) -> tuple[Urgency, tuple[str, ...]]:
    """Return how urgent a case is, and the codes of everything that alone would have made it so.

    words: what residents wrote. service_level: of the place. voices: reports and people who see it too, at least 1.
    policy: where given, the words of its categories that are more urgent than the chosen one raise a report to high.
    told: what an official asked the caller for and heard.

    "category": the category's own urgency. "words:<what>": a word of danger, or of an urgent category (its service
    code); never what was written itself. "told:<what>": a danger that a caller told of. "place:highest": hospitals and
    heritage sites are at least high. "place:raised": markets and schools are at least normal. "voices":
    five people raise a trouble by a step, at most to high.

    Words are looked for, not understood: "the fire is out" still counts, which errs on the safe side.

    >>> from saat.terms.policy import example_policy
    >>> pile = example_policy().category("pile")
    >>> urgency_of(category=pile, words="It is burning!", service_level=ServiceLevel.USUAL, voices=1)
    (<Urgency.DANGER: 'danger'>, ('words:fire',))
    >>> urgency_of(category=pile, words="A heap", service_level=ServiceLevel.HIGHEST, voices=7)
    (<Urgency.HIGH: 'high'>, ('place:highest', 'voices'))
    """
    said: list[tuple[int, str]] = [(category.urgency.level, "category")]
    if words:
        text = _HARMLESS.taken_out_of(spelt(words))
        said += [(urgency.level, code) for code, urgency, pattern in _PATTERNS if pattern.are_in(text)]
        if policy is not None:
            # A city's words are there to tell categories apart ("dead"), so they alarm less than the words of danger.
            more = max(category.urgency.level + 1, Urgency.HIGH.level)
            said += [(Urgency.HIGH.level, f"words:{code}") for code, _, _ in spoken_of(text, policy, more)]
    said += [(_DANGER[danger][0].level, f"told:{danger}") for danger in told]
    if service_level is ServiceLevel.HIGHEST:
        said.append((Urgency.HIGH.level, "place:highest"))
    elif service_level is ServiceLevel.RAISED:
        said.append((Urgency.NORMAL.level, "place:raised"))
    if voices >= _MANY_VOICES:
        said.append((min(category.urgency.level + 1, Urgency.HIGH.level), "voices"))
    most = max(level for level, _ in said)
    return list(Urgency)[most], tuple(code for level, code in said if level == most)
