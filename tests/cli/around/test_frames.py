"""``goodsam frames``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "video"))
from films import grey, write_clip

from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.geotags import time_of
from goodsam_pl.data.picture_tags import read_picture_tags
from goodsam_pl.video.spherical_box import mark_as_spherical

TICKS = [40 * index for index in range(30)]


def names(folder: str = "out") -> list[str]:
    return sorted(path.name for path in Path(folder).glob("*.[pj][np]g"))


def test_frames_by_time_say_when_and_what_they_are(goodsam):
    write_clip(Path("ride.mp4"), TICKS, created="2024-05-01T23:59:59Z")
    mark_as_spherical(Path("ride.mp4"))
    told = goodsam("frames", "ride.mp4", "out", "--every", "0.65", "--format", "png").out
    assert "out: 2 frames of 1 films" in told
    # the first frame at or after 0.65 s; 1.3 s is after the last one
    assert names() == ["ride_00h00m00s000.png", "ride_00h00m00s680.png"]
    pixels = np.asarray(Image.open("out/ride_00h00m00s680.png")).astype(int)
    assert np.abs(pixels - grey(17)).max() <= 3
    with open_image(Path("out/ride_00h00m00s680.png")) as image:
        tags = read_picture_tags(image)
    assert time_of(tags) == "2024-05-01T23:59:59.680+00:00"
    assert tags.sphere["ProjectionType"] == "equirectangular"
    assert tags.sphere["FullPanoWidthPixels"] == "64"


def test_only_what_is_missing_is_made(goodsam, fails):
    write_clip(Path("films/day/ride.mp4"), TICKS)
    words = ("frames", "films", "out", "--count", "3")
    goodsam(*words)
    (first, *_) = sorted(Path("out/day").glob("*.jpg"))
    first.unlink()
    assert "out: 1 frames of 1 films, 2 were there" in goodsam(*words).out
    assert first.exists()
    write_clip(Path("films/day/ride.mp4"), TICKS[:20])
    assert "frames of another film of this name" in fails(*words)
    assert "no frame from 9 s" in fails("frames", "films", "other", "--start", "9")
    assert "no such file or folder" in fails("frames", "nowhere.mp4", "out")
