"""What every system must do. The tests of a system inherit this and say how it is made."""

from __future__ import annotations

import multiprocessing
import runpy
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from tiny import loader, trainer
from torch import Tensor

from goodsam_pl.cli import main
from goodsam_pl.data import AdaptationBatch, PanoramaBatch, SourceBatch
from goodsam_pl.modules import SegmentationModule

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PROCESSES = multiprocessing.get_context("forkserver")
"""Children begin with Lightning imported, but have computed no gradient: then none could fork. Not
with this package: all tests of a process share one server, and some bring another version."""


class SystemTester(ABC):
    """Inherit as ``class TestMySystem(SystemTester)``.

    Attributes:
        preset: a configuration that trains the system, below ``configs/``.
        frozen: names of its networks that never train.
    """

    preset: ClassVar[str]
    frozen: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def system(self) -> SegmentationModule:
        """Make the system of tiny networks, alike each time."""

    @abstractmethod
    def batch(self, seed: int) -> PanoramaBatch | SourceBatch:
        """Make a labelled batch that it predicts and, most systems, train on."""

    def training_batch(self, seed: int) -> PanoramaBatch | SourceBatch | AdaptationBatch:
        """Make what a step of its training sees."""
        return self.batch(seed)

    def test_what_trains_changes_and_what_is_frozen_stays(self, tmp_path: Path) -> None:
        module = self.system()
        before = _copy(module)
        trainer(tmp_path).fit(module, loader(self.training_batch(0), self.training_batch(1)))
        changed = {key for key, value in _copy(module).items() if not value.equal(before[key])}
        for name in module.network_names:
            is_changed = any(key.startswith(f"{name}.") for key in changed)
            assert is_changed == (name not in self.frozen), name
            is_training = {part.training for part in getattr(module, name).modules()}
            assert is_training == {name not in self.frozen}, name

    def test_checkpoints_hold_plain_values_and_no_frozen_weights_and_load_strictly(
        self, tmp_path: Path
    ) -> None:
        module, other = self.system(), self.system()
        training = trainer(tmp_path)
        training.fit(module, loader(self.training_batch(0)))
        training.save_checkpoint(tmp_path / "last.ckpt")
        content = torch.load(tmp_path / "last.ckpt", weights_only=True)
        assert content["hyper_parameters"]["taxonomy"] == module.taxonomy_name
        state = content["state_dict"]
        assert not [key for key in state if key.startswith(tuple(f"{n}." for n in self.frozen))]
        other.load_state_dict(state)
        assert all(value.equal(state[key]) for key, value in other.state_dict().items())
        missing = next(key for key in state if key.startswith(f"{module.network_names[0]}."))
        del state[missing]
        with pytest.raises(RuntimeError, match=missing.replace(".", r"\.")):
            other.load_state_dict(state)

    def test_a_resumed_training_equals_the_uninterrupted_one(self, tmp_path: Path) -> None:
        def train(folder: Path, start: Path | None = None) -> dict[str, Tensor]:
            module = self.system()
            keep = ModelCheckpoint(folder, "{step}", every_n_train_steps=2, save_top_k=-1)
            batches = loader(self.training_batch(0), self.training_batch(1))  # two epochs
            trainer(folder, 4, callbacks=[keep]).fit(module, batches, ckpt_path=start)
            return _copy(module)

        whole = train(tmp_path / "whole")
        resumed = train(tmp_path / "resumed", tmp_path / "whole" / "step=2.ckpt")
        assert all(value.equal(whole[key]) for key, value in resumed.items())

    def test_the_score_is_that_of_the_prediction(self, tmp_path: Path) -> None:
        module, batch = self.system(), self.batch(0)
        (logged,) = trainer(tmp_path).test(module, loader(batch), verbose=False)
        assert batch.label is not None
        counted = batch.label != 255
        with torch.no_grad():
            predicted = module.eval().predict_step(batch, 0)[counted]
        classes = len(module.taxonomy.classes)
        one, other = (
            torch.nn.functional.one_hot(each, classes) for each in (predicted, batch.label[counted])
        )
        union = (one | other).sum(0)
        ious = ((one & other).sum(0) / union)[union > 0]
        assert logged["test/miou"] == pytest.approx(ious.mean().item(), abs=1e-6)

    def test_its_preset_prints_what_parses_to_the_same(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def printed(config: Path) -> str:
            with pytest.raises(SystemExit) as stopped:
                main(["fit", f"--config={config}", "--print_config"])
            assert not stopped.value.code
            return capsys.readouterr().out

        first = printed(CONFIGS / self.preset)
        (tmp_path / "again.yaml").write_text(first)
        assert printed(tmp_path / "again.yaml") == first
        assert f"class_path: goodsam_pl.modules.{type(self.system()).__qualname__}\n" in first

    def test_two_processes_train_one_system(self, tmp_path: Path) -> None:
        file = str(Path(_file_of(self)).resolve())
        PROCESSES.set_forkserver_preload(["lightning.pytorch"])
        child = PROCESSES.Process(
            target=train_in_two_processes, args=(file, type(self).__name__, tmp_path)
        )
        child.start()
        child.join(120)
        assert child.exitcode == 0
        one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
        start = _copy(self.system())
        for name in set(self.system().network_names) - set(self.frozen):
            keys = [key for key in one if key.startswith(f"{name}.") and "norm" not in key]
            assert keys
            assert all(one[key].equal(other[key]) for key in keys)  # gradients were averaged
            assert not all(one[key].equal(start[key]) for key in keys)
            assert all(one[key].isfinite().all() for key in keys)


class _Keep(Callback):
    """Write what each process has in the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        torch.save(_copy(pl_module), self.folder / f"{trainer.global_rank}.pt")


def train_in_two_processes(file: str, name: str, folder: Path) -> None:
    """Train two steps of the system that class ``name`` in ``file`` tests, in a fresh process."""
    torch.set_num_threads(1)
    tester: SystemTester = runpy.run_path(file)[name]()
    settings = {"devices": 2, "strategy": "ddp_fork", "callbacks": [_Keep(folder)]}
    trainer(folder, 2, **settings).fit(
        tester.system(), loader(*map(tester.training_batch, range(4)))
    )


def _copy(module: torch.nn.Module) -> dict[str, Tensor]:
    return {
        **{key: value.detach().clone() for key, value in module.named_parameters()},
        **{key: value.detach().clone() for key, value in module.named_buffers()},
    }


def _file_of(tester: SystemTester) -> str:
    return type(tester).system.__code__.co_filename
