from __future__ import annotations

from pathlib import Path

import pytest

from goodsam_pl.data import Domain
from goodsam_pl.data.domain_buffer import draw_buffer
from goodsam_pl.data.masked_image import MaskedImage, MaskFile


def domain(name: str, count: int = 12) -> Domain:
    images = [
        MaskedImage(Path(f"{index}.jpg"), MaskFile(Path(f"{index}.png")), str(index))
        for index in range(count)
    ]
    return Domain(name, tuple(images), (), ())


def drawn(name: str, count: int, seed: int = 0) -> list[str]:
    return [image.name for image in draw_buffer(domain(name), count, seed)]


def test_images_are_drawn_by_seed_and_domain():
    assert drawn("rail", 5) == drawn("rail", 5)
    assert len(set(drawn("rail", 5))) == 5
    assert drawn("rail", 5) != drawn("rail", 5, seed=1)
    assert drawn("rail", 5) != drawn("polyp", 5)
    assert drawn("rail", 5) != ["0", "1", "2", "3", "4"]  # the first ones are the release's
    assert drawn("rail", 12)[:5] == drawn("rail", 5)


def test_every_image_is_as_likely_as_another():
    counts = [0] * 12
    for seed in range(300):
        for name in drawn("rail", 4, seed):
            counts[int(name)] += 1
    assert min(counts) > 65
    assert max(counts) < 135


def test_a_buffer_that_the_domain_does_not_fill_is_refused():
    for count in (0, 13):
        told = f"a buffer of {count} images of domain rail, which has 12 .*: choose from 1 to 12"
        with pytest.raises(ValueError, match=told):
            draw_buffer(domain("rail"), count, 0)
