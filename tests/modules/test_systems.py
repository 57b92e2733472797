"""The three systems on tiny networks: what is optimised, saved, logged and predicted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.fusion import CTCF
from goodsam_pl.geometry import WindowGrid, map_windows
from goodsam_pl.modules import (
    JointDistillation,
    SourceSegmentation,
    StudentDistillation,
    TARectification,
    Teachers,
)
from goodsam_pl.taxonomy import get_taxonomy

GRID = WindowGrid.cover((16, 48), (16, 16), (16, 12))


class TinyNetwork(nn.Module):
    """Three pixels wide, with a normalisation whose statistics would tell training mode."""

    def __init__(self, classes: int = 19) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, classes, 3, padding=1)
        self.norm = nn.BatchNorm2d(classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.norm(self.convolution(images))


def _panoramas(seed: int = 0, labelled: bool = True) -> PanoramaBatch:
    generator = torch.Generator().manual_seed(seed)
    return PanoramaBatch(
        image=torch.randn(2, 3, 16, 48, generator=generator),
        label=torch.randint(0, 19, (2, 16, 48), generator=generator) if labelled else None,
        masks=(torch.randint(-1, 4, (2, GRID.count, 2, 16, 16), generator=generator).short(),),
        windows=GRID,
        names=["a", "b"],
    )


def _sources(seed: int = 0) -> SourceBatch:
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(2, 3, 16, 32, generator=generator)
    label = torch.randint(0, 19, (2, 16, 32), generator=generator)
    label[:, :4] = 255
    return SourceBatch(image=image, label=label, names=["a", "b"])


def _loader(*batches: PanoramaBatch | SourceBatch) -> DataLoader[object]:
    return DataLoader(list(batches), batch_size=None, collate_fn=lambda batch: batch)


def _trainer(path: Path, steps: int = 3, **settings: object) -> Trainer:
    return Trainer(
        **settings,
        default_root_dir=path,
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


@pytest.fixture(params=["source", "rectification", "distillation"])
def system(request: pytest.FixtureRequest) -> Iterator[tuple[LightningModule, DataLoader[object]]]:
    torch.manual_seed(0)
    schedule = {"learning_rate": 1e-2, "warmup_steps": 1}
    if request.param == "source":
        yield SourceSegmentation(TinyNetwork(), **schedule), _loader(_sources(0), _sources(1))
    elif request.param == "rectification":
        yield TARectification(TinyNetwork(), **schedule), _loader(_panoramas(0), _panoramas(1))
    else:
        module = StudentDistillation(TinyNetwork(), TinyNetwork(), **schedule)
        yield module, _loader(_panoramas(0), _panoramas(1))


def test_a_run_trains_validates_and_saves_only_tensors_and_plain_values(
    system: tuple[LightningModule, DataLoader[object]], tmp_path: Path
) -> None:
    module, loader = system
    before = {name: value.clone() for name, value in module.state_dict().items()}
    trainer = _trainer(tmp_path)
    trainer.fit(module, loader, loader)
    changed = {name for name, value in module.state_dict().items() if (value != before[name]).any()}
    assert any("convolution.weight" in name for name in changed)
    assert not any(name.startswith("teacher_assistant.") for name in changed) or isinstance(
        module, TARectification
    )
    assert 0 <= trainer.callback_metrics["val/miou"] <= 1
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    content = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert content["hyper_parameters"]["learning_rate"] == 1e-2


def test_the_score_is_that_of_the_prediction(
    system: tuple[LightningModule, DataLoader[object]], tmp_path: Path
) -> None:
    module, loader = system
    trainer = _trainer(tmp_path)
    (logged,) = trainer.test(module, loader, verbose=False)
    hits = union = torch.zeros(19, dtype=torch.int64)
    module.eval()
    with torch.no_grad():
        for batch in loader:
            predicted, label = module.predict_step(batch, 0), batch.label
            counted = label != 255
            one, other = (torch.nn.functional.one_hot(x[counted], 19) for x in (predicted, label))
            hits = hits + (one & other).sum(0)
            union = union + (one | other).sum(0)
    expected = (hits / union)[union > 0].mean().item()
    assert logged["test/miou"] == pytest.approx(expected, abs=1e-6)


def test_warm_up_and_decay(tmp_path: Path) -> None:
    module = SourceSegmentation(TinyNetwork(), learning_rate=1.0, warmup_steps=3)
    rates: list[float] = []

    class Recorder(SourceSegmentation):
        def on_train_batch_start(self, batch: object, batch_idx: int) -> None:
            rates.append(self.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]

    module = Recorder(TinyNetwork(), learning_rate=1.0, warmup_steps=3)
    _trainer(tmp_path, steps=8).fit(module, _loader(*[_sources(0)] * 4))
    expected = [min(1, (t + 1) / 4) * (1 - t / 8) for t in range(8)]
    assert rates == pytest.approx(expected)


def test_weights_decay_but_biases_and_norms_do_not(tmp_path: Path) -> None:
    module = SourceSegmentation(TinyNetwork(), weight_decay=0.3)
    _trainer(tmp_path, steps=1).fit(module, _loader(_sources()))
    decayed, kept = module.optimizers().param_groups  # type: ignore[union-attr]
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.3, 0.0)
    assert [p.ndim for p in decayed["params"]] == [4]
    assert [p.ndim for p in kept["params"]] == [1, 1, 1]


class _Modes(Callback):
    """The modes of all parts in the middle of a step."""

    def on_before_zero_grad(self, trainer: Trainer, pl_module: LightningModule, _: object) -> None:
        self.seen = {
            name: {part.training for part in getattr(pl_module, name).modules()}
            for name in pl_module.network_names
        }


@pytest.mark.parametrize("kind", ["source", "rectification", "distillation", "joint"])
def test_what_trains_is_in_training_mode_however_it_comes_and_what_is_frozen_is_not(
    kind: str, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """A released network comes in evaluation mode, and Lightning leaves it there."""
    own, teacher = TinyNetwork().eval(), TinyNetwork().eval()
    module = {
        "source": lambda: SourceSegmentation(own),
        "rectification": lambda: TARectification(own),
        "distillation": lambda: StudentDistillation(own, teacher),
        "joint": lambda: JointDistillation(own, teacher),
    }[kind]()
    images = _sources() if kind == "source" else _panoramas()
    modes = _Modes()
    _trainer(tmp_path, 1, callbacks=[modes]).fit(module, _loader(images), _loader(images))
    frozen = {"teacher_assistant"} if kind == "distillation" else set()
    assert modes.seen == {name: {name not in frozen} for name in module.network_names}
    assert not [each for each in recwarn if "in eval mode" in str(each.message)]


class _Stubborn(TinyNetwork):
    """Its normalisation never trains, as its author decided."""

    def train(self, mode: bool = True) -> nn.Module:
        super().train(mode)
        self.norm.eval()
        return self


def test_a_part_that_stays_in_evaluation_mode_by_itself_is_left_and_told(tmp_path: Path) -> None:
    student = _Stubborn()
    with pytest.warns(UserWarning, match=r"Found \d+ module\(s\) in eval mode"):
        _trainer(tmp_path, 1).fit(
            StudentDistillation(student, TinyNetwork()), _loader(_panoramas())
        )
    assert student.convolution.training
    assert student.norm.num_batches_tracked == 0


class TestDistillation:
    def _module(self) -> StudentDistillation:
        torch.manual_seed(1)
        return StudentDistillation(TinyNetwork(), TinyNetwork(), warmup_steps=0)

    def test_the_teacher_is_frozen_out_of_the_optimiser_and_stays_in_eval(
        self, tmp_path: Path
    ) -> None:
        module = self._module()
        teacher = module.teacher_assistant.network
        before = {k: v.clone() for k, v in teacher.state_dict().items()}
        _trainer(tmp_path).fit(module, _loader(_panoramas(labelled=False)))
        for name, value in teacher.state_dict().items():
            assert torch.equal(value, before[name]), name
        optimised = {
            id(p)
            for group in module.optimizers().param_groups  # type: ignore[union-attr]
            for p in group["params"]
        }
        assert optimised == {id(p) for p in module.student.parameters()}
        module.train()
        assert module.student.training
        assert not teacher.training

    def test_checkpoints_hold_the_student_alone_and_load_strictly(self, tmp_path: Path) -> None:
        module, other = self._module(), self._module()
        trainer = _trainer(tmp_path)
        trainer.fit(module, _loader(_panoramas()))
        trainer.save_checkpoint(tmp_path / "last.ckpt")
        state = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
        assert not any(name.startswith("teacher_assistant.") for name in state)
        other.load_state_dict(state)
        for name, value in other.student.state_dict().items():
            assert torch.equal(value, module.student.state_dict()[name])
        del state["student.convolution.weight"]
        with pytest.raises(RuntimeError, match=r"student\.convolution\.weight"):
            other.load_state_dict(state)

    def test_the_average_of_weights_resumes_where_it_stopped(self, tmp_path: Path) -> None:
        def run(folder: Path, start: Path | None = None) -> dict[str, Tensor]:
            module = self._module()
            module.learning_rate = 1e-2
            average = EMAWeightAveraging(decay=0.5)
            keep = ModelCheckpoint(folder, "{step}", every_n_train_steps=2, save_top_k=-1)
            trainer = _trainer(folder, 4, callbacks=[average, keep])
            trainer.fit(module, _loader(_panoramas(0), _panoramas(1)), ckpt_path=start)
            return module.student.state_dict()

        undisturbed = run(tmp_path / "whole")
        half = tmp_path / "whole" / "step=2.ckpt"
        saved = torch.load(half, weights_only=True)
        for part in ("state_dict", "current_model_state"):
            assert not any("teacher_assistant" in name for name in saved[part])
        assert not torch.equal(
            saved["state_dict"]["student.convolution.weight"],
            saved["current_model_state"]["student.convolution.weight"],
        )
        resumed = run(tmp_path / "resumed", half)
        for name, value in undisturbed.items():
            torch.testing.assert_close(resumed[name], value)

    def test_the_loss_is_the_weighted_sum_of_its_terms(self, tmp_path: Path) -> None:
        module = StudentDistillation(
            TinyNetwork(),
            TinyNetwork(),
            whole_weight=0.5,
            ensemble_weight=2.0,
            boundary_weight=0.25,
            learning_rate=0.0,
        )
        trainer = _trainer(tmp_path, steps=1)
        trainer.fit(module, _loader(_panoramas()))
        logged = trainer.callback_metrics
        expected = (
            0.5 * logged["train/whole"]
            + 2.0 * logged["train/ensemble"]
            + 0.25 * logged["train/boundary"]
        )
        torch.testing.assert_close(logged["train/loss"], expected)
        assert 0 <= logged["train/trusted"] <= 1

    def test_the_student_learns_what_the_fusion_says(self, tmp_path: Path) -> None:
        module = StudentDistillation(
            TinyNetwork(), TinyNetwork(), learning_rate=0.05, warmup_steps=0
        )
        batch = _panoramas()
        with torch.no_grad():
            stitched = module.teach(batch).whole
            before = (module.eval()(batch.image).argmax(1) == stitched).float().mean()
        trainer = _trainer(tmp_path, steps=60)
        trainer.fit(module, _loader(batch))
        with torch.no_grad():
            after = (module.eval()(batch.image).argmax(1) == stitched).float().mean()
        assert after > before + 0.2

    def test_stored_targets_take_the_place_of_the_teachers(self, tmp_path: Path) -> None:
        torch.manual_seed(0)
        module, batch = StudentDistillation(TinyNetwork(), TinyNetwork()), _panoramas()
        module.log_dict = module.log = lambda *_, **__: None  # there is no trainer
        asked = module.training_step(batch, 0)
        batch.targets, batch.masks = module.teach(batch), None
        module.class_balance.counts.zero_()
        torch.testing.assert_close(module.training_step(batch, 0), asked)

    def test_the_description_of_the_teachers_tells_what_decides_about_them(self) -> None:
        teacher = TinyNetwork()
        module = StudentDistillation(TinyNetwork(), teacher)
        described = module.describe_teachers()
        assert StudentDistillation(TinyNetwork(), teacher).describe_teachers() == described
        others = [
            StudentDistillation(TinyNetwork(), TinyNetwork()),
            StudentDistillation(TinyNetwork(), teacher, teachers=Teachers(fusion=CTCF(0.6))),
            StudentDistillation(TinyNetwork(), teacher, teachers=Teachers(window_scale=2.0)),
            StudentDistillation(TinyNetwork(), teacher, teachers=Teachers(boundary_radius=2)),
            StudentDistillation(TinyNetwork(), teacher, teachers=Teachers(boundary="v2")),
        ]
        assert all(other.describe_teachers() != described for other in others)


class TestRectification:
    def test_it_scores_windows_the_whole_and_the_fused_labels(self, tmp_path: Path) -> None:
        module, batch = TARectification(TinyNetwork()), _panoramas()
        (logged,) = _trainer(tmp_path).test(module, _loader(batch), verbose=False)
        assert {"test/miou", "test/miou_whole", "test/miou_fused"} <= logged.keys()
        assert list(module.latest_scores) == ["windowed", "whole", "fused"]

        with torch.no_grad():
            probabilities = map_windows(module.eval(), batch.image, GRID).softmax(2)
            assert batch.masks is not None
            fused = CTCF()(probabilities, batch.masks[0])
            kinds = dict(module.predict_kinds(batch))
        torch.testing.assert_close(kinds["windowed"], GRID.stitch(probabilities))
        torch.testing.assert_close(kinds["fused"], GRID.stitch(fused.ensemble))

    def test_without_masks_there_is_no_fused_score_and_no_training(self, tmp_path: Path) -> None:
        batch = _panoramas()
        batch.masks = None
        (logged,) = _trainer(tmp_path).test(
            TARectification(TinyNetwork()), _loader(batch), verbose=False
        )
        assert "test/miou_fused" not in logged
        with pytest.raises(ValueError, match=r"data\.init_args\.mask_root"):
            _trainer(tmp_path).fit(TARectification(TinyNetwork()), _loader(batch))

    def test_pinhole_images_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match="PanoramaDataModule"):
            _trainer(tmp_path).test(TARectification(TinyNetwork()), _loader(_sources()))


def test_images_without_a_labelled_pixel_teach_nothing(tmp_path: Path) -> None:
    module, nothing = SourceSegmentation(TinyNetwork(), weight_decay=0.0), _sources()
    nothing.label = torch.full_like(nothing.label, 255)
    before = module.network.convolution.weight.clone()
    trainer = _trainer(tmp_path, 1)
    trainer.fit(module, _loader(nothing))
    assert trainer.callback_metrics["train/loss"] == 0
    assert torch.equal(module.network.convolution.weight, before)


def test_a_split_without_a_labelled_pixel_is_told(tmp_path: Path) -> None:
    module, nothing = SourceSegmentation(TinyNetwork()), _panoramas()
    nothing.label = torch.full_like(nothing.label, 255)
    for batch in (_panoramas(labelled=False), nothing):
        with pytest.raises(ValueError, match="no pixel of the test split is labelled in a class"):
            _trainer(tmp_path).test(module, _loader(batch), verbose=False)
        with pytest.raises(ValueError, match="no pixel of the val split is labelled in a class"):
            _trainer(tmp_path).validate(module, _loader(batch), verbose=False)
    with pytest.warns(UserWarning, match="no pixel of the val split .*; training goes on"):
        _trainer(tmp_path, 1).fit(module, _loader(_sources()), _loader(nothing))


def test_a_run_that_a_time_ends_keeps_its_rate(tmp_path: Path) -> None:
    rates: list[float] = []

    class Recorder(SourceSegmentation):
        def on_train_batch_start(self, batch: object, batch_idx: int) -> None:
            rates.append(self.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]
            if len(rates) == 5:
                self.trainer.should_stop = True

    module = Recorder(TinyNetwork(), learning_rate=1.0, warmup_steps=1)
    trainer = _trainer(tmp_path, -1, max_epochs=-1, max_time="00:00:10:00")
    trainer.fit(module, _loader(*[_sources(0)] * 6))
    assert rates == pytest.approx([0.5, 1.0, 1.0, 1.0, 1.0])


def test_no_step_at_all_is_a_dry_run(tmp_path: Path) -> None:
    module = SourceSegmentation(TinyNetwork())
    trainer = _trainer(tmp_path, 0)
    trainer.fit(module, _loader(_sources()))
    assert trainer.global_step == 0


class _Dictionary(TinyNetwork):
    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"out": super().forward(images)}


class _Coarse(TinyNetwork):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images)[..., ::4, ::4]


@pytest.mark.parametrize(
    ("network", "complaint"),
    [
        (TinyNetwork(13), r"TinyNetwork gives 13 logits for each pixel, but cityscapes-19 has 19"),
        (TinyNetwork(20), r"TinyNetwork gives 20 logits for each pixel, but cityscapes-19 has 19"),
        (_Dictionary(), r"_Dictionary returns a dict, .*CustomNetwork"),
        (_Coarse(), r"_Coarse gives logits of 16×32 for an image of 64×128.*CustomNetwork"),
    ],
)
def test_a_network_that_says_other_classes_is_refused_at_once(
    network: nn.Module, complaint: str
) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    for role, build in {
        "network": lambda: SourceSegmentation(network),
        "teacher_assistant": lambda: TARectification(network),
        "student": lambda: StudentDistillation(network, TinyNetwork()),
    }.items():
        torch.set_rng_state(random)
        with pytest.raises((ValueError, TypeError), match=f"^{role}: {complaint}"):
            build()
        assert role == "student" or torch.equal(torch.get_rng_state(), random)
    assert network.training
    with pytest.raises((ValueError, TypeError), match=f"^teacher_assistant: {complaint}"):
        StudentDistillation(TinyNetwork(), network)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


class _Data(LightningDataModule):
    """One batch, with labels of another class set than the network's."""

    def __init__(self, batch: PanoramaBatch, evaluation_taxonomy: str | None) -> None:
        super().__init__()
        self.batch = batch
        self.evaluation_taxonomy = evaluation_taxonomy and get_taxonomy(evaluation_taxonomy)

    def test_dataloader(self) -> DataLoader[object]:
        return _loader(self.batch)

    train_dataloader = val_dataloader = test_dataloader


