"""Joint training of teacher assistant and student, and what both trainings share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from goodsam_pl.data import PanoramaBatch, pack_probabilities, unpack_probabilities
from goodsam_pl.fusion import CTCF, CTCFv2
from goodsam_pl.geometry import (
    CrossedWindows,
    WindowGrid,
    Windows,
    extract_families,
    stitch_families,
)
from goodsam_pl.modules import (
    FeatureWeights,
    JointDistillation,
    RectificationWeights,
    StudentDistillation,
    TARectification,
    Teachers,
)
from goodsam_pl.networks import SegmentationNetwork, load_weights

GRID = WindowGrid.cover((16, 48), (16, 16), (16, 12))
CROSSED = CrossedWindows.cover((16, 48), (8, 24), (8, 12), (16, 12), (16, 12))


class TinyNetwork(nn.Module):
    """Three pixels wide."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 19, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.convolution(images)


def _panoramas(windows: Windows = GRID, seed: int = 0) -> PanoramaBatch:
    generator = torch.Generator().manual_seed(seed)
    layers = torch.randint(-1, 4, (2, 2, 4, 12), generator=generator).short()
    whole = layers.repeat_interleave(4, 2).repeat_interleave(4, 3)
    cut = extract_families(whole, windows)
    return PanoramaBatch(
        image=torch.randn(2, 3, 16, 48, generator=generator),
        label=torch.randint(0, 19, (2, 16, 48), generator=generator),
        masks=cut,
        windows=windows,
        names=["a", "b"],
    )


def _loader(*batches: PanoramaBatch) -> DataLoader[object]:
    return DataLoader(list(batches), batch_size=None, collate_fn=lambda batch: batch)


