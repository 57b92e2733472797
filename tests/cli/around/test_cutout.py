"""``goodsam cutout``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.geotags import heading_of, place_of
from goodsam_pl.data.listing import list_images
from goodsam_pl.data.picture_tags import read_picture_tags

sys.path.insert(0, str(Path(__file__).parents[2]))
from tagged_pictures import AMSTERDAM, FULL, write_tagged

QUARTERS = np.arange(128).repeat(64).reshape(128, 64).T // 32
"""Behind on the left, left, right, behind on the right: ids 0 to 3, from -180° on."""


@pytest.fixture
def panorama(workplace):
    colours = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200], [200, 200, 0]], np.uint8)
    path = workplace / "photographs/city/a.png"
    write_tagged(path, place=AMSTERDAM, sphere=FULL, pixels=colours[QUARTERS])
    label = Image.fromarray(QUARTERS.astype(np.uint8))
    label.putpalette(bytes(range(12)))
    (workplace / "labels/city").mkdir(parents=True)
    label.save(workplace / "labels/city/a.png")
    return path


def test_views_of_a_folder_and_its_labels(goodsam, panorama, workplace):
    told = goodsam(
        *("cutout", "photographs", "views", "--labels", "labels", "--yaw", "-135", "45", "135"),
        *("--pitch", "0", "-10", "--fov", "40", "--size", "[8,12]", "--format", "png", "--json"),
    )
    content = json.loads(told.out)
    assert content["views"][:4] == [
        *("yaw-135_pitch0", "yaw45_pitch0", "yaw135_pitch0", "yaw-135_pitch-10"),
    ]
    assert (content["panoramas"], content["written"], content["there_before"]) == (1, 6, 0)
    for view, quarter in {"yaw-135_pitch0": 0, "yaw45_pitch0": 2, "yaw135_pitch-10": 3}.items():
        label = Image.open(f"views/labels/city/a_{view}.png")
        assert label.mode == "P"
        assert label.getpalette()[:12] == list(range(12))
        assert (np.asarray(label) == quarter).all()
        assert label.size == (12, 8)
        picture = np.asarray(Image.open(f"views/images/city/a_{view}.png"))
        expected = np.asarray(Image.open(panorama).convert("RGB"))[32, 16 + 32 * quarter]
        assert (picture == expected).all()
    assert list_images(workplace).images == tuple(
        sorted([workplace / "labels/city/a.png", panorama])
    )  # views are no panoramas
    assert len(list_images(workplace / "views/images").images) == 6


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_view_says_its_place_and_where_it_looks(suffix, goodsam, panorama):
    goodsam("cutout", panorama, "views", "--yaw", "180", "--size", "[8,8]", "--format", suffix)
    with open_image(Path(f"views/images/a_yaw180_pitch0.{suffix}")) as image:
        tags = read_picture_tags(image)
    assert heading_of(tags).degrees == 90.5
    assert place_of(tags).latitude == pytest.approx(52.373083333)
    assert tags.sphere == {}
    goodsam("cutout", panorama, "bare", "--size", "[8,8]", "--keep_metadata", "projection")
    with open_image(Path("bare/images/a_yaw0_pitch0.jpg")) as image:
        assert place_of(read_picture_tags(image)) is None


def test_what_is_there_stays_unless_its_panorama_is_newer(goodsam, panorama, fails):
    words = ("cutout", "photographs", "views", "--yaw", "0", "90", "--size", "[4,4]")
    goodsam(*words)
    first = Path("views/images/city/a_yaw0_pitch0.jpg")
    before = first.stat().st_mtime_ns
    assert "views: 0 views of 1 panoramas, 2 were there" in goodsam(*words).out
    assert first.stat().st_mtime_ns == before
    Path("views/images/city/a_yaw90_pitch0.jpg").unlink()  # as after a kill
    goodsam(*words)
    assert Path("views/images/city/a_yaw90_pitch0.jpg").exists()
    later = panorama.stat().st_mtime + 1000
    os.utime(panorama, (later, later))
    assert "views: 2 views" in goodsam(*words).out
    assert "views of other settings" in fails(*words, "--fov", "60")


def test_strips_show_what_they_have(goodsam, workplace):
    strip = np.full((70, 360, 3), 100, np.uint8)
    write_tagged(workplace / "strip.png", pixels=strip)
    goodsam("cutout", "strip.png", "views", "--yaw", "0", "--size", "[101,101]", "--format", "png")
    column = np.asarray(Image.open("views/images/strip_yaw0_pitch0.png"))[:, 50, 0]
    seen = np.flatnonzero(column)
    # tan 35° of a focal length of 50.5 pixels
    assert (seen[0], seen[-1]) == (15, 85)
    goodsam("cutout", "strip.png", "low", "--size", "[101,101]", "--vertical_fov", "20")
    assert np.count_nonzero(Image.open("low/images/strip_yaw0_pitch0.jpg").getpixel((50, 38))) == 0


def test_one_error_each(goodsam, panorama, workplace, fails):
    assert "no such folder" in fails("cutout", "nowhere", "views")
    assert "fov 200 is not between" in fails("cutout", panorama, "views", "--fov", "200")
    told = fails("cutout", panorama, "views", "--yaw", "0", "0")
    assert "some views are asked for twice" in told
    (workplace / "photographs/b.png").write_bytes(panorama.read_bytes()[:300])
    Image.new("RGB", (64, 64)).save(workplace / "photographs/c.png")
    told = fails("cutout", "photographs", "views", "--yaw", "0", "--size", "[4,4]")
    assert "2 of 3 panoramas have no views" in told
    assert "b.png: broken or cut off" in told
    assert "c.png: 64×64 pixels are 360° by 360.0°, a sphere has 180°" in told
    assert Path("views/images/city/a_yaw0_pitch0.jpg").exists()
    told = fails("cutout", "photographs", "others", "--labels", "labels/city/a.png")
    assert "labels/city/a.png is one label, photographs a folder" in told
    Image.new("L", (128, 32)).save("small.png")
    told = fails("cutout", panorama, "others", "--labels", "small.png")
    assert "small.png: 128×32 pixels" in told
    assert "has no label: labels/a.png does not exist" in fails(
        "cutout", panorama, "others", "--labels", "labels"
    )
