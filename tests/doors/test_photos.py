"""A stranger's file becomes a clean picture or a clear refusal; and who sees which picture."""

from __future__ import annotations

import hashlib
import struct
import zlib
from datetime import UTC, datetime
from io import BytesIO

import pytest
from django.test import Client
from PIL import Image

from saat.actions.log import RESIDENT
from saat.actions.reports import receive_report
from saat.records import photo_store
from saat.records.models import Photo
from saat.terms.case import Role
from saat.terms.policy import example_policy
from saat.web.photos import LONGEST_SIDE, THUMB_SIDE, PhotoRefused, decode_photo
from tests.city import MONDAY_MORNING, make_city, make_user, new_report
from tests.pictures import exif_of, picture_bytes, scene, upload

POLICY = example_policy()


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(BytesIO(jpeg))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("JPEG", "photo.jpg"),
        ("PNG", "photo.png"),
        ("WEBP", "photo.webp"),
        ("HEIF", "IMG_0001.HEIC"),
        ("AVIF", "photo.avif"),
        ("JPEG", "wrongly-called.png"),
        ("PNG", "called-nothing"),
    ],
)
def test_a_photo_of_any_usual_kind_becomes_a_jpeg_whatever_its_name_says(kind, name):
    photo = decode_photo(upload(picture_bytes(kind), name), policy=POLICY)
    clean = opened(photo.jpeg)
    assert (clean.format, clean.mode, clean.size) == ("JPEG", "RGB", (800, 600))
    assert (photo.width, photo.height) == (800, 600)
    assert photo.digest == hashlib.sha256(photo.jpeg).hexdigest()
    assert len(photo.grey) == 32 * 32


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
def test_every_kind_of_colour_becomes_plain_colour(mode):
    kind = "JPEG" if mode in ("L", "CMYK") else "PNG"
    picture = Image.new("I;16", (64, 64), 40_000) if mode == "I;16" else scene(64, 64).convert(mode)
    photo = decode_photo(upload(picture_bytes(kind, picture)), policy=POLICY)
    assert opened(photo.jpeg).mode == "RGB"


def test_what_is_see_through_lies_on_white():
    photo = decode_photo(upload(picture_bytes("PNG", Image.new("RGBA", (64, 64), (0, 0, 0, 0)))), policy=POLICY)
    assert opened(photo.jpeg).getpixel((32, 32)) == (255, 255, 255)


def test_place_and_time_are_read_before_all_metadata_goes():
    exif = exif_of(taken="2026:03:02 10:15:00", offset="+07:00", lat=11.5480, lon=104.91)
    raw = picture_bytes("JPEG", exif=exif, comment=b"taken by Sok Dara", icc_profile=b"profile of Sok Dara's screen")
    photo = decode_photo(upload(raw), policy=POLICY)
    assert photo.taken_at == datetime(2026, 3, 2, 3, 15, tzinfo=UTC)
    assert photo.point is not None
    assert (round(photo.point.lat, 4), round(photo.point.lon, 4)) == (11.548, 104.91)
    assert b"Sok Dara" not in photo.jpeg
    assert b"Exif" not in photo.jpeg
    assert not opened(photo.jpeg).getexif()


def test_a_clock_without_an_offset_is_the_citys_own():
    photo = decode_photo(upload(picture_bytes(exif=exif_of(taken="2026:03:02 10:15:00"))), policy=POLICY)
    assert photo.taken_at == datetime(2026, 3, 2, 3, 15, tzinfo=UTC)


