"""A sequence as one training: its matrix is that of the loop by hand, wherever it was stopped."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.utilities.exceptions import SIGTERMException
from segment_anything.modeling import Sam

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))
from domain_files import write_split_domain

from goodsam_pl.callbacks import RunCheckpoint, SaveOnStop, SequenceTables
from goodsam_pl.data import DomainDataModule, DomainFolder, Views
from goodsam_pl.metrics import MaskScores, TaskMatrix
from goodsam_pl.modules.continual import (
    AdapterRecipe,
    ContinualMethod,
    ContinualSequence,
    ContinualTask,
    ElasticConsolidation,
    ExperienceReplay,
    FineTuning,
    JointTraining,
    LearningWithoutForgetting,
    MaskPoints,
    MixtureOfAdapters,
    PooledQuery,
    ZeroShot,
    as_prompted,
)
from goodsam_pl.modules.continual.domain_tasks import KeptImages, domain_task
from goodsam_pl.sam.frozen_sam import FrozenSam
from goodsam_pl.views.matrix_table import matrix_from_csv

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

POINTS = MaskPoints(64)
ADAPTER = AdapterRecipe("hq")
METHODS: dict[str, Callable[[FrozenSam], ContinualMethod]] = {
    "moda": partial(MixtureOfAdapters, recipe=ADAPTER, points=POINTS, least_confidence=0.6),
    "pooled": partial(MixtureOfAdapters, recipe=ADAPTER, query=PooledQuery,
                      points=POINTS),
    "naive": partial(FineTuning, recipe=ADAPTER, points=POINTS),
    "er": partial(ExperienceReplay, recipe=ADAPTER, points=POINTS),
    "lwf": partial(LearningWithoutForgetting, recipe=ADAPTER, points=POINTS),
    "ewc": partial(ElasticConsolidation, recipe=ADAPTER, points=POINTS, remembers="all"),
    "joint": partial(JointTraining, recipe=ADAPTER, points=POINTS),
    "zero": ZeroShot,
}  # fmt: skip
NAMES = ("rail", "polyp", "bottle")
EPOCHS = 2
BATCHES = 2  # of two images, an epoch


class Killed(Exception):  # noqa: N818  # no error
    """Stands for SIGKILL: nothing is saved."""


class Deaf(SaveOnStop):
    """Saves nothing at the end."""

    def on_exception(self, *_: object) -> None:
        self._restore()


class At(Callback):
    """Have something happen once, at a hook and a step."""

    def __init__(self, hook: str, step: int, happens: Callable[[], None]) -> None:
        self.step, self.happens, self.due = step, happens, True
        setattr(self, hook, self.look)

    def look(self, trainer: Trainer, *_: object) -> None:
        if self.due and trainer.global_step == self.step:
            self.due = False
            self.happens()


def kill() -> None:
    raise Killed


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    for index, name in enumerate((*NAMES, "natural")):
        write_split_domain(root / name, 4, 0 if name == "polyp" else 2, 1 + index % 2)
    return root


@pytest.fixture(autouse=True)
def _stock(monkeypatch: pytest.MonkeyPatch, stock_sam: Callable[[int], Sam]) -> None:
    made = staticmethod(lambda *_: FrozenSam(stock_sam(0), "stock"))
    monkeypatch.setattr(FrozenSam, "of", made)


def domains(world: Path, names: tuple[str, ...] = NAMES, **options: Any) -> DomainDataModule:
    views = Views(side=64, mask_side=32, points=3, evaluation="points", jitter=(0.8, 1.5))
    given = {"views": views, "buffer": 2, "batch_size": 2, "num_workers": 0, **options}
    return DomainDataModule(
        domains=[DomainFolder(name, str(world / name)) for name in names],
        outside=[DomainFolder("natural", str(world / "natural"))],
        **given,
    )


def fit(
    data: DomainDataModule,
    folder: Path,
    method: str,
    *extra: Callback,
    save: bool = True,
    ckpt_path: Path | None = None,
    epochs: int = EPOCHS,
    **trainer: Any,
) -> ContinualSequence:
    seed_everything(0)
    checkpoint = RunCheckpoint(filename="newest", save_on_train_epoch_end=True)
    stop = SaveOnStop() if save else Deaf()
    module = ContinualSequence(METHODS[method], epochs=epochs, learning_rate=0.01, decay_epochs=1)
    options = {"max_epochs": -1, **trainer}
    run = Trainer(
        default_root_dir=folder, accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0,
        callbacks=[*extra, SequenceTables(), stop, checkpoint], **options,
    )  # fmt: skip
    before = signal.getsignal(signal.SIGINT)
    try:
        run.fit(module, datamodule=data, ckpt_path=ckpt_path, weights_only=True)
    finally:
        signal.signal(signal.SIGINT, before)
    return module


def read(folder: Path, name: str = "iou") -> TaskMatrix:
    path = folder / f"{name}.csv"
    return matrix_from_csv(path.read_text(), path)


def by_hand(method: ContinualMethod, data: DomainDataModule, column: int) -> MaskScores:
    quality = MaskScores()
    for batch in data.evaluation(data.images("test", [column])):
        logits = method.predict(as_prompted(batch)).logits[:, 0]
        quality.update(
            [each.frame.restore(one) for each, one in zip(batch.originals, logits, strict=True)],
            [each.mask for each in batch.originals],
        )
    return quality


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of uninterrupted sequences by method; each is made once."""
    return {}


