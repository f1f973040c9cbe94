"""What the demo's residents and officials write, in Khmer and in English. All of it is invented."""

from __future__ import annotations

# By category: language to sentences. {place} is a landmark's name.
REPORTS: dict[str, dict[str, tuple[str, ...]]] = {
    "pile": {
        "km": (
            "សំរាមគរច្រើនណាស់នៅមុខផ្ទះ ស្អុយខ្លាំង",
            "មានគំនរសំរាមនៅជ្រុងផ្លូវ ពីរថ្ងៃហើយ",
            "ថង់សំរាមប្រហែលដប់ពាសពេញចិញ្ចើមផ្លូវ",
            "សំរាមគរនៅក្បែរ{place} មិនទាន់មានអ្នកមកប្រមូលទេ",
            "ឆ្កែកកាយថង់សំរាម រាយប៉ាយពេញផ្លូវ",
            "គំនរសំរាមរាំងផ្លូវ ម៉ូតូពិបាកឆ្លងកាត់",
            "សូមជួយមកយកសំរាមនៅជិត{place}ផង",
        ),
        "en": (
            "Rubbish piled up at the corner, it smells very bad",
            "About ten bags on the pavement since yesterday",
            "Dogs tore the bags open, rubbish all over the street",
            "A heap beside {place}, nobody collects it",
            "The pile blocks half of the lane, motorbikes cannot pass",
            "Rubbish in front of {place} again, third time this month",
        ),
    },
    "missed-collection": {
        "km": (
            "ឡានសំរាមមិនមកបីថ្ងៃហើយ",
            "យប់មិញឡានសំរាមមិនបានចូលផ្លូវរបស់យើងទេ",
            "រទេះសំរាមមិនបានមកប្រមូលក្នុងច្រកតូចនេះទេ",
            "ផ្ទះបីខ្នងនៅតែមានសំរាម ឡានបើកហួសទៅបាត់",
            "យើងដាក់សំរាមម៉ោងប្រាំពីរល្ងាច ព្រឹកឡើងនៅដដែល",
        ),
        "en": (
            "The truck has not come for three days",
            "Last night the truck did not enter our alley",
            "Our row of houses was left out again",
            "We put the bags out at seven in the evening and they are still here",
            "The pushcart did not come this week",
        ),
    },
    "full-bin": {
        "km": (
            "ធុងសំរាមសាធារណៈពេញហៀរ",
            "កុងតឺន័រសំរាមពេញ សំរាមធ្លាក់មកក្រៅ",
            "គម្របធុងសំរាមបាក់ ស្អុយណាស់",
            "ធុងនៅមុខ{place}ពេញតាំងពីព្រឹក",
        ),
        "en": (
            "The public bin overflows",
            "The container is full and rubbish falls out",
            "The lid of the bin is broken and it smells",
            "The bin in front of {place} is full since the morning",
        ),
    },
    "dumping": {
        "km": (
            "មានគេយកសំណល់សំណង់មកចាក់ចោលនៅដីទំនេរ",
            "មានរថយន្តមកចាក់សំរាមនៅទីនេះពេលយប់",
            "គេយកពូកចាស់និងតុទូមកចោលនៅក្បែរ{place}",
        ),
        "en": (
            "Somebody dumped building rubble on the empty plot",
            "A pick-up comes at night and dumps rubbish here",
            "An old mattress and furniture were left near {place}",
        ),
    },
    "blocked-drain": {
        "km": (
            "សំរាមស្ទះលូ ទឹកចាប់ផ្ដើមលិចផ្លូវ",
            "មាត់លូពេញដោយថង់ប្លាស្ទិក",
            "ប្រឡាយពេញសំរាម ទឹកមិនហូរ",
        ),
        "en": (
            "Rubbish blocks the drain and the water rises",
            "The gully is full of plastic bags",
            "The canal behind {place} is full of rubbish, the water does not flow",
        ),
    },
    "danger": {
        "km": (
            "មានម្ជុលចាក់ថ្នាំនៅក្បែរ{place}",
            "មានគេដុតសំរាម ផ្សែងហុយខ្លាំង",
            "មានឆ្កែងាប់នៅលើចិញ្ចើមផ្លូវ",
            "មានដបសារធាតុគីមីចោលនៅទីនេះ",
        ),
        "en": (
            "Used needles beside {place}",
            "Somebody burns rubbish, there is thick smoke",
            "A dead dog on the pavement",
            "Bottles with chemicals were left here",
        ),
    },
    "other": {
        "km": ("បង្គន់សាធារណៈកខ្វក់ណាស់", "សូមដាក់ធុងសំរាមបន្ថែមនៅទីនេះ"),
        "en": ("The public toilet is very dirty", "Please put another bin here"),
    },
}

