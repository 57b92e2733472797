from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.streetworld.city import make_city
from goodsam_pl.streetworld.layout import Zone
from goodsam_pl.streetworld.scene import FIRST_OBJECT, STUFF, build_scene

SEEDS = range(200_000, 200_030)


@pytest.fixture(scope="module", params=["source", "target"])
def scenes(request):
    city = make_city(request.param)
    return [build_scene(seed, city) for seed in SEEDS]


def test_scenes_repeat_themselves(scenes):
    again = build_scene(SEEDS[0], scenes[0].city)
    for first, second in zip(scenes[0].solids, again.solids, strict=True):
        assert np.array_equal(first, second)
    assert again.rig == scenes[0].rig


def test_cities_share_the_plan_of_a_seed():
    plans = [build_scene(SEEDS[3], make_city(name)).plan for name in ("source", "target")]
    assert plans[0] == plans[1]


def test_every_solid_has_the_class_of_its_instance(scenes):
    for scene in scenes:
        solids = scene.solids
        assert solids.instance.min() >= FIRST_OBJECT > max(STUFF)
        classes = np.array([scene.classes[number] for number in solids.instance])
        assert np.array_equal(classes, solids.label)


def test_all_classes_of_objects_occur(scenes):
    found = set(np.unique(np.concatenate([scene.solids.label for scene in scenes])))
    assert found == {2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18, 255}
    assert set(STUFF.values()) == {0, 1, 2, 8, 9, 10}


def _feet(scene, label):
    chosen = scene.solids.label == label
    corners = scene.solids.corners()[chosen]
    middle = corners.mean(axis=1)
    return middle[:, 0], middle[:, 1], corners[..., 2].min(axis=1)


@pytest.mark.parametrize(
    ("label", "zones"),
    [(12, {Zone.ROAD}), (13, {Zone.ROAD}), (15, {Zone.ROAD}), (6, {Zone.ROAD, Zone.SIDEWALK})],
)
def test_things_stand_where_they_belong(scenes, label, zones):
    for scene in scenes:
        x, y, _ = _feet(scene, label)
        assert set(scene.plan.zones(x, y).tolist()) <= set(zones)


def test_buildings_keep_off_the_street(scenes):
    for scene in scenes:
        solids = scene.solids
        houses = (solids.label[: solids.boxes] == 2) & (solids.half[: solids.boxes, 2] > 1.5)
        near = np.abs(solids.centre[: solids.boxes, 0]) < 60
        corners = solids.corners()[: solids.boxes][houses & near]
        depth = scene.plan.kerb_distance(corners[..., 0].ravel(), corners[..., 1].ravel())
        assert depth.min() > 1.0


def test_nothing_floats_and_nothing_sinks(scenes):
    for scene in scenes:
        for number in np.unique(scene.solids.instance):
            foot = scene.solids.corners()[scene.solids.instance == number][..., 2].min()
            label = scene.classes[int(number)]
            if label not in (6, 7):  # signs and signals hang on poles, bushes grow from the soil
                assert -0.6 < foot < 0.6, (scene.seed, label, foot)


def test_the_camera_is_in_the_open(scenes):
    for scene in scenes:
        corners = scene.solids.corners() - np.array(scene.rig.position)
        low, high = corners.min(axis=1), corners.max(axis=1)
        assert not ((low < 0.2) & (high > -0.2)).all(axis=1).any()


def test_the_camera_sits_in_a_lane_at_the_height_of_the_city(scenes):
    for scene in scenes:
        x, y, z = scene.rig.position
        assert x == 0
        assert -2 * 3.2 < y < 0
        assert z == pytest.approx(scene.city.camera_height, abs=0.1)
        assert abs(scene.rig.pitch) <= scene.city.tilt


def test_negative_seeds_are_refused():
    with pytest.raises(ValueError, match="-1"):
        build_scene(-1, make_city("source"))