FILES = ("iou.csv", "boundary_iou.csv", "sequence.md", "iou.png")


@pytest.mark.parametrize(
    ("method", "happens", "hook", "step"),
    [
        ("moda", kill, "on_train_batch_start", 4),  # the second task has begun
        ("moda", kill, "on_train_batch_start", 7),
        ("moda", terminate, "on_train_batch_start", 5),
        ("moda", terminate, "on_train_epoch_start", 8),
        ("er", kill, "on_train_batch_start", 11),
        ("er", terminate, "on_train_batch_start", 5),
        ("lwf", terminate, "on_train_batch_start", 9),
        ("ewc", kill, "on_train_epoch_start", 8),
        ("joint", terminate, "on_train_batch_start", 7),
    ],
)
def test_stopped_anywhere_the_matrix_is_the_same(
    world: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    whole: dict[str, Path],
    method: str,
    happens: Callable[[], None],
    hook: str,
    step: int,
) -> None:
    if method not in whole:
        whole[method] = tmp_path_factory.mktemp(method)
        fit(domains(world), whole[method], method)
    with pytest.raises((Killed, SIGTERMException)):
        fit(domains(world), tmp_path, method, At(hook, step, happens), save=happens is terminate)
    fit(domains(world), tmp_path, method, ckpt_path=tmp_path / "last.ckpt")
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (whole[method] / name).read_bytes()
    one, other = (torch.load(each / "last.ckpt", weights_only=True)["state_dict"]
                  for each in (tmp_path, whole[method]))  # fmt: skip
    assert one.keys() == other.keys()
    assert all(one[name].equal(other[name]) for name in one if "extra_state" not in name)


def test_the_rows_are_those_of_the_loop_by_hand(world: Path, tmp_path: Path) -> None:
    """Each task a training of its own would have; here one epoch, and no other is chosen."""
    data = domains(world, score_unseen=True)
    module = fit(data, tmp_path, "pooled", epochs=1)
    sam = FrozenSam.of()
    method = METHODS["pooled"](sam)
    assert isinstance(method, MixtureOfAdapters)
    method.load_state_dict(module.method.state_dict())
    iou, boundary, routed = (read(tmp_path, name) for name in ("iou", "boundary_iou", "routed"))
    for column, name in enumerate((*NAMES, "natural")):
        reached = by_hand(method, data, column).compute()
        assert iou.score(2, name) == reached.iou
        assert boundary.score(2, name) == reached.boundary_iou
    assert not any(math.isnan(score) for row in iou.values for score in row)
    assert routed.values[0] == pytest.approx((1, math.nan, math.nan, math.nan), nan_ok=True)
    assert all(0 <= score <= 1 for score in routed.values[2][:3])
    # the first row: before a second domain came there was its adapter alone
    first = METHODS["naive"](sam)
    assert isinstance(first, FineTuning)
    first.adapter.load_state_dict(method.routed.pool[0].state_dict())
    assert iou.score(0, "bottle") == by_hand(first, data, 2).compute().iou


