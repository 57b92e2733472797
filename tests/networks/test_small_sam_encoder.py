"""Details travel behind the embedding, and come out where they belong."""

from __future__ import annotations

import torch
from torch import nn

from goodsam_pl.networks.small_sam import SmallSam
from goodsam_pl.networks.small_sam_encoder import Details, split_embedding


def small_sam() -> SmallSam:
    torch.manual_seed(1)
    return SmallSam(64, 32, 2, 2, 4, (1,), 32, mask_features=8)


def split(sam: SmallSam, images: torch.Tensor) -> tuple[torch.Tensor, Details]:
    with torch.no_grad():
        embedding, details = split_embedding(sam.image_encoder(images), 32)
    assert details is not None
    return embedding, details


def test_an_embedding_without_details_is_itself() -> None:
    plain = torch.randn(2, 32, 8, 8)
    embedding, details = split_embedding(plain, 32)
    assert torch.equal(embedding, plain)
    assert details is None


def test_every_detail_is_that_of_its_place() -> None:
    """Features that tell their own row and column, through the whole encoder."""
    sam = small_sam()
    encoder = sam.image_encoder

    class Places(nn.Module):
        """Row and column of every place in the first two channels."""

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            rows, columns = features.shape[2:]
            placed = torch.zeros(len(features), 8, rows, columns)
            placed[:, 0] = torch.arange(rows, dtype=torch.float32)[:, None]
            placed[:, 1] = torch.arange(columns, dtype=torch.float32)
            return placed

    encoder.quarters = encoder.sixteenths = Places()
    embedding, details = split(sam, torch.randn(2, 3, 64, 64))
    assert embedding.shape == (2, 32, 8, 8)
    assert details.quarters.shape == (2, 64, 4, 8)
    assert details.sixteenths.shape == (2, 64, 4, 4, 8)
    for row, column in ((0, 0), (3, 6), (7, 2)):
        token = 8 * row + column
        for outer in range(4):
            down, right = divmod(outer, 2)
            place = (2 * row + down, 2 * column + right)
            assert details.quarters[1, token, outer, :2].tolist() == list(place)
            for inner in range(4):
                lower, further = divmod(inner, 2)
                finest = details.sixteenths[1, token, outer, inner, :2].tolist()
                assert finest == [2 * place[0] + lower, 2 * place[1] + further]


def test_another_way_to_run_the_transformer_is_taken() -> None:
    encoder = small_sam().image_encoder
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        usual = encoder(images)
        doubled = encoder.encode(images, lambda features: 2 * encoder.vit(features))
    torch.testing.assert_close(doubled[:, :32], 2 * usual[:, :32])
    assert not torch.equal(doubled[:, 32:], usual[:, 32:])


def test_details_know_of_the_whole_and_of_the_smallest() -> None:
    sam = small_sam()
    image = torch.randn(1, 3, 64, 64)
    changed = image.clone()
    changed[..., 63, 63] += 5.0
    (_, before), (_, after) = split(sam, image), split(sam, changed)
    difference = (after.sixteenths - before.sixteenths).abs().amax(dim=(2, 3, 4))[0]
    assert difference[63] > 0
    assert difference[0] > 0  # far away, by attention
    assert difference.argmax() == 63
