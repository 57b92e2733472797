"""Who embeds: official classes, the small SAM without its details, transformers; who does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.networks.small_sam import NANO_WEIGHTS, SmallSam
from goodsam_pl.sam import (
    Felzenszwalb,
    ImageEmbedder,
    SegmentAnything,
    StreetWorldOracle,
    TransformersSAM,
)
from goodsam_pl.sam.image_embedder import windows_in

sys.path.insert(0, str(Path(__file__).parent))

MEAN = torch.tensor([123.675, 116.28, 103.53])[:, None, None]
DEVIATION = torch.tensor([58.395, 57.12, 57.375])[:, None, None]


def normalised(window: Tensor) -> Tensor:
    return (window - MEAN) / DEVIATION


def test_of_the_small_sam_it_is_the_embedding_without_the_details(street_image: Tensor) -> None:
    window = street_image[None, :, :, 300:492]
    sam = SegmentAnything()
    embedder = ImageEmbedder(sam)
    packed = sam.embed(window).embeddings
    assert packed.shape == (1, 64 + 20 * 32, 24, 24)
    found = embedder(normalised(window))
    assert embedder.channels == 64
    torch.testing.assert_close(found, packed[:, :64], rtol=0, atol=1e-4)
    # and that is what the transformer inside says of the tokens, before anything is lifted
    small = SmallSam(weights=str(NANO_WEIGHTS)).image_encoder
    with torch.no_grad():
        expected = small.vit(small.coarse(small.fine(normalised(window))))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_windows_lie_side_by_side_in_the_embedding(street_image: Tensor) -> None:
    embedder = ImageEmbedder(SegmentAnything())
    wide = normalised(street_image[None, :, :, 300:684])
    found = embedder(torch.cat([wide, wide.flip(3)]))
    assert found.shape == (2, 64, 24, 48)
    halves = embedder(torch.cat([wide[..., :192], wide[..., 192:]]))
    torch.testing.assert_close(found[:1], torch.cat([*halves[:, None]], dim=3), rtol=0, atol=1e-4)
    tall = normalised(street_image.transpose(1, 2)[None, :, 300:684])
    upper = embedder(tall[:, :, :192])
    torch.testing.assert_close(embedder(tall)[:, :, :24], upper, rtol=0, atol=1e-4)


def test_images_are_enlarged_bilinearly_to_the_square(street_image: Tensor) -> None:
    embedder = ImageEmbedder(SegmentAnything())
    small = normalised(street_image[None, :, 40:136, 300:396])
    enlarged = F.interpolate(small, (192, 192), mode="bilinear", align_corners=False)
    torch.testing.assert_close(embedder(small), embedder(enlarged), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((512, 512), (1, 1)),
        ((192, 384), (1, 2)),
        ((192, 1024), (1, 5)),
        ((600, 200), (3, 1)),
        ((100, 140), (1, 1)),
        ((5, 1), (5, 1)),
    ],
)
def test_windows_are_about_square(size, expected) -> None:
    assert windows_in(size) == expected


def test_gradients_end_at_the_embedding_and_numbers_are_not_drawn(street_image: Tensor) -> None:
    images = normalised(street_image[None, :, :, :192]).requires_grad_()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    embedder = ImageEmbedder(SegmentAnything())
    assert embedder.read() == 192
    assert not embedder(images).requires_grad
    assert torch.get_rng_state().equal(before)


class Remembering(Felzenszwalb):
    """Has an encoder that says nothing, and tells where it was moved."""

    def __init__(self) -> None:
        super().__init__()
        self.moves: list[str] = []

    def to(self, device: torch.device | str) -> None:
        self.moves.append(str(device))

    def embedding_channels(self) -> int:
        return 4

    def input_side(self) -> int:
        return 8

    def encode(self, images: Tensor) -> Tensor:
        return images.new_zeros(len(images), 4, 2, 2)


def test_sam_follows_the_images_to_their_device() -> None:
    sam = Remembering()
    embedder = ImageEmbedder(sam)
    assert embedder(torch.zeros(2, 3, 8, 8)).device.type == "cpu"
    assert sam.moves == []
    for _ in range(2):
        assert embedder(torch.zeros(2, 3, 8, 24, device="meta")).shape == (2, 4, 2, 6)
    embedder(torch.zeros(2, 3, 8, 8))
    assert sam.moves == ["meta", "cpu"]


@pytest.mark.parametrize("model", ["vit_b", "vit_l", "vit_h"])
def test_the_official_ones_are_known_before_their_weights_are_there(model, monkeypatch) -> None:
    monkeypatch.setenv("GOODSAM_CACHE", "/nowhere")
    embedder = ImageEmbedder(SegmentAnything(model))
    assert embedder.channels == 256
    with pytest.raises(FileNotFoundError, match=f"goodsam weights {model}"):
        embedder.read()


@pytest.mark.parametrize("proposer", [Felzenszwalb(), StreetWorldOracle("here")])
def test_who_has_no_encoder_is_refused(proposer) -> None:
    with pytest.raises(TypeError, match=rf"{type(proposer).__name__} proposes masks without an"):
        ImageEmbedder(proposer)


@pytest.mark.parametrize("family", ["sam", "sam_hq", "sam2", "sam2_video"])
def test_of_transformers_it_is_what_its_masks_are_drawn_from(family: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from tiny_transformers import SIDE, TINY, WIDTH, as_meta, noise_windows  # noqa: PLC0415

    model = TINY[family]()
    model.save_pretrained(tmp_path)
    sam = TransformersSAM(str(tmp_path), windows_per_batch=2)
    embedder = ImageEmbedder(sam)
    assert embedder.channels == WIDTH
    assert embedder.read() == SIDE
    windows = noise_windows(3, (SIDE, SIDE))
    found = embedder(normalised(windows))
    torch.testing.assert_close(found, sam.embed(windows).embeddings, rtol=1e-3, atol=1e-4)
    if family == "sam":
        with torch.no_grad():
            expected = as_meta(model).image_encoder(normalised(windows))
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