def test_what_learns_nothing_is_scored_alike_after_each_task(world: Path, tmp_path: Path) -> None:
    data = domains(world, order=["bottle", "rail", "polyp"])
    fit(data, tmp_path, "zero")
    matrix = read(tmp_path)
    assert matrix.domains == ("bottle", "rail", "polyp")
    assert matrix.forgetting() == 0
    plain = ZeroShot(FrozenSam.of())
    assert matrix.values[2] == tuple(by_hand(plain, data, at).compute().iou for at in range(4))
    assert not (tmp_path / "routed.csv").exists()


def test_joint_training_fills_the_last_row_alone(world: Path, tmp_path: Path) -> None:
    module = fit(domains(world), tmp_path, "joint", epochs=1)
    matrix = read(tmp_path)
    assert all(math.isnan(score) for row in matrix.values[:2] for score in row)
    assert not any(math.isnan(score) for score in matrix.values[2])
    assert module.method.tasks == ["all"]
    assert module.trainer.global_step == 3 * BATCHES


def test_the_best_epoch_of_a_task_is_taken(world: Path, tmp_path: Path) -> None:
    """And the last of a domain without validation images."""
    known: dict[str, list[Any]] = {}

    class Look(Callback):
        def on_train_epoch_end(self, trainer: Trainer, module: ContinualSequence) -> None:  # type: ignore[override]
            name = module.method.tasks[-1]
            learned = {key: each.detach().clone() for key, each in module.method.learned().items()}
            known.setdefault(name, []).append((trainer.callback_metrics.get("val/iou"), learned))

    module = fit(domains(world), tmp_path, "pooled", Look(), epochs=3)
    end = dict(module.method.named_parameters())
    for name, epochs in known.items():
        best = max(range(3), key=lambda each: epochs[each][0]) if name != "polyp" else 2
        assert all(end[key].equal(value) for key, value in epochs[best][1].items())


def test_another_sequence_does_not_go_on(world: Path, tmp_path: Path) -> None:
    fit(domains(world), tmp_path, "naive", max_steps=3)
    last = tmp_path / "last.ckpt"
    assert not (tmp_path / "iou.csv").exists()  # the first task was not over
    with pytest.raises(ValueError, match="is of the domains rail, polyp, bottle, natural, the"):
        fit(domains(world, order=["polyp", "rail", "bottle"]), tmp_path, "naive", ckpt_path=last)
    with pytest.raises(ValueError, match=r"has 2 epochs a task, model\.epochs is 3"):
        fit(domains(world), tmp_path, "naive", ckpt_path=last, epochs=3)
    with pytest.raises(ValueError, match=r"model\.epochs is 0: a task needs at least 1"):
        ContinualSequence(METHODS["naive"], epochs=0)
    with pytest.raises(ValueError, match=r"data\.order is rail, polyp: name each of"):
        domains(world, order=["rail", "polyp"])


def test_buffers_are_read_when_they_are_asked_for(world: Path) -> None:
    data = domains(world)
    data.setup("fit")
    task = domain_task(data, 1)
    assert isinstance(task, ContinualTask)
    assert isinstance(task.buffers, KeptImages)
    assert (task.name, len(task.buffers), [len(each) for each in task.buffers]) == (
        "polyp",
        2,
        [2, 2],
    )
    assert sum(len(batch) for batch in task.batches) == 4
    assert sum(len(batch) for batch in task.batches) == 4  # again
    assert task.buffers[-1] is task.buffers[1:][0]
    together = domain_task(data, 2, together=True)
    assert (together.name, sum(len(batch) for batch in together.batches)) == ("all", 12)
