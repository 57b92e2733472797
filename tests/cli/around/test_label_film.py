"""``goodsam film``, by a network that labels pixels by their colour."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "video"))
from films import write_clip

from goodsam_pl.cli.around import label_film as verb
from goodsam_pl.taxonomy import get_taxonomy
from goodsam_pl.video.clip import open_clip
from goodsam_pl.video.spherical_box import mark_as_spherical

TAXONOMY = get_taxonomy("camvid-11")
VARYING = [0, 40, 80, 500, 510, 1200]


class Halves:
    """Class 3 on the left, class 5 on the right."""

    taxonomy = TAXONOMY
    format = None

    def label_pixels(self, pixels):
        label = np.full(pixels.shape[:2], 3, np.uint8)
        label[:, pixels.shape[1] // 2 :] = 5
        return label


@pytest.fixture
def film(monkeypatch, goodsam):
    monkeypatch.setattr(verb, "load", lambda *_, **__: Halves())
    monkeypatch.setattr("goodsam_pl.cli.functions.sketch_of", lambda _: None)
    Path("net.safetensors").write_bytes(b"weights")
    write_clip(Path("ride.mp4"), VARYING)
    mark_as_spherical(Path("ride.mp4"))

    def run(*options):
        return goodsam(
            "film", "net.safetensors", "ride.mp4", "out.mp4", "--device", "cpu", *options
        )

    return run


def test_colours_at_the_times_of_the_film(film):
    assert "out.mp4: 1 films of 6 frames" in film("--opacity", "1").out
    with open_clip(Path("out.mp4")) as clip:
        assert clip.times == pytest.approx([tick / 1000 for tick in VARYING], abs=1e-4)
        assert clip.is_spherical
        for _, pixels in clip.frames(range(6)):
            for column, index in ((8, 3), (56, 5)):
                apart = pixels[16, column].astype(int) - TAXONOMY.palette[index]
                assert np.abs(apart).max() <= 8


def test_the_same_is_left_and_other_options_are_refused(film, fails):
    film("--end", "0.1")
    before = Path("out.mp4").stat().st_mtime_ns
    assert "0 films of 0 frames, 1 were there" in film("--end", "0.1").out
    assert Path("out.mp4").stat().st_mtime_ns == before
    words = ("film", "net.safetensors", "ride.mp4", "out.mp4", "--device", "cpu")
    assert "of another film, network or options" in fails(*words)
    film("--overwrite", "--width", "32", "--spherical", "no")
    with open_clip(Path("out.mp4")) as clip:
        assert (clip.size, len(clip.ticks), clip.is_spherical) == ((16, 32), 6, False)
    assert "ends with .mp4" in fails(*words[:3], "out.mkv")
