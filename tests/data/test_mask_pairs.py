from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from domain_files import block, write_domain, write_mask, write_picture

from goodsam_pl.data.mask_pairs import beside_each_other, in_two_folders


def two_folders(root: Path) -> list[str]:
    return [each.name for each in in_two_folders(root / "images", root / "masks")]


def test_images_and_masks_of_one_path(tmp_path):
    write_domain(tmp_path, 2)
    write_picture(tmp_path / "images/deep/02.jpg", 2)
    write_mask(tmp_path / "masks/deep/02.png", block(2))
    assert two_folders(tmp_path) == ["00", "01", "deep/02"]


def test_photographs_beside_masks(tmp_path):
    for number in (1, 0):
        write_picture(tmp_path / f"part {number}.jpg", number)
        write_mask(tmp_path / f"part {number}.png", block(number))
    found = beside_each_other(tmp_path)
    assert [(each.image.name, str(each.mask)) for each in found] == [
        (f"part {number}.jpg", str(tmp_path / f"part {number}.png")) for number in (0, 1)
    ]
    (tmp_path / "part 1.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"part 1\.png is a mask without an image"):
        beside_each_other(tmp_path)


def test_what_does_not_pair_is_told(tmp_path):
    write_domain(tmp_path, 4)
    (tmp_path / "masks/01.png").unlink()
    (tmp_path / "masks/02.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"01\.png has no mask \(and 1 more .*'01'; put"):
        two_folders(tmp_path)
    for name in ("01", "02", "03"):
        (tmp_path / f"images/{name}.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"masks/03\.png is a mask without an image:"):
        two_folders(tmp_path)
    (tmp_path / "masks/03.png").unlink()
    write_picture(tmp_path / "images/00.jpg", 0)
    with pytest.raises(ValueError, match=r"00\.(jpg|png) and .* have one name, '00'"):
        two_folders(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere/images: no such folder"):
        two_folders(tmp_path / "nowhere")
    for folder in ("images", "masks"):
        (tmp_path / "bare" / folder).mkdir(parents=True)
    with pytest.raises(ValueError, match="bare/masks: no image and no mask"):
        two_folders(tmp_path / "bare")
