"""One mask a box: Meta's predictor and transformers' own processing are the reference."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor
from torch import Tensor

from goodsam_pl.sam import SegmentAnything, TransformersSAM
from goodsam_pl.sam.box_prompts import BoxedModel, describe_boxed, masks_in_boxes, scale_boxes

sys.path.insert(0, str(Path(__file__).parent))

BOXES = torch.tensor([[4.0, 3.0, 40.0, 30.0], [20.5, 10.25, 59.0, 44.0], [1.0, 1.0, 9.0, 9.0]])
HAS_TRANSFORMERS = importlib.util.find_spec("transformers") is not None
needs_transformers = pytest.mark.skipif(
    not HAS_TRANSFORMERS, reason="transformers is not installed"
)


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


@needs_transformers
@pytest.mark.parametrize("family", ["sam", "sam2", "sam3_tracker"])
def test_transformers_models_answer_as_with_their_own_processing(
    family: str, tmp_path: Path
) -> None:
    import transformers
    from tiny_transformers import SIDE, TINY

    model = TINY[family]()
    model.save_pretrained(tmp_path)
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
    window = noise(1, (48, 64))
    inputs = processor(
        images=window[0].permute(1, 2, 0).numpy(),
        input_boxes=[BOXES.tolist()],
        return_tensors="pt",
    )
    with torch.no_grad():
        given = {name: inputs[name] for name in ("pixel_values", "input_boxes")}
        answer = model(**{key: part.float() for key, part in given.items()}, multimask_output=False)
    arguments = [answer.pred_masks, inputs["original_sizes"]]
    if family == "sam":
        arguments.append(inputs["reshaped_input_sizes"])
    expected = processor.post_process_masks(*arguments)[0][:, 0]
    found = masks_in_boxes(TransformersSAM(str(tmp_path)), window, [BOXES])[0]
    assert found.binary.any()
    # resized by Pillow here and by torchvision there
    assert float((found.binary != expected).float().mean()) < 0.01
    torch.testing.assert_close(
        found.predicted_iou, answer.iou_scores[0, :, 0], rtol=0.05, atol=0.05
    )


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
    with pytest.raises(ValueError, match="give uint8|for each of the 1 windows"):
        masks_in_boxes(SegmentAnything("vit_nano"), windows, boxes)
