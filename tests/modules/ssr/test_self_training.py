from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from system_tester import SystemTester
from tiny import TinyNetwork, loader, panoramas, sources, trainer

from goodsam_pl.data import AdaptationBatch, PanoramaBatch, SourceBatch
from goodsam_pl.modules import MaskedImages, SelfTraining, SourceSegmentation
from goodsam_pl.modules.ssr.mean_teacher import MeanTeacher
from goodsam_pl.networks import SegmentationOutput


class Staged(nn.Module):
    """A network with features of one stage, at a stride of 4."""

    feature_channels = (6,)

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 6, 4, stride=4)
        self.norm = nn.BatchNorm2d(6)
        self.head = nn.Conv2d(6, 19, 1)

    def forward(self, images):
        return self.forward_features(images).logits

    def forward_features(self, images):
        features = self.norm(self.encoder(images))
        logits = nn.functional.interpolate(self.head(features), scale_factor=4)
        return SegmentationOutput((features,), logits)


def pair(seed: int) -> AdaptationBatch:
    return {"source": sources(seed), "target": panoramas(seed)}


class TestSelfTraining(SystemTester):
    preset = "ssr/streetworld_without_sam.yaml"

    def system(self) -> SelfTraining:
        torch.manual_seed(0)
        masked = MaskedImages(weight=1.0, block=4)
        return SelfTraining(
            TinyNetwork(),
            threshold=0.1,
            mean_teacher=MeanTeacher(scale=1.5),
            class_balance=0.5,
            masked=masked,
            learning_rate=1e-2,
            warmup_steps=1,
        )

    def batch(self, seed: int) -> PanoramaBatch:
        return panoramas(seed)

    def training_batch(self, seed: int) -> AdaptationBatch:
        return pair(seed)


def _logged(tmp_path: Path, module: SelfTraining, steps: int = 1) -> dict[str, float]:
    training = trainer(tmp_path, steps)
    training.fit(module, loader(pair(0)))
    return {name: float(value) for name, value in training.callback_metrics.items()}


def test_the_loss_is_the_weighted_sum_of_its_terms(tmp_path: Path) -> None:
    torch.manual_seed(0)
    masked = MaskedImages(weight=0.5, block=4)
    module = SelfTraining(Staged(), Staged(), feature_weight=0.25, masked=masked, threshold=0.1)
    logged = _logged(tmp_path, module)
    expected = (
        logged["train/source"]
        + logged["train/mixed"]
        + 0.25 * logged["train/features"]
        + 0.5 * logged["train/masked"]
    )
    assert logged["train/loss"] == pytest.approx(expected, rel=1e-6)
    assert logged["train/masked"] > 0
    assert 0 < logged["train/trust"] <= 1


