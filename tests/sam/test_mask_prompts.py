"""Points, box and mask at once: Meta's predictor is the reference."""

from __future__ import annotations

import numpy as np
import torch
from segment_anything import SamPredictor
from torch import Tensor

from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam import Felzenszwalb, SegmentAnything, TransformersSAM
from goodsam_pl.sam.mask_prompts import MaskPrompts, RefiningModel, mask_input, scale_points


def test_the_small_sam_answers_as_meta_s_predictor_does(street_image: Tensor) -> None:
    model = SegmentAnything("vit_nano")
    window = street_image[:, :, 300:480]
    view = model.embed(window[None])
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(2, 96, 96, generator=generator)
    prompts = MaskPrompts(
        points=torch.tensor([[[40.0, 90.0], [12.0, 30.0]], [[100.0, 50.0], [20.0, 10.0]]]),
        labels=torch.tensor([[1, 0], [1, 0]]),
        boxes=torch.tensor([[10.0, 60.0, 90.0, 150.0], [80.0, 20.0, 170.0, 180.0]]),
        masks=coarse,
    )
    logits, predicted_iou = model.decode_mask_prompts(view, 0, prompts)
    assert logits.shape == (2, 3, 96, 96)
    predictor = SamPredictor(model._sam)
    predictor.set_image(np.ascontiguousarray(window.permute(1, 2, 0).numpy()))
    for index in range(2):
        _, scores, low = predictor.predict(
            point_coords=prompts.points[index].numpy(),
            point_labels=prompts.labels[index].numpy(),
            box=prompts.boxes[index].numpy(),
            mask_input=coarse[index : index + 1].numpy(),
            multimask_output=True,
        )
        np.testing.assert_allclose(logits[index].numpy(), low, atol=1e-3)
        np.testing.assert_allclose(predicted_iou[index].numpy(), scores, atol=1e-4)


def test_models_that_can_be_asked_so_are_known() -> None:
    assert isinstance(SegmentAnything(), RefiningModel)
    assert isinstance(TransformersSAM(), RefiningModel)
    assert not isinstance(Felzenszwalb(), RefiningModel)


def test_points_are_scaled_by_side() -> None:
    scaled = scale_points(torch.tensor([[[1.0, 2.0]]]), (10, 20), (30, 80))
    assert scaled.tolist() == [[[4.0, 6.0]]]


def test_a_mask_lies_where_its_window_lies_in_the_square() -> None:
    logits = torch.full((1, 24, 48), -5.0)
    logits[0, 6:18, 12:24] = 5.0
    frame = LogitFrame(96, 48, 96)
    laid = mask_input(logits, frame, side=64)
    assert laid.shape == (1, 64, 64)
    expected = torch.full((64, 64), -5.0)
    expected[8:24, 16:32] = 5.0
    assert int(((laid[0] > 0) != (expected > 0)).sum()) == 0
    assert float(laid[0, 32:].max()) == -5.0
    assert bool(((frame.place(laid, (24, 48)) > 0) == (logits > 0)).all())


def test_nothing_to_lay_stays_nothing() -> None:
    assert mask_input(torch.zeros(0, 4, 6), LogitFrame(6, 4, 6), 8).shape == (0, 8, 8)