def test_place_and_time_of_heic_are_read_too():
    exif = exif_of(taken="2026:03:02 10:15:00", lat=-6.2, lon=106.8)
    photo = decode_photo(upload(picture_bytes("HEIF", exif=exif.tobytes())), policy=POLICY)
    assert photo.taken_at is not None
    assert photo.point is not None
    assert (round(photo.point.lat, 3), round(photo.point.lon, 3)) == (-6.2, 106.8)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    "exif",
    [
        exif_of(taken="0000:00:00 00:00:00"),
        exif_of(taken="yesterday"),
        exif_of(lat=0.0, lon=0.0),
        exif_of(lat=97.5, lon=104.9),
        b"Exif\0\0II*\0\xff\xff\xff\xff",
    ],
)
def test_broken_metadata_is_left_out_and_refuses_no_photo(exif):
    photo = decode_photo(upload(picture_bytes(exif=exif)), policy=POLICY)
    assert (photo.taken_at, photo.point) == (None, None)


def test_a_photo_taken_sideways_stands_upright():
    sideways = scene(400, 300)
    sideways.paste((255, 0, 0), (0, 0, 400, 40))  # the upper edge as the sensor saw it
    photo = decode_photo(upload(picture_bytes("JPEG", sideways, exif=exif_of(orientation=6))), policy=POLICY)
    assert (photo.width, photo.height) == (300, 400)
    red, green, blue = opened(photo.jpeg).getpixel((290, 200))
    assert red > 200
    assert green < 60
    assert blue < 60


def test_a_large_photo_is_made_small_enough_for_a_page():
    photo = decode_photo(upload(picture_bytes("JPEG", scene(4000, 3000))), policy=POLICY)
    assert max(photo.width, photo.height) == LONGEST_SIDE


def test_of_a_moving_picture_the_first_is_taken():
    first, second = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")
    raw = picture_bytes("WEBP", first, save_all=True, append_images=[second], lossless=True)
    assert opened(decode_photo(upload(raw), policy=POLICY).jpeg).getpixel((32, 32))[0] > 200


def test_what_hangs_behind_a_photo_or_beside_its_pixels_goes_no_further():
    script = b"<script>alert(document.domain)</script>"
    raw = picture_bytes("JPEG", comment=script) + b"%PDF-1.7\n" + script + b"PK\x03\x04"
    photo = decode_photo(upload(raw, "page.html"), policy=POLICY)
    assert b"script" not in photo.jpeg
    assert b"%PDF" not in photo.jpeg
    assert photo.jpeg.endswith(b"\xff\xd9")


def refused(content: bytes, name: str = "photo.jpg") -> PhotoRefused:
    with pytest.raises(PhotoRefused) as caught:
        decode_photo(upload(content, name), policy=POLICY)
    return caught.value


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><script>alert(1)</script></svg>',
        b"<!doctype html><title>Photo</title>",
        b"GIF89a" + b"\x00" * 200,
        b"just some words that are no picture at all",
        b"\x00" * 4096,
        b"\xff\xd8\xff",
    ],
    ids=["pdf", "svg", "html", "gif", "words", "zeros", "three bytes"],
)
def test_what_is_no_photo_is_refused_by_name(content):
    error = refused(content, "my file.jpg")
    assert "my file.jpg" in str(error)
    assert error.code == "photo_unknown"
    assert error.field == "photos"


def test_an_empty_file_is_refused():
    class Empty:
        name, size = "photo.jpg", 0

        def read(self, size: int = -1) -> bytes:
            return b""

    with pytest.raises(PhotoRefused, match=r"photo\.jpg.*is empty"):
        decode_photo(Empty(), policy=POLICY)


