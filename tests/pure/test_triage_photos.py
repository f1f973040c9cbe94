"""Perceptual hashes of pictures that were really scaled, re-encoded and changed."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from saat.triage.likeness import hash_distance, perceptual_hash


def scene(seed):
    """Return a picture with large and small shapes, as different from another seed's as two streets are."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:480, 0:640]
    light = np.full((480, 640), 90.0)
    for _ in range(40):
        width = random.uniform(15, 160)
        away = (x - random.uniform(0, 640)) ** 2 + (y - random.uniform(0, 480)) ** 2
        light += random.uniform(-70, 70) * np.exp(-away / (2 * width**2))
    light += random.normal(0, 6, light.shape)
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))


def hash_of(picture):
    return perceptual_hash(picture.convert("L").resize((32, 32), Image.Resampling.BOX).tobytes())


def encoded(picture, quality):
    held = io.BytesIO()
    picture.save(held, "JPEG", quality=quality)
    return Image.open(io.BytesIO(held.getvalue()))


CHANGES = {
    "encoded again": lambda picture: encoded(picture, 30),
    "scaled down": lambda picture: encoded(picture.resize((320, 240)), 60),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.25),
    "more contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.3),
    "cut by a hundredth": lambda picture: picture.crop((4, 3, 636, 477)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(6))
def test_a_picture_stays_the_same_when_it_is(change, seed):
    picture = scene(seed)
    assert hash_distance(hash_of(picture), hash_of(CHANGES[change](picture))) <= 8


def test_different_pictures_are_different():
    hashes = [hash_of(scene(seed)) for seed in range(20)]
    apart = [hash_distance(a, b) for a, b in itertools.combinations(hashes, 2)]
    # Of 190 pairs of unlike pictures, none passes for the same one.
    assert min(apart) > 12
    assert 28 < sum(apart) / len(apart) < 36


@given(st.binary(min_size=1024, max_size=1024))
def test_a_hash_is_an_unsigned_number_of_64_bits_half_of_them_set(grey):
    bits = perceptual_hash(grey)
    assert 0 <= bits < 2**64
    assert bits.bit_count() <= 32


@given(st.integers(0, 255))
def test_a_picture_of_one_grey_has_no_structure(value):
    assert perceptual_hash(bytes([value]) * 1024) == 0


def test_one_pixel_is_structure():
    assert perceptual_hash(bytes([0]) * 1023 + bytes([255])) != 0


@pytest.mark.parametrize("length", [0, 1023, 1025])
def test_another_number_of_values_is_refused(length):
    with pytest.raises(ValueError, match="1,024 bytes"):
        perceptual_hash(bytes(length))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_the_distance_is_a_metric_for_signed_and_unsigned_numbers(a, b):
    def signed(bits):
        return bits - 2**64 if bits >= 2**63 else bits

    assert (
        hash_distance(a, b) == hash_distance(b, a) == hash_distance(signed(a), b) == hash_distance(signed(a), signed(b))
    )
    assert hash_distance(a, a) == 0
    assert hash_distance(a, ~b & (2**64 - 1)) == 64 - hash_distance(a, b)