ME_TOO: dict[str, tuple[str, ...]] = {
    "km": ("ខ្ញុំក៏ឃើញដែរ", "នៅតែមានដដែល ថែមទាំងច្រើនជាងមុន", "ខ្ញុំដើរកាត់រាល់ថ្ងៃ ស្អុយណាស់", ""),
    "en": ("I see it too", "It is getting more every day", "I pass here every morning, please hurry", ""),
}
STILL_THERE: dict[str, tuple[str, ...]] = {
    "km": ("មិនទាន់បានប្រមូលទេ នៅដដែល", "គេយកទៅតែខ្លះ នៅសល់ច្រើនទៀត"),
    "en": ("It is still there, nothing was collected", "They took only some of it"),
}
GONE: dict[str, tuple[str, ...]] = {
    "km": ("បានស្អាតហើយ អរគុណ", "អរគុណច្រើន", ""),
    "en": ("It is clean now, thank you", "Thank you, that was quick", ""),
}
TOLD: dict[str, tuple[str, ...]] = {
    "km": (
        "អរគុណសម្រាប់ការប្រាប់។ ក្រុមការងារនឹងទៅដល់ថ្ងៃនេះ។",
        "យើងបានប្រគល់ការងារនេះដល់ក្រុមហ៊ុនប្រមូលសំរាមហើយ។",
    ),
    "en": (
        "Thank you for telling us. A crew will be there today.",
        "We have handed this to the company that collects in your area.",
    ),
}
ASKED: dict[str, tuple[str, ...]] = {
    "km": ("តើសំរាមនៅខាងណានៃផ្លូវ?", "តើអ្នកអាចប្រាប់ឈ្មោះហាងដែលនៅជិតបានទេ?"),
    "en": ("On which side of the street is it?", "Can you name a shop that is near?"),
}
ANSWERED: dict[str, tuple[str, ...]] = {
    "km": ("នៅខាងឆ្វេង ជិតហាងលក់ទឹកកក", "នៅទល់មុខហាងជួសជុលម៉ូតូ"),
    "en": ("On the left, beside the ice shop", "Opposite the motorbike repair shop"),
}
NOTES: tuple[str, ...] = (
    "ម្ចាស់ផ្ទះសន្យាថាយកចេញថ្ងៃនេះ",
    "The alley is two metres wide: send the small truck or a pushcart.",
    "ត្រូវការក្រុមដែលមានស្រោមដៃ និងប្រអប់ដាក់ម្ជុល",
    "Spoke with the market's manager; they will add a container from next week.",
    "ក្រុមហ៊ុនថាឡានខូច នឹងទៅយប់នេះ",
    "Comes back every few days: look for who dumps here.",
)
CLOSING_NOTES: tuple[str, ...] = ("", "", "ប្រមូលរួចហើយ", "Collected and swept.", "Two cubic metres taken away.")
TEXTS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "Crew on its way",
        {
            "km": "ករណី {code}៖ ក្រុមការងារកំពុងធ្វើដំណើរទៅ។ អរគុណ។ {office}",
            "en": "Case {code}: a crew is on its way. Thank you. {office}",
        },
    ),
    (
        "Handed to the contractor",
        {
            "km": "ករណី {code} ត្រូវបានប្រគល់ដល់ក្រុមហ៊ុន។ យើងសន្យាធ្វើឱ្យរួចត្រឹម {due}។",
            "en": "Case {code} was handed to the company. We promise to have it done by {due}.",
        },
    ),
    (
        "Ask for the exact place",
        {
            "km": "យើងរកកន្លែងនៃករណី {code} មិនឃើញទេ។ សូមប្រាប់អ្វីដែលនៅជិត។",
            "en": "We cannot find the place of case {code}. Please tell us what is near.",
        },
    ),
)
