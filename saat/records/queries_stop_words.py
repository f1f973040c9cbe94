"""What residents said about stops, for the follower: it weighs in the probability that a stop was served."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Max

from saat.records.models import StopWord
from saat.terms.run import ResidentWord


def resident_words(run_ids: Collection[int]) -> dict[int, tuple[ResidentWord, ...]]:
    """Return what residents said about the stops of each run, oldest first; one query. Runs without words are left out.

    One word a stop weighs, however many neighbours say the same: ten who live at one corner saw one thing.
    """
    found: dict[int, dict[tuple[int, bool], ResidentWord]] = {}
    rows = StopWord.objects.filter(run_id__in=run_ids).order_by("said_at", "pk")
    for run_id, stop_id, collected, said_at in rows.values_list("run_id", "stop_id", "collected", "said_at"):
        word = ResidentWord(said_s=said_at.timestamp(), stop_id=stop_id, collected=collected)
        found.setdefault(run_id, {}).setdefault((stop_id, collected), word)
    return {run_id: tuple(words.values()) for run_id, words in found.items()}


def newest_stop_word_id() -> int:
    """Return the id of the latest word, 0 if there is none; one query."""
    return StopWord.objects.aggregate(newest=Max("pk"))["newest"] or 0


def runs_with_words_since(word_id: int) -> set[int]:
    """Return the runs about which something was said after a word; one query."""
    return set(StopWord.objects.filter(pk__gt=word_id).values_list("run_id", flat=True))
