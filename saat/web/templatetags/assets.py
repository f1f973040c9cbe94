"""`{% asset "desk.css" %}` and `{% icon "pile" %}`: built files and pictures in templates."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from django import template
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_STATIC = Path(__file__).resolve().parent.parent / "static" / "saat"
_DRAWN = (
    'viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" '
    'stroke-linejoin="round" aria-hidden="true" focusable="false"'
)
_NAME = re.compile(r"^[a-z0-9-]+$")


@lru_cache(maxsize=1)
def _manifest() -> dict[str, dict[str, str]]:
    path = _STATIC / "dist" / "manifest.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"The front-end is not built: {path} is missing. Run `make setup`.") from error


def asset_path(name: str) -> Path:
    """Return where a built file lies on disk.

    :raises KeyError: if the build made no such file.
    """
    return _STATIC / "dist" / _manifest()[name]["file"]


@register.simple_tag
def asset(name: str) -> str:
    """Return the address of a built file, which changes with its content, so that browsers may keep it for ever.

    :raises KeyError: if the build made no such file.
    """
    return static(f"saat/dist/{_manifest()[name]['file']}")


@lru_cache(maxsize=64)
def _drawing(name: str) -> str | None:
    path = _STATIC / "icons" / f"{name}.svg"
    if not _NAME.match(name) or not path.exists():
        return None
    inner = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(encoding="utf-8"), re.DOTALL)
    return inner.group(1).strip() if inner else None


@register.simple_tag
def icon(name: str, kind: str = "icon") -> SafeString:
    """Return one of our own drawings as part of the page; it takes the colour of the text, and says nothing aloud.

    name: a file of static/saat/icons without its ending; an unknown one gives "other". kind: the CSS class.
    """
    drawing = _drawing(name) or _drawing("other") or ""
    # Drawings are files of this package and `kind` is written in templates; nothing of it comes from outside.
    return mark_safe(f'<svg class="{kind}" {_DRAWN}>{drawing}</svg>')  # noqa: S308
