from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
import torch.multiprocessing
from torch import distributed
from torchmetrics.classification import MulticlassJaccardIndex

from goodsam_pl.metrics import SegmentationMetrics

CLASSES = 19
IMAGES = 5  # divides neither by 2 nor by 3


def sample(images=IMAGES, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (images, 12, 24), generator=generator)
    predictions = torch.where(
        torch.rand(labels.shape, generator=generator) < 0.6,
        labels,
        torch.randint(0, CLASSES, labels.shape, generator=generator),
    )
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
    return predictions, labels


def test_equals_torchmetrics_jaccard_index_when_every_class_is_present():
    predictions, labels = sample()
    reference = MulticlassJaccardIndex(CLASSES, average="none", ignore_index=255)
    metrics = SegmentationMetrics(CLASSES)
    for image in range(IMAGES):
        reference.update(predictions[image, None], labels[image, None])
        metrics.update(predictions[image, None], labels[image, None])
    scores = metrics.compute()
    torch.testing.assert_close(scores.iou, reference.compute().double(), rtol=0, atol=1e-6)
    assert scores.miou == scores.iou.mean()


def test_is_of_the_whole_set_not_a_mean_over_images():
    metrics = SegmentationMetrics(2)
    metrics.update(torch.tensor([[[0, 0, 0, 1]]]), torch.tensor([[[0, 0, 0, 0]]]))
    metrics.update(torch.tensor([[[1, 1, 1, 1]]]), torch.tensor([[[0, 1, 1, 1]]]))
    assert metrics.compute().iou.tolist() == pytest.approx([3 / 5, 3 / 5])


def test_batches_do_not_matter_and_reset_forgets():
    predictions, labels = sample()
    whole, parts = SegmentationMetrics(CLASSES), SegmentationMetrics(CLASSES)
    whole.update(predictions, labels)
    for start in range(0, IMAGES, 2):
        parts.update(predictions[start : start + 2], labels[start : start + 2])
    assert torch.equal(parts.compute().iou, whole.compute().iou)
    parts.reset()
    assert parts.confusion.sum() == 0


def test_forward_gives_the_batch_and_keeps_the_set():
    predictions, labels = sample()
    metrics = SegmentationMetrics(CLASSES)
    first = metrics(predictions[:2], labels[:2])
    metrics(predictions[2:], labels[2:])
    alone, whole = SegmentationMetrics(CLASSES), SegmentationMetrics(CLASSES)
    alone.update(predictions[:2], labels[:2])
    whole.update(predictions, labels)
    assert torch.equal(first.iou, alone.compute().iou)
    assert torch.equal(metrics.compute().iou, whole.compute().iou)


def test_leaves_no_trace_in_checkpoints_and_pickles():
    predictions, labels = sample()
    metrics = SegmentationMetrics(CLASSES)
    metrics.update(predictions, labels)
    assert metrics.state_dict() == {}
    assert torch.equal(pickle.loads(pickle.dumps(metrics)).confusion, metrics.confusion)  # noqa: S301


def test_counts_stay_integers_in_a_half_precision_model():
    module = torch.nn.Module()
    module.metrics = SegmentationMetrics(CLASSES)
    module.to(torch.bfloat16)
    assert module.metrics.confusion.dtype == torch.int64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((1,), "at least 2 classes"), ((19, 0), "ignore_index 0 is one of the 19 classes")],
)
def test_names_a_wrong_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        SegmentationMetrics(*arguments)


def measured(scores):
    return {name: value for name, value in scores._asdict().items() if value is not None}


def _score_in_processes(rank, store, results):
    """Ranks 0 … 2 share the images; then ranks 0 and 1 alone do."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=3)
    predictions, labels = sample()
    for ranks in ([0, 1, 2], [0, 1]):
        group = distributed.new_group(ranks)
        if rank not in ranks:
            continue
        metrics = SegmentationMetrics(CLASSES, process_group=group)
        for image in range(rank, IMAGES, len(ranks)):
            metrics.update(predictions[image, None], labels[image, None])
        path = Path(results, f"{len(ranks)}_{rank}.pt")
        torch.save(measured(metrics.compute()), path)
    distributed.barrier()
    distributed.destroy_process_group()


def test_two_and_three_processes_equal_one_to_the_last_bit(tmp_path):
    torch.multiprocessing.start_processes(
        _score_in_processes,
        args=(str(tmp_path / "store"), str(tmp_path)),
        nprocs=3,
        start_method="fork",  # which need not import everything again
    )
    alone = SegmentationMetrics(CLASSES)
    alone.update(*sample())
    expected = measured(alone.compute())
    files = sorted(tmp_path.glob("*_*.pt"))
    assert [file.stem for file in files] == ["2_0", "2_1", "3_0", "3_1", "3_2"]
    for file in files:
        scores = torch.load(file, weights_only=True)
        assert scores.keys() == expected.keys()
        for name, value in scores.items():
            assert torch.equal(value, expected[name]), (file.stem, name)
