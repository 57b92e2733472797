"""The reordered decoder is segment_anything's decoder."""

from __future__ import annotations

import pytest
import torch
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.sam.mask_decoder import DecodedPoints, decode_points
from goodsam_pl.sam.mask_logits import draw_masks


@pytest.fixture(scope="module")
def embeddings(tiny_sam: Sam) -> Tensor:
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        return tiny_sam.image_encoder(images)


@pytest.fixture(scope="module")
def points() -> Tensor:
    return torch.rand(3, 7, 2, generator=torch.Generator().manual_seed(3)) * 64


@pytest.fixture(scope="module")
def decoded(tiny_sam: Sam, embeddings: Tensor, points: Tensor) -> DecodedPoints:
    with torch.no_grad():
        return decode_points(tiny_sam, embeddings, points)


def stock(sam: Sam, embedding: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    sparse, dense = sam.prompt_encoder((points[:, None], torch.ones(len(points), 1)), None, None)
    with torch.no_grad():
        return sam.mask_decoder(
            embedding[None], sam.prompt_encoder.get_dense_pe(), sparse, dense, multimask_output=True
        )


def test_all_masks_and_scores_equal_those_of_the_stock_decoder(
    tiny_sam: Sam, embeddings: Tensor, points: Tensor, decoded: DecodedPoints
) -> None:
    wanted = torch.ones(21, 3, dtype=torch.bool)
    with torch.no_grad():
        logits = draw_masks(tiny_sam, decoded, wanted).reshape(3, 7, 3, 32, 32)
    for index in range(3):
        masks, predicted_iou = stock(tiny_sam, embeddings[index], points[index])
        torch.testing.assert_close(logits[index], masks, rtol=1e-4, atol=1e-5)
        own = decoded.predicted_iou.reshape(3, 7, 3)[index]
        torch.testing.assert_close(own, predicted_iou, rtol=1e-4, atol=1e-5)


def test_every_weight_that_multimask_output_uses_gets_a_gradient(tiny_sam: Sam) -> None:
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    decoded = decode_points(tiny_sam, tiny_sam.image_encoder(images), torch.rand(1, 2, 2) * 64)
    logits = draw_masks(tiny_sam, decoded, torch.ones(2, 3, dtype=torch.bool))
    (logits.square().sum() + decoded.predicted_iou.square().sum()).backward()
    # the single-mask head, boxes, background clicks and mask prompts play no part
    unused = ("point_embeddings.0", "point_embeddings.2", "point_embeddings.3", "mask_downscaling")
    for name, parameter in tiny_sam.named_parameters():
        if not any(part in name for part in (*unused, "hypernetworks_mlps.0", "k_proj.bias")):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name
    tiny_sam.zero_grad(set_to_none=True)
