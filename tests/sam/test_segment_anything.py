"""The proposer against segment_anything's own generator, and the shipped small SAM on a street."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from segment_anything import SamAutomaticMaskGenerator
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.masks import MaskProposer, WindowMasks
from goodsam_pl.masks.comparison import compare_masks, total
from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.networks import save_weights
from goodsam_pl.networks.small_sam import NANO_WEIGHTS, build_small_sam
from goodsam_pl.sam import SegmentAnything
from goodsam_pl.sam.mask_decoder import DecodedPoints, decode_points
from goodsam_pl.streetworld import View

STRICT = {"predicted_iou_threshold": 0.5, "stability_threshold": 0.6, "stability_offset": 0.25}


def sort_key(mask: np.ndarray) -> tuple[int, bytes]:
    return -int(mask.sum()), mask.tobytes()


@pytest.mark.parametrize("shape", [(192, 192), (120, 192), (192, 100), (150, 240), (96, 96)])
@pytest.mark.parametrize("parameters", [{}, STRICT], ids=["default", "strict"])
def test_masks_are_those_of_the_stock_generator(
    street_image: Tensor, shape: tuple[int, int], parameters: dict[str, float]
) -> None:
    window = street_image[:, : shape[0], 400 : 400 + shape[1]]
    proposer = SegmentAnything(**{"minimum_area": 1, "box_nms_threshold": 0.6} | parameters)
    found = proposer.propose(window[None])[0]
    stock = SamAutomaticMaskGenerator(
        proposer._sam,
        points_per_side=12,
        pred_iou_thresh=proposer.predicted_iou_threshold,
        stability_score_thresh=proposer.stability_threshold,
        stability_score_offset=proposer.stability_offset,
        box_nms_thresh=0.6,
    ).generate(window.permute(1, 2, 0).numpy())
    assert len(found) == len(stock)
    assert len(stock) >= 2
    stock.sort(key=lambda mask: sort_key(mask["segmentation"]))
    binary = found.binary().numpy()
    order = sorted(range(len(found)), key=lambda index: sort_key(binary[index]))
    assert found.logits is not None
    certain = (_placed(found, shape).abs() > 1e-4).numpy()
    for index, expected in zip(order, stock, strict=True):
        differing = binary[index] != expected["segmentation"]
        assert not (differing & certain[index]).any()
        assert differing.sum() <= 2
        x, y, width, height = expected["bbox"]
        assert found.boxes[index].tolist() == [x, y, x + width, y + height]
        scores = [float(found.predicted_iou[index]), float(found.stability[index])]
        wanted = [expected["predicted_iou"], expected["stability_score"]]
        assert scores == pytest.approx(wanted, abs=1e-3)


def _placed(found: WindowMasks, shape: tuple[int, int]) -> Tensor:
    assert isinstance(found.frame, LogitFrame)
    assert found.logits is not None
    return found.frame.place(found.logits, shape)


@pytest.mark.parametrize(("points", "windows"), [(1, 1), (7, 2), (50, 3), (1000, 8)])
def test_batch_sizes_do_not_change_the_masks(
    street_image: Tensor, points: int, windows: int
) -> None:
    cut = street_image[:, :, :576].unfold(2, 192, 192).permute(2, 0, 1, 3)
    parameters = {"points_per_side": 4, "minimum_area": 1}
    expected = SegmentAnything(**parameters).propose(cut)
    proposer = SegmentAnything(**parameters, points_per_batch=points, windows_per_batch=windows)
    for before, after in zip(expected, proposer.propose(cut), strict=True):
        assert torch.equal(before.binary(), after.binary())
        torch.testing.assert_close(before.predicted_iou, after.predicted_iou)
        # a pixel whose logit equals the shifted threshold may fall on either side of it
        torch.testing.assert_close(before.stability, after.stability, rtol=0, atol=1e-3)
        torch.testing.assert_close(before.logits, after.logits, rtol=1e-4, atol=1e-4)


def test_distinct_masks_are_nearly_all_masks(street_image: Tensor) -> None:
    cut = street_image[:, :, :576].unfold(2, 192, 192).permute(2, 0, 1, 3)
    proposer = SegmentAnything()
    compared = total(
        compare_masks(all_masks, distinct)
        for all_masks, distinct in zip(
            proposer.propose(cut), proposer.propose_distinct(cut), strict=True
        )
    )
    assert compared.reference >= 10
    assert compared.matched_share >= 0.9
    assert compared.found <= compared.reference + 2


def test_running_out_of_memory_does_not_change_the_masks(
    street_image: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode_few(sam: Sam, embeddings: Tensor, points: Tensor) -> DecodedPoints:
        if points.shape[1] > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode_points(sam, embeddings, points)

    window = street_image[None, :, :, 300:492]
    expected = SegmentAnything(points_per_side=4).propose(window)[0]
    monkeypatch.setattr("goodsam_pl.sam.point_decoder.decode_points", decode_few)
    found = SegmentAnything(points_per_side=4).propose(window)[0]
    assert torch.equal(found.binary(), expected.binary())


def test_a_huge_batch_of_points_is_cut_to_what_memory_holds() -> None:
    proposer = SegmentAnything(points_per_batch=100_000)
    assert 24 < proposer._decoder.together.size < 1000


def test_16_bits_change_masks_a_little_and_the_fingerprint(street_image: Tensor) -> None:
    window = street_image[None, :, :, 200:392]
    exact, coarse = SegmentAnything(), SegmentAnything(precision="bf16-mixed")
    assert exact.fingerprint != coarse.fingerprint
    assert "precision" not in exact.describe()  # what is stored in 32 bits stays valid
    found = coarse.propose(window)[0]
    assert found.predicted_iou.dtype == torch.float32
    assert compare_masks(exact.propose(window)[0], found, least_iou=0.5).matched_share > 0.6
    with pytest.raises(ValueError, match="precision"):
        SegmentAnything(precision="64-true")


def test_only_the_encoder_is_compiled_and_only_if_asked(
    street_image: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[torch.nn.Module] = []

    def remember(module: torch.nn.Module) -> torch.nn.Module:
        compiled.append(module)
        return module

    monkeypatch.setattr(torch, "compile", remember)
    window = street_image[None, :, :, :192]
    SegmentAnything(points_per_side=1).propose(window)
    assert compiled == []
    proposer = SegmentAnything(points_per_side=1, compile_encoder=True)
    proposer.propose(window)
    assert compiled == [proposer._sam.image_encoder]


def test_the_same_window_gives_the_same_masks(street_image: Tensor) -> None:
    window = street_image[None, :, :, 300:492]
    first, second = (SegmentAnything().propose(window)[0] for _ in range(2))
    assert torch.equal(first.layers, second.layers)
    assert torch.equal(first.predicted_iou, second.predicted_iou)


def test_binary_masks_are_the_logits_above_zero(street_image: Tensor) -> None:
    found = SegmentAnything().propose(street_image[None, :, :, 200:392])[0]
    assert torch.equal(found.binary(), found.binary(0.0))
    assert (found.binary(1.0) & ~found.binary(0.0)).sum() == 0


def test_thresholds_are_kept(street_image: Tensor) -> None:
    found = SegmentAnything(minimum_area=100).propose(street_image[None, :, :, :192])[0]
    assert len(found) > 0
    assert int(found.areas.min()) >= 100
    assert float(found.predicted_iou.min()) > SegmentAnything().predicted_iou_threshold
    assert float(found.stability.min()) >= SegmentAnything().stability_threshold
    nothing = SegmentAnything(predicted_iou_threshold=2.0).propose(street_image[None, :, :, :192])
    assert len(nothing[0]) == 0
    assert nothing[0].layers.shape == (0, 192, 192)


def test_the_shipped_small_sam_finds_the_large_things_of_a_street(
    street: View, street_image: Tensor
) -> None:
    """Below what the model card has, but out of reach for masks that mean nothing."""
    best = []
    for left in (0, 256, 512, 768):
        instances = torch.from_numpy(street.instance[:, left : left + 192].copy())
        found = SegmentAnything().propose(street_image[None, :, :, left : left + 192])[0]
        ids, areas = instances.unique(return_counts=True)
        wanted = (instances == ids[areas >= 2000, None, None]).flatten(1).float()
        drawn = found.binary().flatten(1).float()
        shared = wanted @ drawn.T
        iou = shared / (wanted.sum(dim=1)[:, None] + drawn.sum(dim=1) - shared)
        best += iou.amax(dim=1).tolist()
    assert len(best) >= 8
    assert np.mean(best) > 0.5


def test_the_fingerprint_is_of_all_that_changes_masks_and_nothing_else(tmp_path: Path) -> None:
    plain = SegmentAnything()
    assert isinstance(plain, MaskProposer)
    same = SegmentAnything(points_per_batch=3, windows_per_batch=1, checkpoint=str(NANO_WEIGHTS))
    assert same.fingerprint == plain.fingerprint
    others = tmp_path / "other.safetensors"
    save_weights(build_small_sam().state_dict(), others)
    changed = [
        SegmentAnything(checkpoint=str(others)),
        SegmentAnything("vit_h"),
        SegmentAnything("vit_b"),
        SegmentAnything(points_per_side=13),
        SegmentAnything(predicted_iou_threshold=0.1),
        SegmentAnything(stability_threshold=0.1),
        SegmentAnything(stability_offset=0.1),
        SegmentAnything(box_nms_threshold=0.1),
        SegmentAnything(minimum_area=5),
    ]
    assert len({plain.fingerprint, *(one.fingerprint for one in changed)}) == 10


def test_missing_official_weights_name_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOODSAM_CACHE", str(tmp_path))
    proposer = SegmentAnything("vit_h")
    assert proposer.describe()["model"] == "vit_h"
    with pytest.raises(FileNotFoundError, match="`goodsam weights vit_h`"):
        proposer.propose(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"own\.pth"):
        SegmentAnything(checkpoint=str(tmp_path / "own.pth")).describe()


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    save_weights({"weight": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match=r"wrong\.safetensors.*missing"):
        SegmentAnything(checkpoint=str(path)).propose(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


@pytest.mark.parametrize(
    "name", ["points_per_side", "minimum_area", "points_per_batch", "windows_per_batch"]
)
def test_counts_below_one_are_named(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        SegmentAnything(**{name: 0})


@pytest.mark.parametrize(
    "windows",
    [torch.zeros(1, 3, 8, 8), torch.zeros(3, 8, 8, dtype=torch.uint8)],
    ids=["floats", "no batch"],
)
def test_windows_must_be_a_batch_of_bytes(windows: Tensor) -> None:
    with pytest.raises(ValueError, match="give uint8"):
        SegmentAnything().propose(windows)
