"""One mask a box: Meta's predictor is the reference; for others see test_transformers_sam."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor
from torch import Tensor

from goodsam_pl.sam import SegmentAnything
from goodsam_pl.sam.box_prompts import BoxedModel, describe_boxed, masks_in_boxes, scale_boxes

BOXES = torch.tensor([[4.0, 3.0, 40.0, 30.0], [20.5, 10.25, 59.0, 44.0], [1.0, 1.0, 9.0, 9.0]])


def noise(count: int, shape: tuple[int, int]) -> Tensor:
    coarse = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    smooth = torch.nn.functional.interpolate(coarse, size=shape, mode="bilinear")
    return (smooth * 255).to(torch.uint8)


def test_the_small_sam_answers_as_meta_s_predictor_does(street_image: Tensor) -> None:
    model = SegmentAnything("vit_nano")
    window = street_image[:, :, 300:480]
    boxes = torch.tensor([[10.0, 60.0, 90.0, 150.0], [100.0, 20.0, 170.0, 180.0]])
    found = masks_in_boxes(model, window[None], [boxes])[0]
    predictor = SamPredictor(model._sam)
    predictor.set_image(np.ascontiguousarray(window.permute(1, 2, 0).numpy()))
    for index, box in enumerate(boxes):
        mask, score, _ = predictor.predict(box=box.numpy(), multimask_output=False)
        assert int((torch.from_numpy(mask[0]) != found.binary[index]).sum()) <= 2
        assert float(found.predicted_iou[index]) == pytest.approx(float(score[0]), abs=1e-4)
    assert found.binary.any()


class Counted:
    """Counts what is encoded."""

    def __init__(self, model: SegmentAnything, windows_per_batch: int) -> None:
        self.model = model
        self.windows_per_batch = windows_per_batch
        self.encoded: list[int] = []
        self.decode_boxes = model.decode_boxes
        self.describe = model.describe
        self.to = model.to

    def embed(self, windows: Tensor) -> object:
        self.encoded.append(len(windows))
        return self.model.embed(windows)


def test_windows_without_a_box_are_not_encoded_and_batches_change_nothing() -> None:
    model, windows = SegmentAnything("vit_nano"), noise(4, (48, 64))
    boxes = [BOXES, torch.zeros(0, 4), BOXES[:1], BOXES.repeat(20, 1)]
    counted = Counted(model, windows_per_batch=2)
    found = masks_in_boxes(counted, windows, boxes)
    assert counted.encoded == [2, 1]
    assert [len(each.binary) for each in found] == [3, 0, 1, 60]
    assert found[1].binary.shape == (0, 48, 64)
    alone = masks_in_boxes(model, windows[2:3], boxes[2:3])[0]
    assert int((alone.binary != found[2].binary).sum()) <= 2
    assert int((found[3].binary[:3] != found[3].binary[57:]).sum()) <= 2


def test_boxes_are_scaled_by_side() -> None:
    scaled = scale_boxes(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), (10, 20), (30, 80))
    assert scaled.tolist() == [[4.0, 6.0, 12.0, 12.0]]


def test_only_what_masks_in_boxes_depend_on_is_described() -> None:
    model = SegmentAnything("vit_nano", points_per_side=3)
    assert isinstance(model, BoxedModel)
    assert describe_boxed(model) == describe_boxed(SegmentAnything("vit_nano"))
    half = SegmentAnything("vit_nano", precision="bf16-mixed")
    assert describe_boxed(half) != describe_boxed(model)
    assert describe_boxed(model)["sam_model"] == "vit_nano"


@pytest.mark.parametrize(
    ("windows", "boxes"),
    [
        (torch.zeros(1, 3, 8, 8), [BOXES]),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), [BOXES, BOXES]),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), [BOXES[0]]),
    ],
)
def test_what_does_not_fit_is_refused(windows: Tensor, boxes: list[Tensor]) -> None:
    with pytest.raises(ValueError, match=r"give uint8|for each of the 1 windows"):
        masks_in_boxes(SegmentAnything("vit_nano"), windows, boxes)
