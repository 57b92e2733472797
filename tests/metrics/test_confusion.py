from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from goodsam_pl.metrics import confusion_matrix

IGNORE = 255


def count_pixel_by_pixel(predictions, labels, classes):
    """The definition, spelt out."""
    matrix = np.zeros((classes, classes), dtype=np.int64)
    for predicted, label in zip(predictions.flatten(), labels.flatten(), strict=True):
        if label != IGNORE:
            matrix[label, predicted] += 1
    return matrix


@st.composite
def segmentations(draw):
    classes = draw(st.integers(2, 21))
    shape = tuple(draw(st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    predictions = generator.integers(0, classes, shape)
    labels = generator.integers(0, classes, shape)
    labels[generator.random(shape) < draw(st.floats(0, 1))] = IGNORE
    return predictions, labels, classes


@given(segmentations())
@settings(max_examples=60, deadline=None)
def test_equals_the_definition(sample):
    predictions, labels, classes = sample
    matrix = confusion_matrix(torch.tensor(predictions), torch.tensor(labels), classes)
    assert matrix.dtype == torch.int64
    np.testing.assert_array_equal(matrix, count_pixel_by_pixel(predictions, labels, classes))
    assert matrix.sum() == (labels != IGNORE).sum()


@given(segmentations(), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_renaming_the_classes_permutes_rows_and_columns(sample, random):
    predictions, labels, classes = sample
    order = list(range(classes))
    random.shuffle(order)
    renamed = torch.tensor([*order, *[IGNORE] * (256 - classes)])
    before = confusion_matrix(torch.tensor(predictions), torch.tensor(labels), classes)
    after = confusion_matrix(renamed[predictions], renamed[labels], classes)
    assert torch.equal(after[order][:, order], before)


@given(segmentations(), st.data())
@settings(max_examples=30, deadline=None)
def test_adds_up_over_any_split(sample, data):
    predictions, labels = torch.tensor(sample[0]), torch.tensor(sample[1])
    cut = data.draw(st.integers(0, labels.shape[-1]))
    whole = confusion_matrix(predictions, labels, sample[2])
    left = confusion_matrix(predictions[..., :cut], labels[..., :cut], sample[2])
    right = confusion_matrix(predictions[..., cut:], labels[..., cut:], sample[2])
    assert torch.equal(left + right, whole)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_takes_any_integer_type_and_memory_layout(dtype):
    generator = torch.Generator().manual_seed(0)
    predictions = torch.randint(0, 5, (2, 6, 8), generator=generator)
    labels = torch.randint(0, 5, (2, 6, 8), generator=generator)
    labels[0, 0] = IGNORE if dtype != torch.int16 else 300
    ignore = int(labels[0, 0, 0])
    expected = confusion_matrix(predictions, labels, 5, ignore)
    turned = labels.to(dtype).transpose(1, 2).contiguous().transpose(1, 2)
    assert not turned.is_contiguous()
    assert torch.equal(confusion_matrix(predictions.to(dtype), turned, 5, ignore), expected)


def test_logits_count_as_their_largest():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 4, 5, 6, generator=generator)
    labels = torch.randint(0, 4, (2, 5, 6), generator=generator)
    assert torch.equal(
        confusion_matrix(logits, labels, 4), confusion_matrix(logits.argmax(1), labels, 4)
    )


def test_negative_ignore_index():
    labels = torch.tensor([[[-1, 1]]])
    assert confusion_matrix(torch.tensor([[[0, 1]]]), labels, 2, -1).tolist() == [[0, 0], [0, 1]]


def test_what_is_predicted_on_ignored_pixels_does_not_matter():
    labels = torch.tensor([[[0, IGNORE, IGNORE]]])
    assert confusion_matrix(torch.tensor([[[0, 255, -7]]]), labels, 2).tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("illegal", [-1, 3, 254, 256, 1000])
def test_names_a_label_out_of_range(illegal):
    labels = torch.tensor([[[0, 1, illegal, illegal]]])
    with pytest.raises(ValueError, match=rf"^label {illegal} \(2 such pixels\).*0 … 2.*255"):
        confusion_matrix(torch.zeros_like(labels), labels, 3)


@pytest.mark.parametrize("illegal", [-1, 3, 255])
def test_names_a_prediction_out_of_range(illegal):
    predictions = torch.tensor([[[0, illegal, illegal]]])
    labels = torch.tensor([[[0, 0, IGNORE]]])
    with pytest.raises(ValueError, match=rf"^predicted class {illegal} \(1 such pixels\)"):
        confusion_matrix(predictions, labels, 3)


def test_names_shapes_that_differ():
    with pytest.raises(ValueError, match=r"predictions \(1, 2, 3\) and labels \(1, 3, 2\)"):
        confusion_matrix(torch.zeros(1, 2, 3).long(), torch.zeros(1, 3, 2).long(), 2)
    with pytest.raises(ValueError, match=r"logits \(1, 3, 4, 4\) are not \(B, 2, H, W\)"):
        confusion_matrix(torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4).long(), 2)


def test_works_where_nondeterminism_is_forbidden():
    labels = torch.tensor([[[0, 1, 1]]])
    torch.use_deterministic_algorithms(True)
    try:
        matrix = confusion_matrix(labels, labels, 2)
    finally:
        torch.use_deterministic_algorithms(False)
    assert matrix.tolist() == [[1, 0], [0, 2]]
