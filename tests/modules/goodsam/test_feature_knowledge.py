"""Terms that are not in the figure: what they are of, who learns, and who looks for them."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from lightning.pytorch import Trainer
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))
from tiny import TinyNetwork, panoramas

from goodsam_pl.data import PanoramaBatch
from goodsam_pl.geometry import extract_families
from goodsam_pl.losses import structural_similarity
from goodsam_pl.modules import FeatureWeights, JointDistillation, StudentDistillation, Teachers
from goodsam_pl.networks import SegmentationNetwork

DAKD = FeatureWeights(
    divergence=0.1, stage_error=0.01, teacher_labels=1.0, divergence_from="student"
)
_System = StudentDistillation | JointDistillation


def _step(module: _System, batch: PanoramaBatch) -> tuple[Tensor, dict[str, float]]:
    """A step's loss, and all that it logs."""
    logged: dict[str, Tensor] = {}
    module.log = lambda *_, **__: None
    module.log_dict = lambda values, **_: logged.update(values)
    loss = module.training_step(batch, 0)
    return loss, {name.removeprefix("train/"): value.item() for name, value in logged.items()}


def _large(batch: PanoramaBatch) -> PanoramaBatch:
    """The same at the size that networks with strides take, without masks."""
    batch.image = batch.image.repeat_interleave(4, 2).repeat_interleave(4, 3)
    return batch


def _networks() -> tuple[SegmentationNetwork, SegmentationNetwork]:
    """A student whose stages are wider than the teacher assistant's."""
    torch.manual_seed(0)
    return SegmentationNetwork("unet", "resnet18"), SegmentationNetwork()


@pytest.mark.parametrize("system", [StudentDistillation, JointDistillation])
@pytest.mark.parametrize("targets", ["hard", "soft", "mixed"])
def test_structure_is_compared_with_the_fused_labels_of_each_window(targets, system) -> None:
    torch.manual_seed(0)
    module = system(
        TinyNetwork(),
        TinyNetwork(),
        teachers=Teachers(targets=targets),
        features=FeatureWeights(structural_similarity=0.5),
    )
    batch = panoramas()
    loss, logged = _step(module, batch)
    look = module.teachers.look(module.teacher_assistant, batch)
    seen = module.teachers.unpack(module.teachers.targets_of(look)).ensemble
    labels = seen[0].argmax(2) if targets == "soft" else seen[0]
    [crops] = extract_families(module.student(batch.image).log_softmax(1), batch.windows)
    expected = structural_similarity(crops, labels).item()
    assert expected > 0
    assert logged["structural_similarity"] == pytest.approx(expected, rel=1e-4)
    assert logged["weighted/structural_similarity"] == pytest.approx(expected / 2, rel=1e-4)
    weighted = [value for name, value in logged.items() if name.startswith("weighted/")]
    assert loss.item() == pytest.approx(sum(weighted), rel=1e-5)


def test_structure_alone_asks_nobody_for_a_look_and_no_network_for_features() -> None:
    module = StudentDistillation(
        TinyNetwork(), TinyNetwork(), features=FeatureWeights(structural_similarity=1.0)
    )
    seen: list[torch.Size] = []
    module.teacher_assistant.register_forward_hook(lambda _, given, __: seen.append(given[0].shape))
    _, logged = _step(module, panoramas())
    assert logged["structural_similarity"] > 0
    assert {tuple(shape[-2:]) for shape in seen} == {(16, 16)}  # its windows


def test_the_terms_of_dakd_are_of_both_networks_on_the_whole_panorama() -> None:
    student, teacher = _networks()
    module = StudentDistillation(student, teacher, features=DAKD)
    image = _large(panoramas()).image
    module.eval()  # both are then what they are below
    _, terms = module.features(module.student, module.teacher_assistant, image)
    assert terms.keys() == {"divergence", "stage_error", "teacher_labels"}
    own, other = student.forward_features(image), teacher.forward_features(image)
    log_p, log_q = own.logits.log_softmax(1), other.logits.log_softmax(1)
    torch.testing.assert_close(
        terms["divergence"], (log_p.exp() * (log_p - log_q)).sum(1).mean(), rtol=1e-4, atol=1e-6
    )
    torch.testing.assert_close(
        terms["teacher_labels"], F.nll_loss(log_p, other.logits.argmax(1)), rtol=1e-4, atol=1e-6
    )
    projection = module.features.stage_error.projection
    assert (projection.in_channels, projection.out_channels) == (256, 160)  # stride 16 of both
    target = F.interpolate(other.features[2], size=own.features[2].shape[-2:], mode="bilinear")
    torch.testing.assert_close(
        terms["stage_error"], F.mse_loss(projection(own.features[2]), target), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("system", [StudentDistillation, JointDistillation])
def test_the_student_and_its_projections_learn_from_them_and_nothing_else(system) -> None:
    module = system(*_networks(), features=DAKD)
    image = _large(panoramas()).image
    _, terms = module.features(module.student, module.teacher_assistant, image)
    sum(terms.values()).backward()
    learned = {name for name, each in module.named_parameters() if each.grad is not None}
    assert {name.split(".")[0] for name in learned} == {"student", "features"}
    assert "features.stage_error.projection.weight" in learned


def test_structure_teaches_the_student_alone() -> None:
    torch.manual_seed(0)
    weights = FeatureWeights(structural_similarity=1.0)
    module = JointDistillation(TinyNetwork(), TinyNetwork(), features=weights)
    [crops] = extract_families(
        module.student(panoramas().image).log_softmax(1), panoramas().windows
    )
    labels = torch.zeros(crops.shape[:2] + crops.shape[-2:], dtype=torch.uint8)
    labels[..., 8:] = 1
    [term] = module.features.structure((crops,), (labels,)).values()
    term.backward()
    assert module.student.convolution.weight.grad.any()
    assert all(each.grad is None for each in module.teacher_assistant.parameters())


def test_each_weight_is_that_of_one_term() -> None:
    names = [each.name for each in fields(FeatureWeights) if each.name != "divergence_from"]
    for name in names:
        weights = FeatureWeights(**{name: 0.25}).by_term
        assert sorted(weights.values()) == [0.0] * (len(names) - 1) + [0.25]
    assert not any(FeatureWeights().by_term.values())


def test_a_checkpoint_remembers_them(tmp_path: Path) -> None:
    student, teacher = _networks()
    module = StudentDistillation(student, teacher, features=DAKD)
    trainer = Trainer(accelerator="cpu", logger=False, barebones=True)
    trainer.strategy.connect(module)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    networks = {"student": student, "teacher_assistant": teacher}
    again = StudentDistillation.load_from_checkpoint(tmp_path / "last.ckpt", **networks)
    assert again.features.weights == DAKD
    for name, value in module.features.state_dict().items():
        assert torch.equal(again.features.state_dict()[name], value), name
