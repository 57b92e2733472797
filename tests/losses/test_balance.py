"""Rare classes weigh more, and a pixel weighs 1 on average."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed

from goodsam_pl.losses import ClassBalance, ensemble_cross_entropy, whole_image_cross_entropy


def test_weights_follow_the_closed_form() -> None:
    labels = torch.tensor([[0] * 90, [1] * 90]).flatten()[:100]  # 90 of class 0, 10 of class 1
    weights = ClassBalance(2, exponent=0.5)(labels)
    expected = torch.tensor([0.9**-0.5, 0.1**-0.5])
    expected = expected / (0.9 * expected[0] + 0.1 * expected[1])
    torch.testing.assert_close(weights, expected)
    assert weights[labels].mean().item() == pytest.approx(1.0)


def test_an_exponent_of_one_gives_every_class_the_same_share_of_the_loss() -> None:
    labels = torch.tensor([0] * 80 + [1] * 15 + [2] * 5)
    weights = ClassBalance(3, exponent=1.0)(labels)
    shares = torch.stack([weights[labels[labels == c]].sum() for c in range(3)])
    torch.testing.assert_close(shares, torch.full((3,), 100 / 3))


def test_it_remembers_all_labels_and_nothing_is_endless() -> None:
    balance = ClassBalance(3, exponent=0.5)
    balance(torch.zeros(40, dtype=torch.int64))
    weights = balance(torch.ones(60, dtype=torch.int64))
    fresh = ClassBalance(3, exponent=0.5)(torch.tensor([0] * 40 + [1] * 60))
    torch.testing.assert_close(weights, fresh)
    assert weights.isfinite().all()
    assert weights[2] == weights.max()


@pytest.mark.parametrize("exponent", [0.5, 1.0])
def test_a_pixel_weighs_1_on_average_however_rare_classes_are(exponent: float) -> None:
    labels = torch.tensor([0] * 9985 + [1] * 10 + [2] * 5)  # 0.1 % and less; class 3 is not seen
    weights = ClassBalance(4, exponent)(labels)
    assert weights[labels].mean().item() == pytest.approx(1.0)
    assert weights[1] == weights[2] == weights[3] == weights.max()


def test_what_is_no_class_does_not_count() -> None:
    balance = ClassBalance(3, exponent=0.5)
    assert balance(torch.full((2, 2), 255)).tolist() == [1, 1, 1]
    known = torch.tensor([0, 0, 1, 2])
    found = balance(torch.cat([known, torch.tensor([255, 255])]))
    torch.testing.assert_close(found, ClassBalance(3, exponent=0.5)(known))


def _weigh_in_processes(rank: int, store: str, results: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    balance = ClassBalance(3, exponent=0.5)
    for labels in _shares()[rank]:
        weights = balance(labels)
    np.save(Path(results, f"{rank}.npy"), weights.numpy())
    distributed.destroy_process_group()


def _shares() -> list[list[torch.Tensor]]:
    return [[torch.tensor([0, 0, 1]), torch.tensor([0])], [torch.tensor([2] * 5)] * 2]


def test_all_processes_weigh_alike_by_the_labels_of_all(tmp_path: Path) -> None:
    # forked, which takes no time and is safe where a child computes no gradient
    torch.multiprocessing.start_processes(
        _weigh_in_processes,
        args=(str(tmp_path / "store"), str(tmp_path)),
        nprocs=2,
        start_method="fork",
    )
    alone = ClassBalance(3, exponent=0.5)(torch.cat([torch.cat(each) for each in _shares()]))
    for rank in range(2):
        np.testing.assert_array_equal(np.load(tmp_path / f"{rank}.npy"), alone.numpy())


def test_zero_is_plain_cross_entropy() -> None:
    torch.manual_seed(0)
    log_probabilities = torch.randn(2, 4, 3, 5).log_softmax(1)
    labels = torch.randint(0, 4, (2, 3, 5))
    ones = ClassBalance(4, exponent=0.0)(labels)
    plain = whole_image_cross_entropy(log_probabilities, labels)
    torch.testing.assert_close(whole_image_cross_entropy(log_probabilities, labels, ones), plain)


def test_the_losses_weigh_each_pixel_by_its_label() -> None:
    torch.manual_seed(0)
    weights = torch.tensor([0.5, 1.0, 3.0])
    log_probabilities = torch.randn(1, 3, 2, 2).log_softmax(1)
    labels = torch.randint(0, 3, (1, 2, 2))
    nats = -log_probabilities.gather(1, labels[:, None])[:, 0]
    expected = (weights[labels] * nats).mean()
    found = whole_image_cross_entropy(log_probabilities, labels, weights)
    torch.testing.assert_close(found, expected)

    trust = torch.rand(1, 1, 2, 2)
    found = ensemble_cross_entropy(
        (log_probabilities[:, None],), (labels[:, None],), (trust,), 2.0, weights
    )
    torch.testing.assert_close(found, (weights[labels] * (1 + 2 * trust[:, 0]) * nats).mean())


def test_an_exponent_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="choose 0 to 1"):
        ClassBalance(19, exponent=1.5)
