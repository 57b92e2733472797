from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from system_tester import SystemTester
from tiny import TinyNetwork, loader, panoramas, sources, trainer

from goodsam_pl.data import AdaptationBatch, PanoramaBatch
from goodsam_pl.modules import SSR, BranchWeights, MaskedImages, Regularizer, SelfTraining
from goodsam_pl.networks import SegmentationOutput
from goodsam_pl.sam import Felzenszwalb

CHANNELS = 5


class Pyramid(nn.Module):
    """A network of two stages, with a normalisation behind both."""

    feature_channels = (6, 4)

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleList([nn.Conv2d(3, 6, 4, stride=4), nn.Conv2d(6, 4, 2, stride=2)])
        self.head = nn.Conv2d(10, 19, 1)
        self.norm = nn.BatchNorm2d(19)

    def forward(self, images):
        return self.forward_features(images).logits

    def forward_features(self, images):
        features = self.encode(images)
        return SegmentationOutput(features, self.decode(features, images.shape[-2:]))

    def encode(self, images):
        fine = self.encoder[0](images)
        return fine, self.encoder[1](fine)

    def decode(self, features, size):
        coarse = nn.functional.interpolate(features[1], scale_factor=2)
        logits = self.norm(self.head(torch.cat([features[0], coarse], dim=1)))
        return nn.functional.interpolate(logits, size)


class SmallEncoder:
    """A SAM that can embed; what it sees is kept for the tests."""

    def __init__(self) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(7)
            self.network = nn.Conv2d(3, CHANNELS, 4, stride=4)
        self.seen: list[torch.Tensor] = []

    def propose(self, windows: torch.Tensor) -> list:
        raise AssertionError("nobody asks for masks")

    def describe(self) -> dict:
        return {}

    def to(self, device: object) -> None:
        self.network.to(device)

    def embedding_channels(self) -> int:
        return CHANNELS

    def input_side(self) -> int:
        return 16

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append(images.clone())
        return self.network(images)


def pair(seed: int) -> AdaptationBatch:
    return {"source": sources(seed), "target": panoramas(seed)}


HEADS = (3, 2)
TINY = {"threshold": 0.1, "warmup_steps": 1}
PARTS = {each.name for each in fields(Regularizer)}


def ssr(**given: object) -> SSR:
    """Arguments of the system and of its regularizer alike."""
    parts = {name: given.pop(name) for name in PARTS & given.keys()}
    regularizer = Regularizer(**{"heads": HEADS, "stages": (0, 1), **parts})
    torch.manual_seed(0)
    return SSR(Pyramid(), **{"sam": SmallEncoder(), "regularizer": regularizer, **TINY, **given})


class TestSSR(SystemTester):
    preset = "ssr/streetworld.yaml"

    def system(self) -> SSR:
        return ssr(masked=MaskedImages(weight=1.0, block=4), learning_rate=1e-2)

    def batch(self, seed: int) -> PanoramaBatch:
        return panoramas(seed)

    def training_batch(self, seed: int) -> AdaptationBatch:
        return pair(seed)


def _silent(module: SelfTraining) -> SelfTraining:
    module.log = module.log_dict = lambda *_, **__: None  # there is no trainer
    return module.train()


def _logged(tmp_path: Path, module: SelfTraining) -> dict[str, float]:
    training = trainer(tmp_path, 1)
    training.fit(module, loader(pair(0)))
    return {name: float(value) for name, value in training.callback_metrics.items()}


def test_the_loss_is_the_weighted_sum_of_its_terms(tmp_path: Path) -> None:
    module = ssr(
        reference=Pyramid(),
        feature_weight=0.25,
        masked=MaskedImages(weight=0.5, block=4),
        branches=BranchWeights(2.0, 3.0, 0.7, 0.9),
        feature_matching=True,
        feature_matching_weight=0.1,
    )
    logged = _logged(tmp_path, module)
    weights = {
        "source": 2.0,
        "mixed": 3.0,
        "enhanced_source": 0.7,
        "enhanced_mixed": 0.9,
        "features": 0.25,
        "masked": 0.5,
        "matching_source": 0.1,
        "matching_mixed": 0.1,
    }
    expected = sum(weight * logged[f"train/{name}"] for name, weight in weights.items())
    assert logged["train/loss"] == pytest.approx(expected, rel=1e-6)
    assert all(logged[f"train/{name}"] > 0 for name in weights.keys() - {"features"})