def _trainer(path: Path, steps: int = 2) -> Trainer:
    return Trainer(
        default_root_dir=path,
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


_System = StudentDistillation | JointDistillation


def _module(system: type[_System] = StudentDistillation, **settings: object) -> _System:
    torch.manual_seed(0)
    settings = {"warmup_steps": 0, "learning_rate": 1e-2, **settings}
    module = system(TinyNetwork(), TinyNetwork(), **settings)
    module.log = module.log_dict = lambda *_, **__: None
    return module


def _step(module: _System, batch: PanoramaBatch) -> Tensor:
    module.class_balance.counts.zero_()
    return module.training_step(batch, 0)


def test_the_joint_loss_is_the_sum_of_both_trainings_losses() -> None:
    batch = _panoramas()
    joint, frozen = _module(JointDistillation), _module()
    rectification = TARectification(joint.teacher_assistant)
    rectification.log = rectification.log_dict = lambda *_, **__: None
    expected = _step(frozen, batch) + rectification.training_step(batch, 0)
    torch.testing.assert_close(_step(joint, batch), expected)


def test_targets_stop_the_gradient_between_the_two_losses() -> None:
    batch, joint, frozen = _panoramas(), _module(JointDistillation), _module()
    _step(joint, batch).backward()
    _step(frozen, batch).backward()
    for own, alone in zip(joint.student.parameters(), frozen.student.parameters(), strict=True):
        torch.testing.assert_close(own.grad, alone.grad)
    alone = TARectification(_module(JointDistillation).teacher_assistant)
    alone.log = alone.log_dict = lambda *_, **__: None
    alone.training_step(batch, 0).backward()
    pairs = zip(
        joint.teacher_assistant.parameters(), alone.teacher_assistant.parameters(), strict=True
    )
    for own, other in pairs:
        torch.testing.assert_close(own.grad, other.grad)


def test_both_networks_train_the_teacher_at_its_own_rate(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = JointDistillation(
        TinyNetwork(),
        TinyNetwork(),
        learning_rate=1e-2,
        teacher_learning_rate_scale=0.1,
        warmup_steps=0,
    )
    before = {name: value.clone() for name, value in module.state_dict().items()}
    _trainer(tmp_path).fit(module, _loader(_panoramas()))
    for network in ("student", "teacher_assistant"):
        name = f"{network}.convolution.weight"
        assert not torch.equal(module.state_dict()[name], before[name])
    rates = {
        id(parameter): group["initial_lr"]
        for group in module.optimizers().param_groups  # type: ignore[union-attr]
        for parameter in group["params"]
    }
    for network, rate in ((module.student, 1e-2), (module.teacher_assistant, 1e-2 * 0.1)):
        assert {rates[id(p)] for p in network.parameters()} == {rate}


def test_a_joint_checkpoint_holds_both_networks_each_to_be_had_by_name(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = JointDistillation(TinyNetwork(), TinyNetwork())
    trainer = _trainer(tmp_path)
    trainer.fit(module, _loader(_panoramas()))
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    student, teacher = TinyNetwork(), TinyNetwork()
    load_weights(student, str(tmp_path / "last.ckpt"))
    load_weights(teacher, f"{tmp_path / 'last.ckpt'}:teacher_assistant")
    assert torch.equal(student.convolution.weight, module.student.convolution.weight)
    assert torch.equal(teacher.convolution.weight, module.teacher_assistant.convolution.weight)
    again = JointDistillation.load_from_checkpoint(
        tmp_path / "last.ckpt", student=TinyNetwork(), teacher_assistant=TinyNetwork()
    )
    assert torch.equal(teacher.convolution.weight, again.teacher_assistant.convolution.weight)


def test_a_joint_training_scores_the_teachers_too(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module, batch = JointDistillation(TinyNetwork(), TinyNetwork()), _panoramas()
    (logged,) = _trainer(tmp_path).test(module, _loader(batch), verbose=False)
    assert {"test/miou", "test/miou_teacher", "test/miou_fused"} <= logged.keys()
    rectification = TARectification(module.teacher_assistant).eval()
    with torch.no_grad():
        kinds = dict(module.eval().predict_kinds(batch))
        expected = dict(rectification.predict_kinds(batch))
        torch.testing.assert_close(kinds["whole"], module.student(batch.image))
    torch.testing.assert_close(kinds["teacher"], expected["windowed"])
    torch.testing.assert_close(kinds["fused"], expected["fused"])
    batch.masks = None
    assert [kind for kind, _ in module.predict_kinds(batch)] == ["whole", "teacher"]


def test_soft_targets_are_what_the_teachers_say_packed() -> None:
    batch, module = _panoramas(), _module(teachers=Teachers(targets="soft"))
    told = module.teach(batch)
    look = module.teachers.look(module.teacher_assistant, batch)
    assert torch.equal(told.whole, pack_probabilities(look.stitched))
    assert torch.equal(told.ensemble[0], pack_probabilities(look.fused[0].ensemble))
    unpacked = module.teachers.unpack(told)
    assert torch.equal(unpacked.whole, unpack_probabilities(told.whole))
    asked = _step(module, batch)
    batch.targets, batch.masks = told, None
    torch.testing.assert_close(_step(module, batch), asked)
    hard = _module().describe_teachers()
    assert module.describe_teachers() != hard


@pytest.mark.parametrize("system", [StudentDistillation, JointDistillation])
def test_crossed_windows_train_and_score(tmp_path: Path, system: type[_System]) -> None:
    torch.manual_seed(0)
    teachers = Teachers(fusion=CTCFv2(area_limits=(20, 60)), boundary="v2")
    joint = {"rectification": RectificationWeights(distance="mse")}
    settings = joint if system is JointDistillation else {}
    module = system(TinyNetwork(), TinyNetwork(), teachers=teachers, **settings)
    batch = _panoramas(CROSSED)
    trainer = _trainer(tmp_path)
    trainer.fit(module, _loader(batch))
    assert torch.isfinite(trainer.callback_metrics["train/loss"])
    if system is JointDistillation:
        assert trainer.callback_metrics["train/teacher_consistency"] > 0
        (logged,) = trainer.test(module, _loader(batch), verbose=False)
        assert "test/miou_fused" in logged


def test_both_families_teach(tmp_path: Path) -> None:
    batch, module = _panoramas(CROSSED), _module(teachers=Teachers(boundary="v2"))
    told = module.teach(batch)
    assert [tuple(part.shape) for part in told.ensemble] == [(2, 8, 8, 24), (2, 4, 16, 12)]
    with torch.no_grad():
        predicted = [
            module.teacher_assistant(grid.extract(batch.image).flatten(0, 1)).softmax(1)
            for grid in CROSSED.families
        ]
    pair = tuple(part.unflatten(0, (2, -1)) for part in predicted)
    stitched = stitch_families(pair, CROSSED)
    assert torch.equal(told.whole, stitched.argmax(1).byte())
    for part, s, masks in zip(told.ensemble, pair, batch.masks, strict=True):
        assert torch.equal(part, CTCF()(s, masks).label)


def test_boundary_v2_without_crossed_windows_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match="boundary v2 is for crossed windows"):
        _module(teachers=Teachers(boundary="v2")).teach(_panoramas())


class TestFeatures:
    def _module(self, system: type[_System], features: FeatureWeights) -> _System:
        torch.manual_seed(0)
        module = system(
            SegmentationNetwork("unet", "resnet18"), SegmentationNetwork(), features=features
        )
        module.log = module.log_dict = lambda *_, **__: None
        return module

    def test_terms_appear_with_their_weights(self) -> None:
        module = self._module(StudentDistillation, FeatureWeights(0.5, 0.5, 10.0))
        batch = _panoramas()
        batch.image = batch.image.repeat_interleave(4, 2).repeat_interleave(4, 3)
        _, terms = module.features(module.student, module.teacher_assistant, batch.image)
        assert set(terms) == {"features", "pixel_similarity", "category_similarity"}
        sum(terms.values()).backward()
        assert module.student.model.encoder.conv1.weight.grad is not None
        assert all(p.grad is None for p in module.teacher_assistant.parameters())
        assert any(name.startswith("features.adaptation") for name in module.state_dict())

    def test_a_look_for_features_teaches_the_teacher_no_running_statistics(self) -> None:
        module = self._module(JointDistillation, FeatureWeights(adaptation=0.5))
        before = [buffer.clone() for buffer in module.teacher_assistant.buffers()]
        module.features(module.student, module.teacher_assistant, torch.randn(1, 3, 32, 64))
        for found, kept in zip(module.teacher_assistant.buffers(), before, strict=True):
            assert torch.equal(found, kept)

    def test_without_weights_there_is_no_second_look(self) -> None:
        module = _module()
        seen: list[torch.Size] = []
        module.teacher_assistant.register_forward_hook(
            lambda _, given, __: seen.append(given[0].shape)
        )
        logits, terms = module.features(
            module.student, module.teacher_assistant, _panoramas().image
        )
        assert terms == {}
        assert seen == []
        assert logits.shape == (2, 19, 16, 48)

    def test_networks_without_features_are_refused(self) -> None:
        with pytest.raises(
            TypeError, match=r"TinyNetwork has no forward_features .*init_args\.features out"
        ):
            _module(features=FeatureWeights(adaptation=1.0))
