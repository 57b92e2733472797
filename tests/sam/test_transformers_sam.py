"""The SAM family of transformers against its own forward pass and against Meta's classes."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from goodsam_pl.files import fingerprint_of
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskProposer, MaskStore, WindowMasks, image_key, precompute_masks
from goodsam_pl.sam import PanoramaMaskGenerator, SegmentAnything, TransformersSAM
from goodsam_pl.sam.box_prompts import masks_in_boxes
from goodsam_pl.sam.mask_prompts import MaskPrompts
from goodsam_pl.sam.panorama_generator import PromptedModel
from goodsam_pl.sam.precision import Precision
from goodsam_pl.sam.refiners import refiner_for

if importlib.util.find_spec("transformers") is None:
    pytest.skip("transformers is not installed", allow_module_level=True)

import transformers

sys.path.insert(0, str(Path(__file__).parent))
from tiny_transformers import SIDE, TINY, as_meta, noise_windows

FAMILIES = sorted(TINY)
EVERYTHING = {
    "points_per_side": 4,
    "predicted_iou_threshold": -1e6,
    "stability_threshold": 0.0,
    "stability_offset": 0.02,
    "box_nms_threshold": 1.0,
    "minimum_area": 1,
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory):
    """The checkpoint of a family, written once."""

    @cache
    def written(family: str) -> str:
        path = tmp_path_factory.mktemp("checkpoints") / family
        with torch.random.fork_rng():
            torch.manual_seed(0)  # the same weights in whatever order tests run
            TINY[family]().save_pretrained(path)
        return str(path)

    return written


def in_order(masks: WindowMasks) -> list[tuple[Tensor, float, float]]:
    """Masks with their scores, by predicted IoU."""
    binary = masks.binary()
    return [
        (binary[index], float(masks.predicted_iou[index]), float(masks.stability[index]))
        for index in masks.predicted_iou.argsort(stable=True)
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_masks_are_those_of_the_model_itself(folder, family: str) -> None:
    """All points at once from pixels, masks laid over the window as the paper's code does it."""
    proposer = TransformersSAM(folder(family), **EVERYTHING)
    window = noise_windows(1, (SIDE, SIDE))
    found = proposer.propose(window)[0]
    usual = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    three = ([0.5] * 3, [0.5] * 3)
    mean, deviation = (
        torch.tensor(each).reshape(1, 3, 1, 1) for each in (three if "sam3" in family else usual)
    )
    axis = (torch.arange(4) + 0.5) * SIDE / 4
    points = torch.cartesian_prod(axis, axis).flip(1)
    with torch.no_grad():
        answer = proposer._model.network(
            pixel_values=(window / 255 - mean) / deviation, input_points=points[None, :, None]
        )
    logits = answer.pred_masks.flatten(0, 2)
    placed = torch.nn.functional.interpolate(logits[:, None], (SIDE, SIDE), mode="bilinear")[:, 0]
    wanted = (placed > 0).flatten(1).any(dim=1)
    scores = answer.iou_scores.flatten()[wanted]
    order = scores.argsort(stable=True)
    assert len(found) == int(wanted.sum()) > 16
    torch.testing.assert_close(
        found.predicted_iou.sort().values, scores[order], rtol=1e-4, atol=1e-4
    )
    expected = placed[wanted][order]
    for (binary, _, _), own in zip(in_order(found), expected, strict=True):
        assert not ((binary != (own > 0)) & (own.abs() > 1e-4)).any()


