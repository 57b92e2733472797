"""Answers made by hand become masks of classes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.sam.concept_answers import ChosenMasks, ConceptAnswers, masks_of_answers

CLASSES = torch.tensor([0, 0, 1])
EVIDENCE = torch.tensor([0.2, 0.7, 0.4]).reshape(3, 1, 1).expand(3, 4, 4)
PRESENCE = torch.tensor([0.9, 0.3, 0.5])


def band(first: int, last: int) -> Tensor:
    """Logits above 0 in some of four columns."""
    logits = torch.full((4, 4), -1.0)
    logits[:, first:last] = 1.0
    return logits


def chosen(*queries: tuple[int, Tensor, float]) -> ChosenMasks:
    boxes = torch.tensor([[0.0, 0.25, 0.5, 1.0]]).repeat(len(queries), 1)
    phrases, logits, scores = zip(*queries, strict=True)
    return ChosenMasks(torch.tensor(phrases), torch.stack(logits), torch.tensor(scores), boxes)


def masks(some: ChosenMasks, size: tuple[int, int] = (4, 4)):
    return masks_of_answers(some, EVIDENCE, PRESENCE, CLASSES, size, 0.5)


def test_queries_above_the_threshold_come_phrase_by_phrase() -> None:
    scores = torch.tensor([[0.1, 0.9], [0.5, 0.8]])
    answers = ConceptAnswers(
        torch.arange(4.0).reshape(2, 2, 1, 1),
        scores,
        torch.zeros(2, 2, 4),
        torch.zeros(2, 1, 1),
        torch.zeros(2),
    )
    found = answers.chosen(0.5)
    assert found.phrases.tolist() == [0, 1]
    assert found.scores.tolist() == pytest.approx([0.9, 0.8])
    assert found.logits.flatten().tolist() == [1.0, 3.0]


def test_a_class_has_the_evidence_and_presence_of_its_strongest_phrase() -> None:
    found = masks(chosen((2, band(0, 2), 0.6)))
    assert found.classes.tolist() == [1]
    assert found.presence is not None
    assert found.presence.tolist() == pytest.approx([0.9, 0.5])
    assert found.evidence is not None
    assert found.evidence.shape == (2, 4, 4)
    assert found.evidence[:, 0, 0].tolist() == pytest.approx([0.7, 0.4], abs=1e-3)


def test_what_two_phrases_of_a_class_have_found_counts_once() -> None:
    found = masks(chosen((0, band(0, 2), 0.6), (1, band(0, 2), 0.8), (1, band(2, 4), 0.7)))
    assert found.scores.tolist() == pytest.approx([0.8, 0.7])
    assert torch.equal(found.binary()[0], band(0, 2) > 0)


def test_masks_of_one_phrase_and_of_other_classes_stay() -> None:
    twice = (0, band(0, 2), 0.6), (0, band(0, 2), 0.8), (2, band(0, 2), 0.7)
    found = masks(chosen(*twice))
    assert found.scores.tolist() == pytest.approx([0.6, 0.8, 0.7])
    assert found.classes.tolist() == [0, 0, 1]


def test_a_dropped_mask_drops_no_other() -> None:
    wide, half, rest = band(0, 3), band(0, 2), band(0, 1)
    # half repeats wide (2/3) and is dropped; rest repeats half (1/2 is not above) but not wide
    found = masks(chosen((0, wide, 0.9), (1, half, 0.8), (0, rest, 0.7)))
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])


def test_masks_are_laid_over_the_window_and_empty_ones_dropped() -> None:
    found = masks(chosen((0, band(0, 2), 0.6), (2, band(0, 0), 0.9)), (8, 12))
    assert len(found) == 1
    expected = torch.zeros(8, 12, dtype=torch.bool)
    expected[:, :6] = True
    assert torch.equal(found.binary()[0], expected)
    assert found.boxes.tolist() == [[0.0, 2.0, 6.0, 8.0]]


def test_logits_are_resized_and_not_probabilities() -> None:
    steep = torch.full((4, 4), -1.0)
    steep[:, :2] = 9.0
    found = masks(chosen((0, steep, 0.6)), (4, 40))
    # 9 to -1 crosses 0 nine tenths of the way; probabilities would cross 0.5 nearly half way
    assert int(found.binary()[0, 0].sum()) == 24


def test_nothing_chosen_is_no_mask() -> None:
    none = ChosenMasks(
        torch.zeros(0, dtype=torch.long), torch.zeros(0, 4, 4), torch.zeros(0), torch.zeros(0, 4)
    )
    found = masks(none, (6, 5))
    assert (len(found), found.size) == (0, (6, 5))
    assert found.presence is not None