def test_the_source_term_is_that_of_numpy(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module, batch = SelfTraining(Staged()), pair(0)["source"]
    with torch.no_grad():
        logits = module.network.train()(batch.image).double().numpy()
    shifted = logits - logits.max(1, keepdims=True)
    log = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    label = batch.label.numpy()
    nats = -np.take_along_axis(log, np.where(label == 255, 0, label)[:, None], 1)[:, 0]
    assert _logged(tmp_path, module)["train/source"] == pytest.approx(
        (nats * (label != 255)).mean(), rel=1e-5
    )


def test_the_teacher_becomes_the_student_and_follows_it(tmp_path: Path) -> None:
    weights = []

    class Watched(SelfTraining):
        def on_train_batch_end(self, *_):
            weights.append(self.network.head.weight.detach().clone())

    torch.manual_seed(0)
    module = Watched(
        Staged(), learning_rate=1e-2, warmup_steps=0, mean_teacher=MeanTeacher(decay=0.6)
    )
    start = module.network.head.weight.detach().clone()
    _logged(tmp_path, module, steps=4)
    # before step t the teacher has seen the student as the steps before left it
    expected = start
    for decay, seen in zip((0, 1 / 2, 0.6, 0.6), (start, *weights), strict=False):
        expected = decay * expected + (1 - decay) * seen
    torch.testing.assert_close(module.teacher.head.weight, expected)
    assert not any(each.requires_grad for each in module.teacher.parameters())


@pytest.mark.parametrize("exponent", [0.0, 0.5])
def test_pixels_of_classes_that_the_teacher_rarely_says_weigh_more(
    tmp_path: Path, exponent: float
) -> None:
    made, given, masked = [], [], []

    class Watched(SelfTraining):
        def mix(self, batch, draws):
            made.append(super().mix(batch, draws))
            return made[-1]

        def mixed_terms(self, images, labels, weights):
            given.append(weights)
            return super().mixed_terms(images, labels, weights)

        def cross_entropy(self, logits, labels, weights=None):
            masked.append(weights)
            return super().cross_entropy(logits, labels, weights)

    torch.manual_seed(0)
    module = Watched(
        Staged(), masked=MaskedImages(weight=1.0), threshold=0.1, class_balance=exponent
    )
    _logged(tmp_path, module, steps=2)
    counts = np.zeros(19)
    for step, mixed in enumerate(made):
        counts += np.bincount(mixed.pseudo_labels.numpy().ravel(), minlength=19)
        share = counts / counts.sum()
        weigh = np.maximum(share, 1e-3) ** -exponent
        weigh /= (share * weigh).sum()
        np.testing.assert_allclose(
            given[step], mixed.weights.numpy() * weigh[mixed.labels.numpy()], rtol=1e-5
        )
        np.testing.assert_allclose(
            masked[3 * step + 2],
            mixed.trust.numpy() * weigh[mixed.pseudo_labels.numpy()],
            rtol=1e-5,
        )
    assert len(made) == len(given) == 2


def test_gradients_reach_the_student_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    masked = MaskedImages(weight=1.0, block=4)
    module = SelfTraining(Staged(), Staged(), feature_weight=1.0, masked=masked, threshold=0.1)
    module.log = module.log_dict = lambda *_, **__: None  # there is no trainer
    module.training_step(pair(0), 0).backward()
    reached = {name for name, each in module.named_parameters() if each.grad is not None}
    assert reached == {name for name, _ in module.named_parameters() if name.startswith("network.")}


def test_the_head_learns_faster_than_the_encoder(tmp_path: Path) -> None:
    module = SelfTraining(Staged(), learning_rate=1e-3, warmup_steps=0)
    trainer(tmp_path, 1).fit(module, loader(pair(0)))
    rates = {
        id(each): group["initial_lr"]
        for group in module.optimizers().param_groups
        for each in group["params"]
    }
    assert rates[id(module.network.encoder.weight)] == pytest.approx(1e-3)
    assert rates[id(module.network.head.weight)] == pytest.approx(1e-2)
    assert len(rates) == len([*module.network.parameters()])


def test_a_reference_is_needed_and_gives_features() -> None:
    with pytest.raises(ValueError, match=r"give model\.reference"):
        SelfTraining(Staged(), feature_weight=0.1)
    with pytest.raises(TypeError, match=r"model\.network is a TinyNetwork, .* no features"):
        SelfTraining(TinyNetwork(), Staged(), feature_weight=0.1)
    wider = Staged()
    wider.feature_channels = (7,)
    with pytest.raises(ValueError, match=r"network have 6 channels, those of model\.reference 7"):
        SelfTraining(Staged(), wider, feature_weight=0.1)


def test_the_reference_stays_and_is_in_no_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = SelfTraining(Staged(), Staged(), feature_weight=1.0, learning_rate=1e-2)
    before = {name: value.clone() for name, value in module.reference.network.state_dict().items()}
    training = trainer(tmp_path, 2)
    training.fit(module, loader(pair(0)))
    training.save_checkpoint(tmp_path / "last.ckpt")
    for name, value in module.reference.network.state_dict().items():
        assert value.equal(before[name]), name
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert {name.partition(".")[0] for name in state} == {
        "class_balance",
        "network",
        "teacher",
        "steps",
        "seed",
    }


def test_a_crop_larger_than_the_target_is_refused(tmp_path: Path) -> None:
    batch = pair(0)
    batch["target"].image = batch["target"].image[..., :20]
    with pytest.raises(ValueError, match=r"source are 16×32, images of the target only 16×20"):
        trainer(tmp_path, 1).fit(SelfTraining(Staged()), loader(batch))


def _domain(seed: int, is_target: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Two classes in patches. Red tells them in the source; in the target green does."""
    generator = torch.Generator().manual_seed(seed)
    patches = torch.randint(0, 2, (4, 4, 8), generator=generator)
    label = patches.repeat_interleave(4, 1).repeat_interleave(4, 2)
    sign = 2.0 * label - 1
    red = 0.8 * sign + (0.9 if is_target else 0.2) * torch.randn(label.shape, generator=generator)
    green = 0.8 * sign if is_target else 0.2 * torch.randn(label.shape, generator=generator)
    return torch.stack([red, green, torch.zeros_like(red)], dim=1), label


def test_the_student_learns_what_the_target_alone_shows(tmp_path: Path) -> None:
    def train(module, *batches) -> float:
        trainer(tmp_path, 100).fit(module, loader(*batches))
        images, label = _domain(99, is_target=True)
        with torch.no_grad():
            return float((module.eval()(images).argmax(1) == label).float().mean())

    source = [SourceBatch(*_domain(seed, False), names=["s"]) for seed in range(8)]
    target = [SourceBatch(*_domain(10 + seed, True), names=["t"]) for seed in range(8)]
    for batch in target:
        batch.label = torch.full_like(batch.label, 255)  # nobody looks at it
    rates = {"learning_rate": 0.05, "warmup_steps": 1}
    torch.manual_seed(0)
    alone = train(SourceSegmentation(nn.Conv2d(3, 19, 1), **rates), *source)
    torch.manual_seed(0)
    pairs = [{"source": s, "target": t} for s, t in zip(source, target, strict=True)]
    adapted = train(
        SelfTraining(nn.Conv2d(3, 19, 1), threshold=0.6, mean_teacher=MeanTeacher(0.9), **rates),
        *pairs,
    )
    assert adapted > alone + 0.03