def test_it_is_scored_in_the_classes_that_the_data_asks_for(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module, batch = SourceSegmentation(TinyNetwork()), _panoramas()
    key = torch.tensor([*range(12), 11, 12, 12, 12, 13, 12, 12])  # 13: train is no class
    labels = key[batch.label]
    batch.label = torch.where(labels == 13, 255, labels)
    (logged,) = _trainer(tmp_path).test(module, datamodule=_Data(batch, "cityscapes-13"))
    predicted = key[module.eval().predict_step(batch, 0)]
    iou = []
    for index in range(13):
        one, other = (predicted == index) & (batch.label != 255), batch.label == index
        iou.append((one & other).sum() / (one | other).sum())
    assert logged["test/miou"] == pytest.approx(torch.stack(iou).nanmean().item(), abs=1e-6)
    assert {name for name in logged if name.startswith("test/iou/")} == {
        f"test/iou/{name}" for name in get_taxonomy("cityscapes-13").classes
    }

    (logged,) = _trainer(tmp_path).test(module, datamodule=_Data(_panoramas(), None))
    assert "test/iou/bicycle" in logged


@pytest.mark.parametrize("kind", ["source", "rectification", "distillation"])
def test_averaged_weights_are_scored_in_other_classes(kind: str, tmp_path: Path) -> None:
    """A class that an average were taken of would be another class."""
    build = {
        "source": SourceSegmentation,
        "rectification": TARectification,
        "distillation": lambda network, **rest: StudentDistillation(network, TinyNetwork(), **rest),
    }[kind]
    torch.manual_seed(0)
    network = nn.Conv2d(3, 19, 1)
    batch = _sources() if kind == "source" else _panoramas()
    batch.label = batch.label.clamp(max=12)
    data = _Data(batch, "cityscapes-13")
    (alone,) = _trainer(tmp_path).validate(build(network), datamodule=data, verbose=False)
    module = build(network, learning_rate=0.0)
    trainer = _trainer(tmp_path, 4, callbacks=[EMAWeightAveraging(decay=0.7)])
    trainer.fit(module, datamodule=data)
    (after,) = trainer.validate(module, datamodule=data, verbose=False)
    assert trainer.callback_metrics["val/miou"] == pytest.approx(alone["val/miou"], abs=1e-6)
    assert after == pytest.approx(alone, abs=1e-6)


def test_extras_are_measured_where_they_are_asked_for(tmp_path: Path) -> None:
    module = TARectification(TinyNetwork())
    module.measure(["seam_disagreement"])
    (logged,) = _trainer(tmp_path).test(module, _loader(_panoramas()), verbose=False)
    assert {"test/seam_disagreement", "test/seam_disagreement_whole"} <= logged.keys()
    assert not any("boundary" in name for name in logged)


@pytest.mark.parametrize("system", [SourceSegmentation, TARectification])
def test_probabilities_are_predicted_where_they_are_asked_for(
    system: type[SourceSegmentation | TARectification],
) -> None:
    module, batch = system(TinyNetwork()).eval(), _panoramas()
    with torch.no_grad():
        labels = module.predict_step(batch, 0)
        module.predicts_probabilities = True
        probabilities = module.predict_step(batch, 0)
    assert probabilities.shape == (2, 19, 16, 48)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2, 16, 48))
    assert torch.equal(probabilities.argmax(dim=1), labels)
