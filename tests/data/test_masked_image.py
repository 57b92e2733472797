from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from domain_files import SIZE, block, write_mask, write_picture

from goodsam_pl.data.masked_image import MaskedImage, MaskFile, resize_mask


def image_with(mask_file: Path, size: tuple[int, int] = SIZE) -> MaskedImage:
    return MaskedImage(
        write_picture(mask_file.with_name("photo.png"), 3, size), MaskFile(mask_file), "photo"
    )


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_what_is_brighter_than_128_is_foreground(tmp_path, suffix):
    blurred = np.zeros(SIZE, dtype=np.uint8)
    blurred[4:12, 8:24] = 255
    Image.fromarray(blurred).save(tmp_path / f"mask.{suffix}")
    pair = image_with(tmp_path / f"mask.{suffix}").read()
    assert np.array_equal(pair.mask, blurred > 128)
    assert np.array_equal(pair.image, np.array(Image.open(tmp_path / "photo.png")))


def test_the_threshold_and_the_modes(tmp_path):
    grey = np.full(SIZE, 128, dtype=np.uint8)
    grey[2, 3] = 129
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(tmp_path / "rgb.png")
    Image.fromarray(grey > 128).save(tmp_path / "bits.png")
    for name in ("grey", "rgb", "bits"):
        mask = image_with(tmp_path / f"{name}.png").read().mask
        assert np.argwhere(mask).tolist() == [[2, 3]]


def test_what_is_wrong_with_a_mask_is_told(tmp_path):
    empty = write_mask(tmp_path / "empty.png", np.zeros(SIZE, dtype=bool))
    with pytest.raises(ValueError, match=r"empty\.png: an empty mask.*photo\.png: take both"):
        image_with(empty).read()
    Image.fromarray(block(0).astype(np.uint8)).save(tmp_path / "ones.png")
    with pytest.raises(ValueError, match=r"ones\.png: no pixel is above 128, the brightest is 1:"):
        image_with(tmp_path / "ones.png").read()
    other = write_mask(tmp_path / "other.png", block(0))
    with pytest.raises(ValueError, match=r"other\.png: 30×20 pixels, but .*photo\.png has 24×40"):
        image_with(other, (40, 24)).read()
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        image_with(tmp_path / "none.png").read()
    (tmp_path / "cut.png").write_bytes(other.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"cut\.png"):
        image_with(tmp_path / "cut.png").read()


def test_a_mask_that_falls_between_pixels_keeps_one():
    mask = np.zeros((40, 60), dtype=bool)
    mask[30, 20] = True
    small = resize_mask(mask, (4, 6))
    assert np.argwhere(small).tolist() == [[3, 2]]
    assert np.array_equal(resize_mask(block(5), SIZE), block(5))
    assert resize_mask(block(5), (40, 60)).sum() == 4 * block(5).sum()
