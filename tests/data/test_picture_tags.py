"""What is carried over from a picture, at other sizes and for parts of it."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.picture_tags import PictureTags, _not_carried, read_picture_tags
from goodsam_pl.data.sphere_tags import read_sphere_tags, sphere_values

sys.path.insert(0, str(Path(__file__).parents[1]))
from tagged_pictures import AMSTERDAM, FULL, packet, write_tagged

STRIP = FULL | {"CroppedAreaImageHeightPixels": "2000", "CroppedAreaTopPixels": "1200"}
"""From 36° above the horizon to 54° below it."""


def read(path: Path) -> PictureTags:
    with open_image(path) as image:
        return read_picture_tags(image)


def counts(tags: PictureTags) -> list[int]:
    names = ("FullPanoWidth", "FullPanoHeight", "CroppedAreaImageWidth", "CroppedAreaImageHeight")
    names = (*names, "CroppedAreaLeft", "CroppedAreaTop")
    return [int(tags.sphere[f"{name}Pixels"]) for name in names]


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_place_time_and_sphere_come_out_as_they_went_in_and_nothing_else(tmp_path, suffix):
    write_tagged(tmp_path / f"a{suffix}", place=AMSTERDAM, sphere=FULL)
    tags = read(tmp_path / f"a{suffix}")
    assert tags.place == AMSTERDAM
    assert tags.sphere == FULL
    assert tags.time == {36867: "2024:05:01 12:11:12", 36881: "+02:00"}
    for written in (".png", ".jpg"):
        path = tmp_path / f"out{written}"
        Image.new("RGB", (128, 64)).save(path, **tags.save_options(written))
        assert read(path) == tags
        content = path.read_bytes()
        assert b"somebody" not in content
        assert b"0123456789" not in content
    with pytest.raises(ValueError, match=r"not to \.tif"):
        tags.save_options(".tif")


def test_other_programs_read_them_from_the_head_of_a_jpeg(tmp_path):
    write_tagged(tmp_path / "a.jpg", place=AMSTERDAM, sphere=FULL)
    content = io.BytesIO()
    Image.new("L", (128, 64)).save(content, "JPEG", **read(tmp_path / "a.jpg").save_options(".jpg"))
    described = Image.open(content).getxmp()["xmpmeta"]["RDF"]["Description"]
    assert described == {"about": "", **FULL}


def test_a_picture_without_tags_gets_none(tmp_path):
    Image.new("RGB", (128, 64)).save(tmp_path / "a.png")
    tags = read(tmp_path / "a.png")
    assert tags == PictureTags()
    assert tags.save_options(".png") == tags.save_options(".jpg") == {}
    assert tags.of_part((64, 128), (0, 64), (32, 64)) == tags


def test_how_much_is_kept_is_chosen(tmp_path):
    write_tagged(tmp_path / "a.jpg", place=AMSTERDAM, sphere=FULL | {"FirstPhotoDate": "2024"})
    tags = read(tmp_path / "a.jpg")
    assert tags.kept("all") == tags
    assert tags.kept("projection") == PictureTags(FULL)
    assert tags.kept("none") == PictureTags()


def test_pixel_counts_follow_the_size_of_the_picture():
    whole = PictureTags(FULL).of_part((2000, 4000), (0, 2000), (1024, 2048))
    assert counts(whole) == [2048, 1024, 2048, 1024, 0, 0]
    assert whole.sphere["PoseHeadingDegrees"] == "270.5"
    # a quarter as large
    strip = PictureTags(STRIP).of_part((2000, 8000), (0, 2000), (500, 2000))
    assert counts(strip) == [2000, 1000, 2000, 500, 0, 300]
    tags = read_sphere_tags(strip.save_options(".jpg")["xmp"], (500, 2000))
    assert (tags.width, tags.above, tags.below) == pytest.approx((360, 36, 54))


def test_a_band_of_a_picture_says_where_it_lies():
    band = PictureTags(FULL).of_part((1024, 2048), (256, 768), (256, 1024))
    assert counts(band) == [1024, 512, 1024, 256, 0, 128]
    band = PictureTags(STRIP).of_part((500, 2000), (100, 300), (400, 4000))
    assert counts(band) == [4000, 2000, 4000, 400, 0, 800]
    tags = read_sphere_tags(band.save_options(".jpg")["xmp"], (400, 4000))
    assert (tags.above, tags.below) == pytest.approx((18, 18))


def test_a_projection_without_numbers_is_that_of_the_whole_picture():
    tags = PictureTags({"ProjectionType": "equirectangular"}, {1: "N"})
    assert tags.of_part((64, 128), (0, 64), (32, 64)) == tags
    assert tags.of_part((64, 128), (16, 48), (32, 128)) == PictureTags({}, {1: "N"})


def test_the_rectangle_without_holes_is_scaled_and_left_out_of_parts():
    rectangle = {f"LargestValidInteriorRect{side}": "400" for side in ("Left", "Top", "Width")}
    tags = PictureTags(FULL | rectangle)
    scaled = tags.of_part((4000, 8000), (0, 4000), (1000, 2000)).sphere
    assert {scaled[name] for name in rectangle} == {"100"}
    assert not rectangle.keys() & tags.of_part((4000, 8000), (0, 8), (8, 8000)).sphere.keys()


def test_a_picture_that_is_stored_on_its_side_is_read_upright(tmp_path):
    write_tagged(tmp_path / "a.jpg", (128, 64), sphere=FULL, orientation=6)
    with open_image(tmp_path / "a.jpg") as image:
        assert image.size == (64, 128)
        assert read_picture_tags(image).sphere == FULL


def test_tags_that_contradict_themselves_stay_behind(tmp_path):
    write_tagged(tmp_path / "a.jpg", place=AMSTERDAM, sphere=FULL | {"FullPanoWidthPixels": "9"})
    assert read(tmp_path / "a.jpg") == PictureTags({}, AMSTERDAM, read(tmp_path / "a.jpg").time)
    assert sphere_values(packet({"ProjectionType": "equirectangular"}, "p")) == {
        "ProjectionType": "equirectangular"
    }


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow
def test_damaged_exif_is_told_of_and_left_behind(tmp_path, caplog):
    _not_carried.forget()
    wrong = AMSTERDAM | {2: tuple(float(each) for each in range(2000))}
    write_tagged(tmp_path / "a.png", place=wrong)
    with caplog.at_level(logging.WARNING):
        assert read(tmp_path / "a.png") == PictureTags()
    assert "a.png: what its EXIF says of its place has no usual form" in caplog.text
    write_tagged(tmp_path / "b.jpg", place=AMSTERDAM)
    content = (tmp_path / "b.jpg").read_bytes()
    generator = np.random.default_rng(0)
    start = content.index(b"Exif")
    for _ in range(100):  # whatever is broken, it is read or left
        broken = bytearray(content)
        for place in generator.integers(start, start + 400, 20):
            broken[place] = generator.integers(256)
        (tmp_path / "c.jpg").write_bytes(broken)
        try:
            tags = read(tmp_path / "c.jpg")
        except ValueError:  # the file itself
            continue
        Image.new("RGB", (8, 4)).save(tmp_path / "d.jpg", **tags.save_options(".jpg"))


def test_of_exif_only_the_directory_that_is_asked_for_is_read(tmp_path):
    write_tagged(tmp_path / "a.png", place=AMSTERDAM)
    with open_image(tmp_path / "a.png") as image:
        assert image.exif_values(ExifTags.IFD.GPSInfo) == AMSTERDAM
        assert image.exif_values(ExifTags.IFD.Interop) == {}
