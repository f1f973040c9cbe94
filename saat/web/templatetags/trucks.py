"""`{% stop_mark "risk" %}`: the drawn mark of a stop, the same in lists, tables, charts and on the map."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# Each mark is a few strokes on a sheet of 16 by 16: "fill" and "line" in the mark's colour, "cut" in the paper's.
# They differ by shape first, so that they can be told apart without colours.
SHAPES: dict[str, tuple[tuple[str, str], ...]] = {
    "served": (("fill", "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2z"), ("cut", "M5.2 8.2l2 2.2 3.7-4.4")),
    "late": (("fill", "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2z"), ("cut", "M8 4.6V8.3l2.5 1.6")),
    "partial": (("line", "M8 3a5 5 0 1 0 0 10A5 5 0 1 0 8 3z"), ("fill", "M8 3a5 5 0 0 0 0 10z")),
    "expected": (("line", "M8 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8z"),),
    "risk": (("fill", "M8 1.2L15.2 14H.8z"), ("cut", "M8 5.6v4M8 11.6v.4")),
    "missed": (("line", "M3.2 3.2l9.6 9.6M12.8 3.2l-9.6 9.6"),),
    "unknown": (("fill", "M2 2h12v12H2z"), ("cut", "M5.9 6.1a2.1 2.1 0 1 1 3 2c-.6.3-.9.7-.9 1.3M8 11.8v.2")),
    "skipped": (("fill", "M8 .8L15.2 8 8 15.2.8 8z"), ("cut", "M4.8 8h6.4")),
}


def strokes(mark: str) -> str:
    """Return the strokes of a mark as elements of an SVG drawing of 16 by 16."""
    return "".join(f'<path class="mk-{kind}" d="{path}"/>' for kind, path in SHAPES[mark])


@register.simple_tag
def stop_mark(mark: str) -> SafeString:
    """Return a mark as a small drawing that says nothing aloud: words stand beside it.

    :raises KeyError: if there is no such mark.
    """
    # Shapes are those above, and `mark` is one of their names; nothing of it comes from outside.
    drawn = f'<svg class="mk mk-{mark}" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{strokes(mark)}</svg>'
    return mark_safe(drawn)  # noqa: S308


@register.simple_tag
def mark_strokes(mark: str) -> SafeString:
    """Return the strokes of a mark alone, for a drawing that places it itself.

    :raises KeyError: if there is no such mark.
    """
    return mark_safe(strokes(mark))  # noqa: S308 - shapes of this module and nothing else