def test_a_photo_of_one_pixel_is_refused():
    assert refused(picture_bytes("PNG", Image.new("RGB", (1, 1)))).code == "photo_too_small"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_photo_that_was_cut_off_is_refused_as_damaged(kind):
    whole = picture_bytes(kind, scene(640, 480))
    assert refused(whole[: len(whole) // 2]).code in ("photo_damaged", "photo_unknown")


def test_a_file_that_swells_to_a_billion_pixels_is_refused_before_it_does():
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )
    error = refused(bomb, "bomb.png")
    assert error.code == "photo_too_many_pixels"
    assert "50 million" in str(error)


def test_a_file_above_the_citys_limit_is_refused_before_it_is_read():
    class Huge:
        name, size = "holiday.jpg", 49_600_000

        def read(self, size: int = -1) -> bytes:
            raise AssertionError("It should not have been read.")

    with pytest.raises(PhotoRefused, match=r"holiday\.jpg.*50 MB.*at most 12 MB"):
        decode_photo(Huge(), policy=POLICY)


def test_a_strange_file_name_cannot_break_a_sentence():
    error = refused(b"no photo", "a\u202eb\x00\n" + "x" * 300 + ".jpg")
    assert "\u202e" not in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 200


# ------------------------------------------------------------------------------------------------- who sees what


@pytest.fixture
def hall(db):
    return make_city()


def report_with_photo(hall, *, seed: int = 1, **options) -> tuple[str, Photo]:
    photo = decode_photo(upload(picture_bytes("JPEG", scene(seed=seed))), policy=hall.city.policy_terms())
    made = receive_report(
        city=hall.city, report=new_report(photos=(photo,), **options), now=MONDAY_MORNING, by=RESIDENT
    )
    return made.token, Photo.objects.get(service_request_id=made.service_request_id)


def status(client: Client, photo: Photo, token: str = "", size: str = "full") -> int:
    return client.get(f"/photos/{photo.pk}/{size}", {"t": token} if token else {}).status_code


def test_a_residents_photo_is_seen_by_the_resident_and_not_by_a_stranger(hall, client):
    token, photo = report_with_photo(hall)
    assert status(client, photo, token) == 200
    assert status(client, photo) == 404
    assert status(client, photo, "0" * 26) == 404
    assert status(client, photo, token[:-1]) == 404


def test_another_reporters_link_does_not_open_it(hall, client):
    _token, photo = report_with_photo(hall, seed=1)
    other, _photo = report_with_photo(hall, seed=2)
    assert status(client, photo, other) == 404


def test_officials_see_the_photos_of_their_own_area_only(hall, client):
    _token, photo = report_with_photo(hall)
    client.force_login(make_user(hall.city, Role.SANGKAT_OFFICER, area=hall.sangkats["Phsar Kandal"]))
    assert status(client, photo) == 200
    client.force_login(make_user(hall.city, Role.SANGKAT_OFFICER, area=hall.sangkats["Tonle Bassac"]))
    assert status(client, photo) == 404


def test_a_photo_that_was_made_public_is_seen_by_all(hall, client):
    _token, photo = report_with_photo(hall)
    Photo.objects.filter(pk=photo.pk).update(public=True)
    assert status(client, photo) == 200


def test_a_photo_that_was_removed_is_seen_by_nobody(hall, client):
    token, photo = report_with_photo(hall)
    Photo.objects.filter(pk=photo.pk).update(removed_at=MONDAY_MORNING)
    assert status(client, photo, token) == 404


def test_a_photo_is_sent_as_a_picture_and_nothing_else(hall, client):
    token, photo = report_with_photo(hall)
    response = client.get(f"/photos/{photo.pk}/full", {"t": token}, headers={"accept-encoding": "gzip"})
    assert b"".join(response.streaming_content) == photo_store.path_of(photo.digest).read_bytes()
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"].startswith("private")
    assert response.headers["Content-Disposition"].startswith("inline")
    assert "Content-Encoding" not in response.headers
    again = client.get(f"/photos/{photo.pk}/full", {"t": token}, headers={"if-none-match": response.headers["ETag"]})
    assert again.status_code == 304


def test_a_small_twin_is_made_when_it_is_asked_for_and_goes_with_the_photo(hall, client):
    token, photo = report_with_photo(hall)
    response = client.get(f"/photos/{photo.pk}/thumb", {"t": token})
    assert max(opened(b"".join(response.streaming_content)).size) == THUMB_SIDE
    assert status(client, photo, token, size="huge") == 404
    photo_store.remove(photo.digest)
    assert status(client, photo, token, size="thumb") == 404