def test_all_weights_are_one_as_released(tmp_path: Path) -> None:
    logged = _logged(tmp_path, ssr())
    names = ("source", "mixed", "enhanced_source", "enhanced_mixed")
    assert logged["train/loss"] == pytest.approx(sum(logged[f"train/{n}"] for n in names), rel=1e-6)
    assert not any("matching" in name for name in logged)


def _nats(logits: torch.Tensor, label: torch.Tensor) -> float:
    """Cross-entropy over all pixels, ignored ones as 0, by numpy."""
    values = logits.detach().double().numpy()
    shifted = values - values.max(1, keepdims=True)
    log = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    label = label.numpy()
    nats = -np.take_along_axis(log, np.where(label == 255, 0, label)[:, None], 1)[:, 0]
    return float((nats * (label != 255)).mean())


def test_both_source_terms_are_those_of_one_decoder_on_both_pyramids(tmp_path: Path) -> None:
    module, batch = ssr(), pair(0)["source"]
    for parameter in module.attention.attentions.parameters():
        nn.init.normal_(parameter)  # so that the pyramids differ
    network, sam = module.network.train(), module.sam.proposer.network
    with torch.no_grad():
        fine, coarse = network.encode(batch.image)
        halves = [sam(batch.image[..., at : at + 16]) for at in (0, 16)]  # squares of 16 pixels
        seen = torch.cat(halves, dim=3)
        enhanced = []
        for stage, plain in (("0", fine), ("1", coarse)):
            tokens = module.attention.projections[stage](seen.permute(0, 2, 3, 1).flatten(1, 2))
            layer, heads = module.attention.attentions[stage], HEADS[int(stage)]
            keys, values = layer.keys_and_values(tokens).chunk(2, -1)
            asked = layer.queries(plain.permute(0, 2, 3, 1).flatten(1, 2))
            found = torch.cat(
                [
                    (q @ k.transpose(1, 2) / q.shape[2] ** 0.5).softmax(2) @ v
                    for q, k, v in zip(
                        asked.chunk(heads, 2), keys.chunk(heads, 2), values.chunk(heads, 2),
                        strict=True,
                    )
                ],
                dim=2,
            )  # fmt: skip
            enhanced.append(plain + layer.output(found).transpose(1, 2).reshape(plain.shape))
        size = batch.image.shape[-2:]
        expected = [_nats(network.decode(each, size), batch.label)
                    for each in ((fine, coarse), enhanced)]  # fmt: skip
    logged = _logged(tmp_path, module)
    found = [logged["train/source"], logged["train/enhanced_source"]]
    assert found == pytest.approx(expected, rel=1e-5)
    assert abs(found[0] - found[1]) > 1e-3


def test_without_an_output_of_the_attention_both_branches_are_one(tmp_path: Path) -> None:
    module = ssr()
    for attention in module.attention.attentions.values():
        nn.init.zeros_(attention.output.weight)
    logged = _logged(tmp_path, module)
    for name in ("source", "mixed"):
        assert logged[f"train/enhanced_{name}"] == logged[f"train/{name}"]


def test_the_self_training_in_it_is_that_without_sam(tmp_path: Path) -> None:
    logged = _logged(tmp_path, ssr())
    torch.manual_seed(0)
    expected = _logged(tmp_path, SelfTraining(Pyramid(), threshold=0.1, warmup_steps=1))
    for name in ("source", "mixed", "trust"):
        assert logged[f"train/{name}"] == expected[f"train/{name}"], name


