"""Protocols on hand-made maps; the tables are counted by hand in the comments."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from goodsam_pl.metrics import Evaluation
from goodsam_pl.taxonomy import get_taxonomy

CITY, MERGED = get_taxonomy("cityscapes-19"), get_taxonomy("cityscapes-13")
WILD = get_taxonomy("wildpass-8")


def ids(taxonomy, *names):
    return torch.tensor([[[255 if name == "void" else taxonomy.index(name) for name in names]]])


def by_name(taxonomy, values):
    return {
        name: value
        for name, value in zip(taxonomy.classes, values.tolist(), strict=True)
        if not math.isnan(value)
    }


def test_densepass_is_one_matrix_over_the_set_and_the_mean_of_the_classes_there_are():
    evaluation = Evaluation(CITY, CITY)
    labels = [ids(CITY, "road", "road", "car", "void"), ids(CITY, "road", "sky", "sky", "sky")]
    predictions = [ids(CITY, "road", "car", "car", "bus"), ids(CITY, "sky", "sky", "sky", "sky")]
    hits, union = np.zeros(19), np.zeros(19)
    for predicted, label in zip(predictions, labels, strict=True):
        evaluation.update(predicted, label)
        for one, other in zip(predicted.flatten(), label.flatten(), strict=True):
            for index in range(19):
                if other != 255:
                    hits[index] += one == index and other == index
                    union[index] += index in {int(one), int(other)}
    scores = evaluation.compute()
    # road 1 of 3, car 1 of 2, sky 3 of 4; bus is predicted on void alone, so absent
    assert by_name(CITY, scores.iou) == pytest.approx({"road": 1 / 3, "car": 1 / 2, "sky": 3 / 4})
    assert scores.miou.item() == pytest.approx((1 / 3 + 1 / 2 + 3 / 4) / 3)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(scores.iou.numpy(), hits / union)


def test_a_network_of_19_classes_is_scored_under_the_13_class_protocol():
    evaluation = Evaluation(CITY, MERGED)
    labels = ids(MERGED, "person", "person", "person", "car", "car", "car", "road", "void")
    predicted = ids(CITY, "rider", "person", "bus", "truck", "bicycle", "train", "train", "train")
    evaluation.update(predicted, labels)
    scores = evaluation.compute()
    # person: 2 hits of 3; car: truck and bicycle hit, train misses, bus on a person is too much:
    # 2 of 4; road: missed by a train, which is no class here and takes nothing from others
    assert by_name(MERGED, scores.iou) == pytest.approx({"person": 2 / 3, "car": 2 / 4, "road": 0})
    assert scores.pixel_accuracy.item() == pytest.approx(4 / 7)
    assert scores.unscored == []


def test_the_most_likely_of_the_19_is_translated_probabilities_are_not_summed():
    logits = torch.full((1, 19, 1, 1), -9.0)
    logits[0, CITY.index("building")] = 1.0
    for name in ("car", "truck", "bus"):  # together more likely than the building
        logits[0, CITY.index(name)] = 0.9
    evaluation = Evaluation(CITY, MERGED)
    evaluation.update(logits, ids(MERGED, "building"))
    assert evaluation.compute().miou == 1


def test_of_wildpass_a_cityscapes_network_is_scored_in_six_classes():
    evaluation = Evaluation(CITY, WILD, extras=("boundary_iou",))
    labels = ids(WILD, "road", "road", "crosswalk", "curb", "sidewalk", "car", "person", "void")
    predicted = ids(CITY, "road", "sky", "road", "sidewalk", "sidewalk", "car", "rider", "bus")
    evaluation.update(predicted, labels)
    scores = evaluation.compute()
    # road: 1 hit, 1 missed as sky, 1 too much on the crosswalk; sidewalk: 1 hit, 1 on the curb;
    # person: rider is no class of WildPASS; truck and bus are absent
    assert by_name(WILD, scores.iou) == pytest.approx(
        {"road": 1 / 3, "sidewalk": 1 / 2, "car": 1, "person": 0}
    )
    assert scores.miou.item() == pytest.approx((1 / 3 + 1 / 2 + 1) / 4)
    assert [WILD.classes[index] for index in scores.unscored] == ["curb", "crosswalk"]
    assert scores.boundary_iou[scores.unscored].isnan().all()


def test_stanford_13_is_scored_in_8_classes():
    thirteen, eight = get_taxonomy("stanford2d3d-13"), get_taxonomy("stanford2d3d-8")
    evaluation = Evaluation(thirteen, eight)
    evaluation.update(
        ids(thirteen, "wall", "clutter", "board", "chair"),
        ids(eight, "wall", "wall", "void", "chair"),
    )
    assert by_name(eight, evaluation.compute().iou) == {"wall": 0.5, "chair": 1}


def test_extras_are_measured_of_panoramas_alone_and_forgotten_on_reset():
    prediction = ids(CITY, "road", "road", "road", "sky")
    evaluation = Evaluation(CITY, CITY, extras=("seam_disagreement", "boundary_iou"))
    evaluation.update(prediction, prediction)
    scores = evaluation.compute()
    assert scores.seam_disagreement.item() == pytest.approx(3)
    assert by_name(CITY, scores.boundary_iou) == {"road": 1, "sky": 1}
    log = scores.as_log("test", CITY.classes, "_windowed")
    assert log["test/seam_disagreement_windowed"] == pytest.approx(3)
    assert log["test/boundary_miou_windowed"] == 1
    assert log["test/boundary_iou_windowed/sky"] == 1
    evaluation.reset()
    evaluation.update(prediction, prediction, panorama=False)
    with pytest.warns(UserWarning, match="compute"):
        scores = evaluation.compute()
    assert scores.miou == 1
    assert scores.seam_disagreement.isnan()


def test_without_extras_none_is_measured():
    evaluation = Evaluation(CITY, CITY)
    evaluation.update(ids(CITY, "road", "sky"), ids(CITY, "road", "sky"))
    scores = evaluation.compute()
    assert (scores.boundary_iou, scores.seam_disagreement) == (None, None)
    assert not any("boundary" in name for name in scores.as_log("val", CITY.classes))


def test_wrong_class_ids_and_class_sets_are_refused():
    evaluation = Evaluation(CITY, MERGED)
    with pytest.raises(ValueError, match="predicted class -1"):
        evaluation.update(torch.tensor([[[19]]]), ids(MERGED, "road"))
    with pytest.raises(ValueError, match="label 13"):
        evaluation.update(ids(CITY, "road"), torch.tensor([[[13]]]))
    with pytest.raises(ValueError, match=r"logits \(1, 13, 1, 1\) are not \(B, 19, H, W\)"):
        evaluation.update(torch.zeros(1, 13, 1, 1), ids(MERGED, "road"))
    with pytest.raises(ValueError, match="cannot be expressed in 'stanford2d3d-8'"):
        Evaluation(CITY, get_taxonomy("stanford2d3d-8"))
