"""Photos as files, named by their content, so that writing one twice is harmless."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from django.conf import settings


def path_of(digest: str) -> Path:
    """Return where the photo with this SHA-256 (hexadecimal) lies.

    :raises ValueError: if it is no such digest, so that a path never comes from outside.
    """
    if len(digest) != 64 or not all(letter in "0123456789abcdef" for letter in digest):
        raise ValueError("A photo is named by 64 hexadecimal digits.")
    return Path(settings.PHOTO_ROOT) / digest[:2] / f"{digest}.jpg"


def keep(*, digest: str, jpeg: bytes) -> None:
    """Write a photo durably unless it is there already."""
    path = path_of(digest)
    if not path.exists():
        _write(path, jpeg)


def thumb_of(digest: str, *, make: Callable[[bytes], bytes]) -> Path:
    """Return where the small twin of a photo lies; it is made when it is first asked for.

    make: given the photo's JPEG, returns the small one's.

    :raises FileNotFoundError: if there is no such photo.
    """
    path = _thumb_path(digest)
    if not path.exists():
        _write(path, make(path_of(digest).read_bytes()))
    return path


def remove(digest: str) -> None:
    """Delete a photo's file, and its small twin; nothing happens if it is not there."""
    path_of(digest).unlink(missing_ok=True)
    _thumb_path(digest).unlink(missing_ok=True)


def _thumb_path(digest: str) -> Path:
    path = path_of(digest)
    return path.parent.parent / "thumbs" / path.parent.name / path.name


def _write(path: Path, jpeg: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(jpeg)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def signed(bits: int) -> int:
    """Return 64 unsigned bits as the signed number that databases keep."""
    return bits - (1 << 64) if bits >= 1 << 63 else bits


def unsigned(number: int) -> int:
    """Return a database's signed number as 64 unsigned bits."""
    return number + (1 << 64) if number < 0 else number
