"""Domains of StreetWorld on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.streetworld import Equirectangular, Pinhole, build_scene, render
from goodsam_pl.streetworld.domain_export import (
    _candidates,
    _files,
    _Job,
    _pictures,
    _Settings,
    _squeezed,
    export_domains,
)
from goodsam_pl.streetworld.domain_styles import DOMAIN_STYLES

SIZE = 48
COUNTS = {"train": 1, "val": 0, "test": 1, "size": SIZE, "workers": 1}
STYLES = {style.name: style for style in DOMAIN_STYLES}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("domains") / "world"
    export_domains(out, **COUNTS)
    return out


def test_each_domain_has_images_with_a_mask_of_one_thing(exported: Path) -> None:
    assert len(DOMAIN_STYLES) == 7
    seen = set()
    for name in STYLES:
        for split in ("train", "test"):
            folder = exported / name / split
            image = np.array(Image.open(folder / "images/000.png"))
            mask = np.array(Image.open(folder / "masks/000.png"))
            assert image.shape == (SIZE, SIZE, 3)
            assert np.unique(mask).tolist() == [0, 255]
            assert 0.015 <= (mask > 0).mean() <= 0.5
            seen.add(image.tobytes())
    assert len(seen) == 14  # no picture is in two domains or splits


def test_what_is_there_stays_and_what_is_missing_comes_back(exported: Path) -> None:
    image = exported / "fog/test/images/000.png"
    other = exported / "town/test/images/000.png"
    content, time = image.read_bytes(), other.stat().st_mtime_ns
    image.unlink()
    export_domains(exported, **COUNTS)
    assert image.read_bytes() == content
    assert other.stat().st_mtime_ns == time


def test_more_images_begin_with_the_same_ones() -> None:
    def first(seed: int, number: int) -> np.ndarray:
        settings = _Settings(1, seed, SIZE, 1, 1, 1)
        return next(_pictures(settings, _Job(number, "val", 5))).image

    assert np.array_equal(first(0, 0), first(0, 0))
    assert not np.array_equal(first(0, 0), first(1, 0))
    assert len(_files(Path(), _Job(0, "val", 5))) == 5


def test_a_thing_is_one_object_and_a_region_hangs_together() -> None:
    town, evening = STYLES["town"], STYLES["evening"]
    scene = build_scene(190_001, town.city)
    view = render(scene, Pinhole((SIZE, SIZE), 70))
    for mask in _candidates(view, town):
        assert len(np.unique(view.instance[mask])) == 1
        assert set(view.label[mask].tolist()) <= set(town.classes)
    plants = view._replace(label=np.zeros((SIZE, SIZE), np.uint8))
    plants.label[5:20, 3:12] = plants.label[30:40, 30:44] = 8
    plants.label[0, 40:] = 8  # too thin
    found = _candidates(plants, evening)
    assert [mask.sum() for mask in found] == [15 * 9, 10 * 14]


def test_a_panorama_is_squeezed_into_a_square() -> None:
    camera = Equirectangular((24, 48), 180.0)
    whole = render(build_scene(190_001, STYLES["town_360"].city), camera)
    squeezed = _squeezed(whole)
    assert squeezed.image.shape == (24, 24, 3)
    means = whole.image.reshape(24, 24, 2, 3).astype(float).mean(axis=2)
    assert np.abs(squeezed.image - means).max() <= 0.5
    assert np.array_equal(squeezed.label, whole.label[:, ::2])
    assert np.array_equal(squeezed.instance, whole.instance[:, ::2])
    pinhole = whole._replace(label=whole.label[:, :24])
    assert _squeezed(pinhole) is pinhole


def test_weathers_are_told_apart_from_the_town(exported: Path) -> None:
    def pixels(name: str) -> np.ndarray:
        files = [exported / name / split / "images/000.png" for split in ("train", "test")]
        return np.stack([np.array(Image.open(file)) for file in files]).astype(float)

    assert pixels("night").mean() < 0.5 * pixels("town").mean()
    assert pixels("fog").std() < 0.6 * pixels("town").std()
    ground = pixels("snow_360")[:, SIZE // 2 :]
    assert ground.mean() > 1.1 * pixels("town_360")[:, SIZE // 2 :].mean()
    assert np.ptp(ground.mean(axis=(0, 1, 2))) < 12  # grey and white


def test_mistakes_are_told(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match=r"with seed=0 instead of 1: choose another folder"):
        export_domains(exported, **COUNTS, seed=1)
    (tmp_path / "town").mkdir()
    with pytest.raises(FileExistsError, match=r"town is none of ours"):
        export_domains(tmp_path, **COUNTS)
    for option in ({"train": 501}, {"test": -1}, {"size": 16}, {"seed": -1}, {"workers": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(option))}={next(iter(option.values()))}"):
            export_domains(tmp_path / "new", **option)
    assert not (tmp_path / "new").exists()


def test_other_domains_are_drawn_anew_when_asked(tmp_path: Path) -> None:
    (tmp_path / "town/train/images").mkdir(parents=True)
    (tmp_path / "street_domains.json").write_text('{"version": 0}')
    export_domains(tmp_path, train=0, val=0, test=0, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["street_domains.json"]
