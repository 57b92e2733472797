"""Scenes with instances, drawn once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goodsam_pl.streetworld import SPLITS, build_scene, default_camera, make_city, render
from goodsam_pl.streetworld.instances import InstanceScenes

SEEDS = SPLITS["sam_test"][:2]


def test_a_picture_is_its_scene_with_instances_numbered_from_zero(tmp_path: Path) -> None:
    scenes = InstanceScenes(tmp_path, SEEDS, "pinhole", ("source",), severity=1.0)
    image, instances = scenes[1]
    assert image.shape == (*instances.shape, 3)
    assert instances.dtype == np.int16
    assert np.array_equal(np.unique(instances), np.arange(instances.max() + 1))
    assert not scenes.wraps


def test_panoramas_are_those_of_the_ray_caster(tmp_path: Path) -> None:
    scenes = InstanceScenes(tmp_path, SEEDS[1:], "equirectangular", ("target",), severity=0.5)
    scene = build_scene(SEEDS[1], make_city("target", 0.5))
    seen = render(scene, default_camera(scene, "equirectangular"))
    image, instances = scenes[0]
    assert np.array_equal(image, seen.image)
    pairs = np.unique(np.stack([instances.ravel(), seen.instance.ravel()]), axis=1)
    assert pairs.shape[1] == instances.max() + 1 == len(np.unique(seen.instance))
    assert scenes.wraps


def test_what_is_there_is_not_drawn_again(tmp_path: Path) -> None:
    scenes = InstanceScenes(tmp_path, SEEDS, "pinhole")
    assert len(scenes) == 2
    scenes.draw_missing()
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert [path.name for path in sorted(times)] == [
        "pinhole_source_any_700000.npz",
        "pinhole_target_any_700001.npz",
    ]
    InstanceScenes(tmp_path, SEEDS, "pinhole").draw_missing()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times


def test_classes_are_those_of_the_scene_and_come_when_asked(tmp_path: Path) -> None:
    scenes = InstanceScenes(tmp_path, SEEDS[1:], "pinhole", ("target",))
    image, instances = scenes[0]
    assert [path.name for path in tmp_path.iterdir()] == ["pinhole_target_any_700001.npz"]
    classes = scenes.classes(0)
    assert np.array_equal(scenes[0].image, image)
    pairs = np.unique(np.stack([instances.ravel(), classes.ravel()]), axis=1)
    assert pairs.shape[1] == instances.max() + 1  # one class each
    assert len(np.unique(classes)) > 1
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(before) == 2
    assert np.array_equal(scenes.classes(0), classes)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_damaged_classes_are_named_with_the_way_out(tmp_path: Path) -> None:
    scenes = InstanceScenes(tmp_path, range(1), "pinhole")
    (tmp_path / "pinhole_source_any_0.classes.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"0\.classes\.npz: broken or cut off .*drawn anew"):
        scenes.classes(0)
