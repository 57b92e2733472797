"""Films: which frames when, upright, and what is wrong with a broken one."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from films import turn_a_quarter, which, write_clip

from goodsam_pl.video.clip import find_clips, open_clip

STEADY = [40 * index for index in range(20)]
VARYING = [0, 40, 80, 500, 510, 1200, 1240, 2000, 2010, 3000]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("ticks", [STEADY, VARYING])
def test_frames_are_those_of_their_times(tmp_path, suffix, ticks):
    path = tmp_path / f"a{suffix}"
    write_clip(path, ticks)
    with open_clip(path) as clip:
        assert clip.times == pytest.approx([tick / 1000 for tick in ticks])
        assert clip.size == (32, 64)
        for indices in (range(len(ticks)), [0, 9], [3, 4, 8], [len(ticks) - 1]):
            found = [(index, which(pixels)) for index, pixels in clip.frames(list(indices))]
            assert found == [(index, index) for index in indices]
        assert not clip.is_spherical
    if ticks is STEADY:
        assert float(clip.rate) == pytest.approx(25, rel=0.06)


def test_the_time_of_its_beginning(tmp_path):
    write_clip(tmp_path / "a.mp4", [0, 40], created="2024-05-01T10:11:12.000000Z")
    with open_clip(tmp_path / "a.mp4") as clip:
        assert clip.created == datetime(2024, 5, 1, 10, 11, 12, tzinfo=UTC)
    write_clip(tmp_path / "b.mp4", [0, 40])
    with open_clip(tmp_path / "b.mp4") as clip:
        assert clip.created is None


def test_a_film_that_is_shown_turned_is_read_upright(tmp_path):
    write_clip(tmp_path / "a.mp4", [0, 40])
    turn_a_quarter(tmp_path / "a.mp4")
    with open_clip(tmp_path / "a.mp4") as clip:
        assert clip.size == (64, 32)
        pixels = next(clip.frames([1]))[1]
    # what was left is up after a quarter clockwise
    assert pixels[0, 0, 0] == pytest.approx(10, abs=3)
    assert pixels[-1, 0, 0] == pytest.approx(25, abs=3)


def test_of_a_film_that_is_cut_off_the_beginning_is_there(tmp_path):
    write_clip(tmp_path / "a.mkv", STEADY)
    content = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "b.mkv").write_bytes(content[: int(len(content) * 0.97)])
    with open_clip(tmp_path / "b.mkv") as clip:
        found = [which(pixels) for _, pixels in clip.frames(range(len(clip.ticks)))]
    assert found == list(range(len(found)))
    assert len(found) > 10


def test_damage_in_the_middle_is_told_with_its_time(tmp_path):
    write_clip(tmp_path / "a.mp4", STEADY, (64, 128))
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    place = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    middle = (place + end) // 2
    content[middle:end] = b"\xff" * (end - middle)
    (tmp_path / "b.mp4").write_bytes(content)
    with (
        open_clip(tmp_path / "b.mp4") as clip,
        pytest.raises(ValueError, match=r"b\.mp4: damaged or cut off at 0\.\d\d s, frame"),
    ):
        list(clip.frames(range(20)))


def test_what_is_no_film_is_told(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"nothing of the kind" * 50)
    with pytest.raises(ValueError, match=r"a\.mp4: no film that can be read, or broken"):
        open_clip(tmp_path / "a.mp4").__enter__()
    write_clip(tmp_path / "b.mp4", STEADY)
    whole = (tmp_path / "b.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: len(whole) // 2])  # without its index
    with pytest.raises(ValueError, match=r"b\.mp4: no film"):
        open_clip(tmp_path / "b.mp4").__enter__()
    (tmp_path / "c.mkv").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/b.mp4\n")
    with pytest.raises(ValueError, match=r"c\.mkv: no film"):
        open_clip(tmp_path / "c.mkv").__enter__()
    (tmp_path / "d.insv").touch()
    with pytest.raises(ValueError, match="export it as equirectangular"):
        open_clip(tmp_path / "d.insv").__enter__()
    with pytest.raises(FileNotFoundError, match="no such file"):
        open_clip(tmp_path / "e.mp4").__enter__()


def test_films_of_a_folder_have_the_names_of_their_paths(tmp_path):
    for name in ("day/a.mp4", "b.MOV", ".hidden/c.mp4", "d.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert find_clips(tmp_path) == {"b": tmp_path / "b.MOV", "day/a": tmp_path / "day/a.mp4"}
    assert find_clips(tmp_path / "d.txt") == {"d": tmp_path / "d.txt"}
    (tmp_path / "b.mp4").touch()
    with pytest.raises(ValueError, match="would be called the same"):
        find_clips(tmp_path)
    with pytest.raises(ValueError, match="no film"):
        find_clips(_empty(tmp_path))
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        find_clips(tmp_path / "nowhere")


def _empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"
