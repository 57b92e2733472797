from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.taxonomy import (
    CITYSCAPES_TRAIN_IDS,
    TAXONOMIES,
    Taxonomy,
    get_taxonomy,
    remap_table,
)

SIZES = {
    "cityscapes-19": 19,
    "cityscapes-13": 13,
    "wildpass-8": 8,
    "camvid-11": 11,
    "voc-21": 21,
    "coco-81": 81,
    "stanford2d3d-13": 13,
    "stanford2d3d-8": 8,
}


def test_the_class_sets_are_complete_and_coloured_apart():
    assert {name: len(taxonomy.classes) for name, taxonomy in TAXONOMIES.items()} == SIZES
    for taxonomy in TAXONOMIES.values():
        assert len(set(taxonomy.classes)) == len(taxonomy.classes)
        assert len(set(taxonomy.palette)) == len(taxonomy.palette)
        assert taxonomy.ignore_index == 255


def test_known_entries_of_the_official_palettes():
    cityscapes = get_taxonomy("cityscapes-19")
    assert cityscapes.palette[cityscapes.index("car")] == (0, 0, 142)
    assert cityscapes.palette[cityscapes.index("bicycle")] == (119, 11, 32)
    voc = get_taxonomy("voc-21")
    assert voc.palette[:4] == ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0))
    assert voc.palette[voc.index("person")] == (192, 128, 128)
    assert voc.palette[voc.index("tv monitor")] == (0, 64, 128)


def test_things_of_coco_are_1_to_80_without_the_gaps_of_their_ids():
    # the gaps in COCO's categories, and some of them by their ids there
    gaps = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    sparse = [number for number in range(1, 91) if number not in gaps]
    coco = get_taxonomy("coco-81")
    assert len(sparse) == 80
    assert coco.classes[0] == "background"
    named = dict(zip(sparse, coco.classes[1:], strict=True))
    known = {1: "person", 11: "fire hydrant", 13: "stop sign", 25: "giraffe", 27: "backpack"}
    known |= {31: "handbag", 44: "bottle", 46: "wine glass", 65: "bed", 67: "dining table"}
    known |= {70: "toilet", 72: "tv", 82: "refrigerator", 84: "book", 90: "toothbrush"}
    assert {number: named[number] for number in known} == known


def test_cityscapes_label_ids():
    # trainId -> labelId of the official label table
    official = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    assert CITYSCAPES_TRAIN_IDS[official].tolist() == list(range(19))
    assert (np.delete(CITYSCAPES_TRAIN_IDS, official) == 255).all()


def test_the_13_class_protocol_is_the_published_key():
    # Trans4PASS+ / DATR: 0-10 unchanged, person and rider, all vehicles, train ignored
    key = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 12, 12, 12, 255, 12, 12]
    assert remap_table("cityscapes-19", "cityscapes-13")[:19].tolist() == key


def test_the_8_indoor_classes_are_the_published_key():
    key = [255, 255, 255, 0, 1, 255, 255, 2, 3, 4, 5, 6, 7]
    assert remap_table("stanford2d3d-13", "stanford2d3d-8")[:13].tolist() == key


@pytest.mark.parametrize("name", SIZES)
def test_a_remap_to_itself_is_the_identity_and_voids_unknown_ids(name):
    table = remap_table(name, name)
    assert table.dtype == np.uint8
    assert table.shape == (256,)
    assert table[: SIZES[name]].tolist() == list(range(SIZES[name]))
    assert (table[SIZES[name] :] == 255).all()


def test_camvid_there_and_back_keeps_every_class_that_has_a_counterpart():
    there = remap_table("camvid-11", "cityscapes-19")
    back = remap_table("cityscapes-19", "camvid-11")
    assert back[there][:11].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255]
    assert there[10] == 255
    cityscapes = get_taxonomy("cityscapes-19")
    assert there[5] == cityscapes.index("vegetation")
    assert there[4] == cityscapes.index("sidewalk")


def test_going_over_19_classes_agrees_with_going_to_13_directly():
    over = remap_table("cityscapes-19", "cityscapes-13")
    for source in ("camvid-11", "wildpass-8"):
        direct = remap_table(source, "cityscapes-13")
        assert (over[remap_table(source, "cityscapes-19")] == direct).all()


def test_colorize_paints_classes_and_leaves_void_black():
    labels = np.array([[0, 13], [255, 10]], dtype=np.uint8)
    image = get_taxonomy("cityscapes-19").colorize(labels)
    assert image.dtype == np.uint8
    assert image.tolist() == [[[128, 64, 128], [0, 0, 142]], [[0, 0, 0], [70, 130, 180]]]
    assert (image == get_taxonomy("cityscapes-19").colorize(labels.astype(np.int64))).all()


@pytest.mark.parametrize("bad", [19, -1, 300])
def test_colorize_refuses_ids_outside_the_taxonomy(bad):
    with pytest.raises(ValueError, match=f"cityscapes-19 has trainIds 0..18 and 255.* {bad}"):
        get_taxonomy("cityscapes-19").colorize(np.array([[0, bad]]))


def test_errors_list_what_is_known():
    with pytest.raises(ValueError, match=r"unknown taxonomy 'city'.*cityscapes-19.*voc-21"):
        get_taxonomy("city")
    with pytest.raises(ValueError, match=r"from 'stanford2d3d-13' one can go to .*stanford2d3d-8"):
        remap_table("stanford2d3d-13", "cityscapes-19")
    with pytest.raises(ValueError, match="no class 'tram'; it has road"):
        get_taxonomy("cityscapes-19").index("tram")
    with pytest.raises(ValueError, match="2 classes and 1 colours"):
        Taxonomy("toy", ("a", "b"), ((0, 0, 0),))