@pytest.mark.parametrize("shape", [(SIDE, SIDE), (48, 64), (100, 60)])
def test_sam_gives_what_meta_s_classes_give(folder, shape: tuple[int, int]) -> None:
    proposer = TransformersSAM(folder("sam"), **EVERYTHING)
    meta = SegmentAnything("vit_b", **EVERYTHING)
    meta.__dict__["_sam"] = as_meta(proposer._model.network)
    window = noise_windows(1, shape)
    found, expected = (each.propose(window)[0] for each in (proposer, meta))
    assert len(found) == len(expected) > 16
    assert found.frame == expected.frame
    for one, other in zip(in_order(found), in_order(expected), strict=True):
        assert int((one[0] != other[0]).sum()) <= 2
        assert one[1:] == pytest.approx(other[1:], abs=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
def test_batch_sizes_do_not_change_the_masks(folder, family: str) -> None:
    windows = noise_windows(3, (48, 64))
    expected = TransformersSAM(folder(family), **EVERYTHING).propose(windows)
    small = TransformersSAM(folder(family), **EVERYTHING, points_per_batch=5, windows_per_batch=1)
    for before, after in zip(expected, small.propose(windows), strict=True):
        assert before.size == (48, 64)
        assert len(before) == len(after) > 8
        torch.testing.assert_close(
            before.predicted_iou.sort().values,
            after.predicted_iou.sort().values,
            rtol=1e-4,
            atol=1e-4,
        )
        for one, other in zip(in_order(before), in_order(after), strict=True):
            assert int((one[0] != other[0]).sum()) <= 2


@pytest.mark.parametrize("family", FAMILIES)
def test_in_16_bits_masks_differ_a_little_and_are_others(folder, family: str) -> None:
    window = noise_windows(1, (SIDE, SIDE))
    plain = TransformersSAM(folder(family), **EVERYTHING)
    half = TransformersSAM(folder(family), **EVERYTHING, precision="bf16-mixed")
    exact, close = (each.propose(window)[0] for each in (plain, half))
    assert close.predicted_iou.dtype == torch.float32
    assert len(exact) == pytest.approx(len(close), abs=3)
    means = [float(each.predicted_iou.mean()) for each in (close, exact)]
    assert means[0] == pytest.approx(means[1], abs=0.05)
    assert not torch.equal(close.predicted_iou[:8], exact.predicted_iou[:8])
    assert half.describe() != plain.describe()
    with pytest.raises(ValueError, match="precision is 'half': choose one of"):
        TransformersSAM(folder(family), precision="half")


def test_thresholds_are_kept(folder) -> None:
    window = noise_windows(1, (SIDE, SIDE))
    every = TransformersSAM(folder("sam"), **EVERYTHING).propose(window)[0]
    limits = {
        "predicted_iou_threshold": float(every.predicted_iou.median()),
        "stability_threshold": float(every.stability.median()),
        "minimum_area": int(every.areas.median()),
    }
    measured = (every.predicted_iou, every.stability, every.areas)
    for (name, limit), values in zip(limits.items(), measured, strict=True):
        found = TransformersSAM(folder("sam"), **EVERYTHING | {name: limit}).propose(window)[0]
        passing = values > limit if name == "predicted_iou_threshold" else values >= limit
        assert 0 < len(found) == int(passing.sum()) < len(every)
    fewer = TransformersSAM(folder("sam"), **EVERYTHING | {"box_nms_threshold": 0.5})
    assert 0 < len(fewer.propose(window)[0]) < len(every)
    none = TransformersSAM(folder("sam"), **EVERYTHING | {"predicted_iou_threshold": 1e6})
    assert none.propose(window)[0].layers.shape == (0, SIDE, SIDE)


def test_the_fingerprint_is_of_weights_and_parameters_and_not_of_the_place(
    folder, tmp_path: Path
) -> None:
    plain = TransformersSAM(folder("sam"))
    assert isinstance(plain, MaskProposer)
    assert isinstance(plain, PromptedModel)
    assert "network" not in plain._model.__dict__
    copied = tmp_path / "elsewhere"
    copied.mkdir()
    for path in Path(folder("sam")).iterdir():
        (copied / path.name).write_bytes(path.read_bytes())
    assert TransformersSAM(str(copied), points_per_batch=3).describe() == plain.describe()
    assert plain.describe()["predicted_iou_threshold"] == 0.88
    assert TransformersSAM(folder("sam2")).describe()["predicted_iou_threshold"] == 0.8
    other = TINY["sam"]()
    other.mask_decoder.iou_token.weight.data += 1
    other.save_pretrained(tmp_path / "other")
    changed = [
        TransformersSAM(str(tmp_path / "other")),
        TransformersSAM(folder("sam_hq")),
        TransformersSAM(folder("sam"), points_per_side=13),
        TransformersSAM(folder("sam"), predicted_iou_threshold=0.1),
        TransformersSAM(folder("sam"), stability_threshold=0.1),
        TransformersSAM(folder("sam"), stability_offset=0.1),
        TransformersSAM(folder("sam"), box_nms_threshold=0.1),
        TransformersSAM(folder("sam"), minimum_area=5),
    ]
    assert len({fingerprint_of(one.describe()) for one in (plain, *changed)}) == 9


@pytest.mark.parametrize("family", ["sam", "sam2"])
def test_a_panorama_is_asked_as_a_whole(folder, family: str) -> None:
    grid = WindowGrid.cover((64, 192), (64, 64), (64, 48))
    proposer = TransformersSAM(folder(family), **EVERYTHING)
    generator = PanoramaMaskGenerator(proposer, grid, points="unexplained")
    found = generator.propose(noise_windows(1, (64, 192)))[0]
    assert found.size == (64, 192)
    assert len(found) > 0
    assert 0 < generator.asked <= 12 * 4


def test_masks_are_stored_and_found_again(
    folder, panoramas: list[Path], reader, grid: WindowGrid, tmp_path: Path
) -> None:
    proposer = TransformersSAM(folder("sam"), **EVERYTHING)
    store = MaskStore.create(tmp_path / "masks", grid, proposer)
    precompute_masks(panoramas, reader, proposer, store)
    assert len(store) == len(panoramas)
    again = TransformersSAM(folder("sam"), **EVERYTHING)
    reopened = MaskStore.create(tmp_path / "masks", grid, again)
    precompute_masks(panoramas, reader, again, reopened)
    assert "network" not in again._model.__dict__
    expected = proposer.propose(grid.extract(reader(panoramas[0])[None])[0])
    for before, after in zip(expected, reopened.read(image_key(panoramas[0])), strict=True):
        assert len(before) > 0
        assert torch.equal(before.binary(), after.binary())
        assert torch.equal(before.predicted_iou, after.predicted_iou)


@pytest.mark.parametrize("family", ["sam", "sam2", "sam3_tracker"])
def test_boxes_are_answered_as_with_transformers_own_processing(folder, family: str) -> None:
    proposer = TransformersSAM(folder(family))
    size = {"height": SIDE, "width": SIDE}
    if family == "sam":
        processor = transformers.SamProcessor(
            transformers.SamImageProcessor(size={"longest_edge": SIDE}, pad_size=size)
        )
    elif family == "sam2":
        processor = transformers.Sam2Processor(transformers.Sam2ImageProcessor(size=size))
    else:
        images = transformers.Sam3ImageProcessor(size=size)
        processor = transformers.Sam3TrackerProcessor(images)
    boxes = torch.tensor([[4.0, 3.0, 40.0, 30.0], [20.5, 10.25, 59.0, 44.0], [1.0, 1.0, 9.0, 9.0]])
    window = noise_windows(1, (48, 64))
    inputs = processor(
        images=window[0].permute(1, 2, 0).numpy(),
        input_boxes=[boxes.tolist()],
        return_tensors="pt",
    )
    with torch.no_grad():
        given = {name: inputs[name] for name in ("pixel_values", "input_boxes")}
        answer = proposer._model.network(
            **{key: part.float() for key, part in given.items()}, multimask_output=False
        )
    arguments = [answer.pred_masks, inputs["original_sizes"]]
    if family == "sam":
        arguments.append(inputs["reshaped_input_sizes"])
    expected = processor.post_process_masks(*arguments)[0][:, 0]
    found = masks_in_boxes(proposer, window, [boxes])[0]
    assert found.binary.any()
    # resized by Pillow here and by torchvision there
    assert float((found.binary != expected).float().mean()) < 0.01
    torch.testing.assert_close(
        found.predicted_iou, answer.iou_scores[0, :, 0], rtol=0.05, atol=0.05
    )


def mask_prompts(side: int) -> MaskPrompts:
    """Two, of random points, boxes and masks of so many pixels, in windows of 64×64."""
    generator = torch.Generator().manual_seed(5)
    return MaskPrompts(
        points=SIDE * torch.rand(2, 2, 2, generator=generator),
        labels=torch.tensor([[1, 0], [1, 0]]),
        boxes=torch.tensor([[4.0, 3.0, 40.0, 30.0], [20.5, 10.25, 59.0, 44.0]]),
        masks=8 * torch.randn(2, side, side, generator=generator),
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_points_box_and_mask_are_answered_as_by_the_model_itself(folder, family: str) -> None:
    """One prompt after the other, from pixels."""
    proposer = TransformersSAM(folder(family))
    window = noise_windows(1, (SIDE, SIDE))
    view = proposer.embed(window)
    prompts = mask_prompts(4 * view.embeddings.shape[-1])
    logits, predicted_iou = proposer.decode_mask_prompts(view, 0, prompts)
    assert logits.shape[:2] == predicted_iou.shape == (2, 3)
    pixels = proposer._model.normalised(window, (SIDE, SIDE))
    for index in range(2):
        with torch.no_grad():
            answer = proposer._model.network(
                pixel_values=pixels,
                input_points=prompts.points[index][None, None],
                input_labels=prompts.labels[index][None, None],
                input_boxes=prompts.boxes[index][None, None],
                input_masks=prompts.masks[index][None, None],
                multimask_output=True,
            )
        torch.testing.assert_close(logits[index], answer.pred_masks[0, 0], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(predicted_iou[index], answer.iou_scores[0, 0])
    assert (logits[0] - logits[1]).abs().max() > 1e-3


def test_sam_answers_points_box_and_mask_as_meta_s_classes_do(folder) -> None:
    proposer = TransformersSAM(folder("sam"))
    meta = SegmentAnything("vit_b")
    meta.__dict__["_sam"] = as_meta(proposer._model.network)
    window = noise_windows(1, (48, 64))
    view, own = proposer.embed(window), meta.embed(window)
    prompts = mask_prompts(4 * view.embeddings.shape[-1])
    for found, expected in zip(
        proposer.decode_mask_prompts(view, 0, prompts),
        meta.decode_mask_prompts(own, 0, prompts),
        strict=True,
    ):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_refines_masks(folder, family: str) -> None:
    refiner = refiner_for(TransformersSAM(folder(family)), margin=0.5)
    coarse = torch.zeros(2, 48, 64, dtype=torch.bool)
    coarse[0, 10:40, 20:50] = coarse[1, 3:9, 4:30] = True
    (found,) = refiner.refine(noise_windows(1, (48, 64)), [coarse])
    assert found.binary.shape == (2, 48, 64)
    assert found.binary.flatten(1).any(dim=1).all()
    (again,) = refiner.refine(noise_windows(1, (48, 64)), [coarse])
    assert torch.equal(found.binary, again.binary)


def test_mean_and_deviation_of_the_checkpoint_count(folder, tmp_path: Path) -> None:
    plain = TransformersSAM(folder("sam3_tracker"))
    copied = shutil.copytree(folder("sam3_tracker"), tmp_path / "own")
    (copied / "preprocessor_config.json").write_text('{"image_mean": [0.1, 0.2, 0.3]}')
    own = TransformersSAM(str(copied))
    assert "image_statistics" not in plain.describe()
    assert own.describe()["image_statistics"] == "0.1 0.2 0.3 0.5 0.5 0.5"
    window = noise_windows(1, (SIDE, SIDE))
    shifted = (window / 255 - torch.tensor([0.1, 0.2, 0.3]).reshape(1, 3, 1, 1)) / 0.5
    expected = own._model.network.get_image_embeddings(shifted)[-1]
    torch.testing.assert_close(own.embed(window).embeddings, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="16 bits pay on a GPU: none is here")
@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("family", FAMILIES)
def test_on_a_gpu_both_kinds_of_16_bits_find_nearly_the_same(
    folder, family: str, precision: Precision
) -> None:
    window = noise_windows(1, (SIDE, SIDE))
    plain = TransformersSAM(folder(family), **EVERYTHING)
    half = TransformersSAM(folder(family), **EVERYTHING, precision=precision)
    half.to("cuda")
    exact, close = (each.propose(window)[0] for each in (plain, half))
    assert len(exact) == pytest.approx(len(close), abs=3)
    means = [float(each.predicted_iou.mean()) for each in (close, exact)]
    assert means[0] == pytest.approx(means[1], abs=0.05)
