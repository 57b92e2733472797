"""Films that are written, read again by FFmpeg."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from films import write_clip

from goodsam_pl.video.clip import open_clip
from goodsam_pl.video.film import FilmForm, write_film
from goodsam_pl.video.spherical_box import mark_as_spherical
from goodsam_pl.video.video_extra import need_video

FORM = FilmForm((32, 64), Fraction(25), Fraction(1, 1000), metadata={"comment": "of ours"})
COLOURS = [(200, 30, 40), (30, 190, 60), (20, 40, 210), (128, 64, 128), (0, 0, 0), (255, 255, 255)]


def flat(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((32, 64, 3), colour, np.uint8)


@pytest.mark.parametrize("ticks", [[0, 40, 80, 120, 160, 200], [0, 10, 500, 501, 3000, 3040]])
def test_frames_come_back_when_and_as_they_were_added(tmp_path, ticks):
    path = tmp_path / "new/a.mp4"
    with write_film(path, FORM) as film:
        for tick, colour in zip(ticks, COLOURS, strict=True):
            film.add(flat(colour), tick)
        assert not path.exists()
    assert [each.name for each in path.parent.iterdir()] == ["a.mp4"]
    with open_clip(path) as clip:
        assert clip.times == pytest.approx([tick / 1000 for tick in ticks], abs=1e-4)
        for index, pixels in clip.frames(range(6)):
            assert np.abs(pixels.astype(int) - COLOURS[index]).max() <= 6
        assert not clip.is_spherical
    with av.open(str(path)) as container:
        assert container.metadata["comment"] == "of ours"


def test_a_sphere_says_that_it_is_one(tmp_path):
    form = FilmForm((32, 64), Fraction(25), Fraction(1, 25), is_spherical=True)
    with write_film(tmp_path / "a.mp4", form) as film:
        for tick in range(10):
            film.add(flat((10 * tick, 0, 0)), tick)
    with open_clip(tmp_path / "a.mp4") as clip:  # FFmpeg's own reader
        assert clip.is_spherical
        assert len(list(clip.frames(range(10)))) == 10
        assert float(clip.rate) == pytest.approx(25)
    assert b"<GSpherical:ProjectionType>equirectangular<" in (tmp_path / "a.mp4").read_bytes()


def test_what_has_no_index_at_its_end_is_not_touched(tmp_path):
    write_clip(tmp_path / "a.mkv", [0, 40])
    before = (tmp_path / "a.mkv").read_bytes()
    with pytest.raises(ValueError, match="MP4"):
        mark_as_spherical(tmp_path / "a.mkv")
    assert (tmp_path / "a.mkv").read_bytes() == before
    write_clip(tmp_path / "b.mp4", [0, 40])
    content = (tmp_path / "b.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(content + b"\0\0\0\x08free")
    with pytest.raises(ValueError, match="index is at its end"):
        mark_as_spherical(tmp_path / "b.mp4")


def test_nothing_is_left_of_a_film_that_was_not_finished(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"before")

    def stopped() -> None:
        with write_film(tmp_path / "a.mp4", FORM) as film:
            film.add(flat(COLOURS[0]), 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"before"


def test_forms_that_no_film_has():
    with pytest.raises(ValueError, match="65×32 pixels: films have even sizes"):
        FilmForm((32, 65), Fraction(25), Fraction(1, 25))
    with pytest.raises(ValueError, match="quality 52"):
        FilmForm((32, 64), Fraction(25), Fraction(1, 25), quality=52)


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setattr("goodsam_pl.video.video_extra.find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'goodsam_pl\[video\]'"):
        need_video()
