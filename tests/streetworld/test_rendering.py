from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch

from goodsam_pl.streetworld import (
    Equirectangular,
    Pinhole,
    build_scene,
    default_camera,
    make_city,
    render,
    view,
)
from goodsam_pl.streetworld.cameras import Rectangles, camera_directions, rotation
from goodsam_pl.streetworld.rendering import trace

SMALL = Equirectangular((96, 512))


def digest(picture):
    whole = hashlib.sha256()
    for array in picture:
        whole.update(array.tobytes())
    return whole.hexdigest()


@pytest.mark.parametrize("name", ["source", "target"])
@pytest.mark.parametrize("kind", ["pinhole", "equirectangular"])
def test_views_are_complete_and_consistent(name, kind):
    scene = build_scene(200_011, make_city(name))
    camera = default_camera(scene, kind)
    seen = render(scene, camera)
    assert seen.image.shape == (*camera.size, 3)
    assert seen.image.dtype == np.uint8
    assert seen.label.dtype == np.uint8
    assert seen.instance.dtype == np.int32
    assert seen.depth.dtype == np.float32
    assert seen.instance.min() >= 1
    classes = np.zeros(max(scene.classes) + 1, dtype=np.uint8)
    for number, label in scene.classes.items():
        classes[number] = label
    assert np.array_equal(classes[seen.instance], seen.label)
    assert np.array_equal(np.isinf(seen.depth), seen.label == 10)
    assert seen.depth.min() > 0.3
    assert 40 < seen.image.mean() < 200


def test_depth_puts_the_road_on_the_ground():
    scene = build_scene(200_012, make_city("target"))
    seen = trace(scene, SMALL)
    turn = np.stack(camera_directions(SMALL))
    z = (rotation(0, scene.rig.pitch, scene.rig.roll) @ turn)[2].reshape(SMALL.size)
    height = scene.rig.position[2] + z * np.where(np.isinf(seen.depth), 0, seen.depth)
    assert np.abs(height[seen.label == 0]).max() < 0.01
    assert np.median(height[seen.label == 1]) == pytest.approx(0.13, abs=0.01)


def test_the_same_seed_gives_the_same_bytes_also_in_another_process():
    here = [
        digest(view(seed, make_city("target"), kind))
        for seed in (3, 200_001)
        for kind in ("pinhole", "equirectangular")
    ]
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_rendering import digest\n"
        "from goodsam_pl.streetworld import make_city, view\n"
        "city = make_city('target')\n"
        "view(77, make_city('source'), 'pinhole')\n"
        "for seed in (3, 200_001):\n"
        "    for kind in ('pinhole', 'equirectangular'):\n"
        "        print(digest(view(seed, city, kind)))\n"
    )
    folder = str(__file__).rsplit("/", 1)[0]
    there = subprocess.run(
        [sys.executable, "-c", script, folder], capture_output=True, text=True, check=True
    )
    assert there.stdout.split() == here


def test_without_severity_the_target_is_the_source():
    pictures = [
        view(21, city, "equirectangular")
        for city in (make_city("source"), make_city("target", 0.0))
    ]
    assert digest(pictures[0]) == digest(pictures[1])


def test_severity_moves_the_picture_step_by_step():
    images = [
        view(200_004, make_city("target", severity), "equirectangular").image.mean(axis=(0, 1))
        for severity in (0.0, 0.5, 1.0)
    ]
    warmth = [image[0] - image[2] for image in images]
    assert warmth[0] < warmth[1] < warmth[2]


@pytest.mark.parametrize("columns", [1, 37, 256, 511])
def test_turning_the_camera_rolls_the_panorama(columns):
    scene = build_scene(200_020, make_city("target"))
    still = trace(scene, SMALL)
    turned = trace(scene, Equirectangular(SMALL.size, yaw=360 * columns / 512))
    for before, after in zip(still, turned, strict=True):
        rolled = np.roll(before, -columns, axis=1)
        same = rolled == after
        if rolled.ndim == 3:
            same = same.all(axis=-1)
        assert same.mean() > 0.9999