def test_sam_sees_the_source_and_the_mixed_image_as_the_network_does(tmp_path: Path) -> None:
    module, seen = ssr(), []
    module.network.encoder[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    _silent(module).training_step(pair(0), 0)
    _, *trained = [each for each in seen if each.shape[-2:] == (16, 32)]
    found = module.sam.proposer.seen
    assert len(found) == 2
    for windows, image in zip(found, seen[-2:], strict=True):
        halves = torch.stack([image[..., :16], image[..., 16:]], dim=1).flatten(0, 1)
        torch.testing.assert_close(windows, halves)
    assert trained


def test_gradients_reach_student_attention_and_projection_alone() -> None:
    module = ssr(reference=Pyramid(), feature_weight=1.0, feature_matching=True)
    _silent(module).training_step(pair(0), 0).backward()
    reached = {name for name, each in module.named_parameters() if each.grad is not None}
    trained = ("network.", "attention.", "matching.")
    assert reached == {n for n, _ in module.named_parameters() if n.startswith(trained)}
    assert all(each.grad is None for each in module.sam.proposer.network.parameters())


@pytest.mark.parametrize("branch", ["enhanced_source", "enhanced_mixed"])
def test_an_enhanced_branch_alone_trains_encoder_decoder_and_attention(branch: str) -> None:
    none = dict.fromkeys(("source", "mixed", "enhanced_source", "enhanced_mixed"), 0.0)
    module = ssr(branches=BranchWeights(**(none | {branch: 1.0})))
    _silent(module).training_step(pair(0), 0).backward()
    for name, each in module.named_parameters():
        if name.startswith(("network.", "attention.")):
            assert float(each.grad.abs().sum()) > 0 or name.endswith("0.bias"), name


def test_sam_is_in_no_checkpoint_and_in_no_optimiser(tmp_path: Path) -> None:
    module = ssr(feature_matching=True)
    training = trainer(tmp_path, 1)
    training.fit(module, loader(pair(0)))
    training.save_checkpoint(tmp_path / "last.ckpt")
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    parts = {name.partition(".")[0] for name in state}
    learned = {"network", "teacher", "attention", "matching"}
    assert parts == learned | {"class_balance", "steps", "seed"}
    held = {
        id(each): group["initial_lr"]
        for group in module.optimizers().param_groups
        for each in group["params"]
    }
    own = [*module.network.parameters(), *module.attention.parameters()]
    own += [*module.matching.parameters()]
    assert held.keys() == {id(each) for each in own}
    for parameter in module.attention.parameters():
        assert held[id(parameter)] == pytest.approx(6e-5)  # the encoder's, as released


@pytest.mark.parametrize(("statistics", "changes"), [("shared", True), ("kept", False)])
def test_whether_statistics_learn_from_enhanced_features(statistics: str, changes: bool) -> None:
    def after(**given: object) -> torch.Tensor:
        module = ssr(branches=BranchWeights(), **given)
        for parameter in module.attention.attentions.parameters():
            nn.init.normal_(parameter)
        image, label = pair(0)["source"].image, pair(0)["source"].label
        module.train().source_terms(image, label)
        return module.network.norm.running_mean.clone()

    alone = SelfTraining(Pyramid())
    alone.network.load_state_dict(ssr().network.state_dict())
    alone.train().source_terms(pair(0)["source"].image, pair(0)["source"].label)
    plain = alone.network.norm.running_mean
    assert (not after(enhanced_statistics=statistics).equal(plain)) == changes


def test_the_attention_map_of_images_is_that_of_their_features() -> None:
    module, images = ssr(), pair(0)["source"].image
    found = module.train().attention_map(images, 1, (0.5, 0.25))
    with torch.no_grad():
        features = module.network.eval().encode(images)
        expected = module.attention.attention_map(features, module.sam(images), 1, (0.5, 0.25))
    torch.testing.assert_close(found, expected)
    assert found.shape == (2, 4, 8)
    assert ssr().train().network.training


def test_a_proposer_without_an_encoder_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Felzenszwalb proposes masks without an image encoder"):
        ssr(sam=Felzenszwalb())


def test_a_network_without_a_pyramid_is_refused() -> None:
    with pytest.raises(TypeError, match=r"model\.network is a TinyNetwork, whose features"):
        SSR(TinyNetwork(), SmallEncoder())
