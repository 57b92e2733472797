"""Names match from the end."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from goodsam_pl.cli.masks.image_names import ImageNames

ROOT = Path("images")
NAMES = ImageNames(
    ROOT,
    [
        ROOT / each
        for each in ("train/Amsterdam/1.png", "train/Athens/1.png", "a.jpg", "a.png", "b/ö.1.tif")
    ],
)


def best(name):
    found = NAMES.meant_by(name)
    return {
        image.relative_to(ROOT).as_posix()
        for image, fit in found.items()
        if fit == max(found.values())
    }


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("Amsterdam/1", {"train/Amsterdam/1.png"}),
        ("Amsterdam\\1.png", {"train/Amsterdam/1.png"}),
        ("C:\\data\\train\\Amsterdam\\1.jpg", {"train/Amsterdam/1.png"}),
        ("1", {"train/Amsterdam/1.png", "train/Athens/1.png"}),
        ("Berlin/1", set()),
        ("masks/Athens/1", set()),  # of which the images are in train/
        ("a", {"a.jpg", "a.png"}),
        ("a.png", {"a.png"}),
        ("./a.webp", {"a.jpg", "a.png"}),
        ("far/away/a.jpg", {"a.jpg"}),
        (unicodedata.normalize("NFD", "ö.1"), {"b/ö.1.tif"}),
        ("A", set()),
        ("", set()),
    ],
)
def test_what_a_name_means(name, images):
    assert best(name) == images


def test_whether_an_image_has_all_of_a_name():
    assert NAMES.has_all_of("Amsterdam/1")
    assert not NAMES.has_all_of("masks/a")
    assert NAMES.examples() == "a.jpg, a.png, b/ö.1.tif and 2 more"
