"""What is shown of a self-training is what its step learns from."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "modules"))
from tiny import TinyNetwork, panoramas, sources

from goodsam_pl.data import AdaptationBatch
from goodsam_pl.modules import MixedDomains, SelfTraining
from goodsam_pl.taxonomy import get_taxonomy
from goodsam_pl.views.mixed_stages import mixing_scores, observe_mixing

TAXONOMY = get_taxonomy("cityscapes-19")
ROAD, CAR = 0, 13


class ByBrightness(nn.Module):
    """Bright pixels are cars and sure, dark ones road and less so."""

    def forward(self, images):
        logits = torch.zeros(len(images), 19, *images.shape[-2:])
        logits[:, CAR] = torch.where(images[:, 0] > 0, 20.0, 0.0)
        logits[:, ROAD] = 1.0
        return logits


def _pair(seed: int = 0) -> AdaptationBatch:
    return {"source": sources(seed), "target": panoramas(seed)}


def test_pictures_are_of_the_target_its_pseudo_labels_and_the_mix() -> None:
    module = SelfTraining(ByBrightness(), ignored_rows=(2, 3))
    stages = observe_mixing(_pair(), module, seed=0)
    assert [panel.caption for panel in stages.panels()] == [
        "target", "pseudo-labels", "student", "mixed image", "mixed labels",
        f"weights, q = {stages.mixed.trust.max():.3f}",
    ]  # fmt: skip
    pictures = {panel.caption.split(",")[0]: panel.picture for panel in stages.panels()}
    assert {picture.shape for picture in pictures.values()} == {(16, 32, 3)}
    target = stages.mixed.target[0]
    labels = torch.where(target[0] > 0, CAR, ROAD)
    assert (pictures["pseudo-labels"] == TAXONOMY.colorize(labels.numpy())).all()
    assert (pictures["student"] == pictures["pseudo-labels"]).all()
    # q is the share of bright pixels of all targets; ignored rows have 0, pasted pixels 1
    share = (stages.mixed.target[:, 0] > 0).float().mean()
    pasted = (stages.mixed.labels[0] != labels).numpy()
    weights = pictures["weights"][..., 0]
    assert (weights[pasted] == 255).all()
    seen = np.unique(weights)
    assert set(seen) <= {0, round(255 * float(share)), 255}
    assert len(seen) == 3


def test_the_same_seed_shows_the_same_and_another_another() -> None:
    torch.manual_seed(0)
    module = SelfTraining(TinyNetwork())
    first, again, other = (observe_mixing(_pair(), module, seed) for seed in (3, 3, 4))
    assert torch.equal(first.mixed.images, again.mixed.images)
    assert not torch.equal(first.mixed.images, other.mixed.images)


def test_looking_leaves_the_teacher_as_it_was() -> None:
    torch.manual_seed(0)
    module = SelfTraining(TinyNetwork()).eval()  # as the callback asks it
    before = {name: value.clone() for name, value in module.state_dict().items()}
    observe_mixing(_pair(), module, seed=0)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name
    with torch.no_grad():
        module.mix(_pair(), torch.Generator().manual_seed(0))  # a step does change it
    after = module.state_dict()["teacher.norm.running_mean"]
    assert not torch.equal(after, before["teacher.norm.running_mean"])


def test_what_a_system_adds_is_drawn_at_the_size_of_the_others() -> None:
    class Attentive(SelfTraining):
        def shown_maps(self, mixed: MixedDomains) -> dict[str, torch.Tensor]:
            assert mixed.images.shape[-2:] == (16, 32)
            return {"attention": torch.tensor([[0.0, 1.0], [0.5, 2.0]])}

    panel = observe_mixing(_pair(), Attentive(ByBrightness()), seed=0).panels()[-1]
    assert panel.caption == "attention"
    assert (
        panel.picture[:, :, 0].tolist()
        == [[0] * 16 + [255] * 16] * 8 + [[128] * 16 + [255] * 16] * 8
    )


def test_scores_compare_student_and_teacher() -> None:
    torch.manual_seed(0)
    module = SelfTraining(ByBrightness(), threshold=0.5)
    observed = [observe_mixing(_pair(seed), module, seed) for seed in (0, 1)]
    scores = mixing_scores(observed)
    assert scores.with_teacher is not None
    assert scores.with_teacher.pixels == 1.0
    bright = torch.stack([(each.mixed.target[0, 0] > 0).float() for each in observed]).mean()
    assert scores.shares[CAR].item() == pytest.approx(bright.item())
    trust = [(each.mixed.target[:, 0] > 0).float().mean() for each in observed]
    assert scores.trusted == pytest.approx(float(torch.stack(trust).mean()))