@pytest.mark.parametrize(("yaw", "name"), [(0.0, "source"), (70.0, "target"), (180.0, "target")])
def test_a_pinhole_view_equals_the_view_cut_out_of_the_panorama(yaw, name):
    """The pinhole's rays hit a fine panorama's pixels; what they meet must be the same."""
    scene = build_scene(200_033, make_city(name))
    pinhole = Pinhole((96, 160), 60.0, yaw=yaw)
    panorama = Equirectangular((1200, 6400), 67.5)
    flat, round_ = trace(scene, pinhole), trace(scene, panorama)
    directions = torch.from_numpy(np.stack(camera_directions(pinhole), axis=-1))
    forward, left, up = directions.double().unbind(-1)
    latitude = torch.rad2deg(torch.atan2(up, torch.hypot(forward, left)))
    turn = torch.rad2deg(torch.atan2(-left, forward)) / 360 + 0.5
    row = ((0.5 - latitude / 67.5) * 1200 - 0.5).round().long().clamp(0, 1199).numpy()
    column = ((turn * 6400 - 0.5).round().long() % 6400).numpy()
    cut_label = round_.label[row, column].reshape(96, 160)
    cut_radiance = round_.radiance[row, column].reshape(96, 160, 3)
    edge = np.zeros((96, 160), dtype=bool)
    for axis in (0, 1):
        for step in (-1, 1):
            edge |= np.roll(flat.instance, step, axis) != flat.instance
    leaves = flat.label == 8  # every gap between leaves is an edge too
    calm = ~edge & ~leaves
    assert calm.mean() > 0.4
    assert (cut_label == flat.label)[calm].mean() > 0.999
    assert (cut_label == flat.label).mean() > 0.97
    assert np.median(np.abs(cut_radiance - flat.radiance)[calm]) < 0.01


def test_equal_rays_see_exactly_the_same():
    """A panorama whose rays are those of a pinhole is that pinhole's picture."""
    scene = build_scene(200_034, make_city("target"))
    pinhole = Pinhole((64, 96), 70.0, yaw=-25.0)
    expected = trace(scene, pinhole)
    rays = pinhole.directions()

    class Borrowed(Equirectangular):
        def directions(self):
            return rays

        def rectangles(self, corners):
            zero = np.zeros(len(corners), dtype=np.int64)
            return Rectangles((zero, zero, zero + 64, zero + 96))

    borrowed = trace(scene, Borrowed((64, 96), 67.5, yaw=-25.0))
    assert digest(expected) == digest(borrowed)


def test_full_spheres_show_the_zenith_and_the_road_below():
    scene = build_scene(200_035, make_city("source"))
    seen = trace(scene, Equirectangular((64, 128), 180.0))
    assert (seen.label[-4:] == 0).all()
    assert (np.isin(seen.label[:2], (10, 8, 5, 6))).all()
    assert seen.depth[-1].mean() == pytest.approx(scene.rig.position[2], rel=0.01)


@pytest.mark.slow
def test_frequencies_are_those_of_a_street_and_every_class_is_there():
    counts = np.zeros(256)
    scenes = np.zeros(256)
    for seed in range(200_000, 200_040):
        label = render(build_scene(seed, make_city("target")), SMALL).label
        histogram = np.bincount(label.ravel(), minlength=256)
        counts += histogram
        scenes += histogram > 5
    share = 100 * counts / counts.sum()
    assert 15 < share[0] < 35
    assert 15 < share[2] < 40
    assert 8 < share[8] < 20
    assert 3 < share[13] < 10
    assert (share[[6, 12, 14, 15, 17, 18]] < 1).all()
    assert (scenes[:19] >= 4).all()


@pytest.mark.slow
def test_colours_alone_do_not_tell_the_classes():
    """The best label of each of 32³ colours, learned on ten scenes, is a poor segmenter."""
    city = make_city("source")

    def pixels(seed):
        seen = view(seed, city, "pinhole")
        code = (seen.image >> 3).astype(np.int64) @ np.array([1024, 32, 1])
        return code[seen.label < 19], seen.label[seen.label < 19].astype(np.int64)

    votes = np.zeros((32**3, 19))
    for seed in range(10):
        np.add.at(votes, pixels(seed), 1)
    guess = votes.argmax(axis=1)
    guess[votes.sum(axis=1) == 0] = votes.sum(axis=0).argmax()
    confusion = np.zeros((19, 19))
    for seed in range(200_000, 200_015):
        code, label = pixels(seed)
        np.add.at(confusion, (label, guess[code]), 1)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - np.diag(confusion)
    assert 100 * np.nanmean(np.diag(confusion) / np.where(union > 0, union, np.nan)) < 25


def test_unknown_cameras_are_refused():
    with pytest.raises(ValueError, match="'fisheye'"):
        default_camera(build_scene(1, make_city("source")), "fisheye")
