"""Words to boxes to masks, with a detector that is told what to find and with a real one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from jsonargparse import ArgumentParser
from torch import Tensor

from goodsam_pl.files.presets import read_preset
from goodsam_pl.masks.concepts import Concept, ConceptProposer, ConceptWindows
from goodsam_pl.sam import Felzenszwalb, GroundedSAM, GroundingDino, SegmentAnything
from goodsam_pl.sam.box_prompts import masks_in_boxes
from goodsam_pl.sam.grounding_dino import Detections

sys.path.insert(0, str(Path(__file__).parent))

CONCEPTS = (Concept("car", ("car",)), Concept("person", ("person", "rider")))


def windows_of(image: Tensor) -> ConceptWindows:
    pixels = torch.stack([image[:, :, 300:492], image[:, :, 500:692]])
    corners = torch.tensor([[300, 0], [500, 0]])
    return ConceptWindows("street", pixels, corners, (192, 1024))


class Told:
    """Finds what it is told to, in queries' order."""

    def __init__(self, found: list[Detections]) -> None:
        self.found = found
        self.asked: tuple[str, ...] = ()

    def detect(self, windows: Tensor, phrases: tuple[str, ...]) -> list[Detections]:
        self.asked = phrases
        return self.found


def test_order_is_kept_and_synonyms_become_their_class(street_image: Tensor) -> None:
    boxes = torch.tensor([[0.0, 60, 90, 150], [100, 20, 170, 180], [0, 100, 191, 191]])
    found = Detections(boxes, torch.tensor([0.4, 0.9, 0.5]), torch.tensor([2, 0, 1]))
    nothing = Detections(boxes[:0], torch.zeros(0), torch.zeros(0, dtype=torch.long))
    detector, sam = Told([found, nothing]), SegmentAnything("vit_nano")
    windows = windows_of(street_image)
    first, second = GroundedSAM(detector, sam).propose(windows, CONCEPTS)
    assert detector.asked == ("car", "person", "rider")
    assert first.classes.tolist() == [1, 0, 1]
    assert torch.equal(first.scores, found.scores)
    assert torch.equal(first.boxes, boxes)
    assert torch.equal(first.binary(), masks_in_boxes(sam, windows.pixels[:1], [boxes])[0].binary)
    assert (len(second), second.size, second.evidence) == (0, (192, 192), None)


def test_what_answers_no_boxes_is_refused() -> None:
    with pytest.raises(ValueError, match="Felzenszwalb answers no boxes: choose SegmentAnything"):
        GroundedSAM(Told([]), Felzenszwalb())


@pytest.mark.parametrize("name", ["grounded_sam", "sam3"])
def test_our_configurations_are_proposers(name: str) -> None:
    path = Path(__file__).parents[2] / "configs" / "proposers" / f"{name}.yaml"
    parser = ArgumentParser()
    parser.add_argument("--proposer", type=ConceptProposer)
    tree = parser.parse_object({"proposer": read_preset(path)})
    proposer = parser.instantiate_classes(tree).proposer
    if name == "sam3":
        assert (proposer.model, proposer.score_threshold) == ("facebook/sam3", 0.5)
    else:
        assert (proposer.detector.box_threshold, proposer.segmenter.model) == (0.3, "vit_h")


@pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="transformers is not installed"
)
def test_a_real_detector_drives_it(street_image: Tensor, tmp_path: Path) -> None:
    tiny_concepts = pytest.importorskip("tiny_concepts")
    folder = str(tiny_concepts.write_grounding_dino(tmp_path))
    detector = GroundingDino(folder, box_threshold=0.0, shorter_side=128, longer_side=192)
    proposer = GroundedSAM(detector, SegmentAnything("vit_nano"))
    assert isinstance(proposer, ConceptProposer)
    windows = windows_of(street_image)
    masks = proposer.propose(windows, CONCEPTS)
    boxes = detector.detect(windows.pixels, ("car", "person", "rider"))
    for found, asked in zip(masks, boxes, strict=True):
        assert 0 < len(found) <= len(asked.scores)
        assert found.binary().flatten(1).any(dim=1).all()
        assert set(found.scores.tolist()) <= set(asked.scores.tolist())
    described = proposer.describe()
    assert described["proposer"] == "grounded_sam"
    assert described["sam_model"] == "vit_nano"
    half = GroundedSAM(detector, SegmentAnything("vit_nano", precision="bf16-mixed"))
    assert half.describe() != described
