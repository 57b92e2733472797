"""What Lightning costs: a training step under the Trainer beside one in a bare PyTorch loop.

    python benchmarks/training.py --threads 2

The preset configs/streetworld/distillation.yaml, on a few panoramas of StreetWorld with stored
masks: its optimiser, schedule, logging, progress bar and callbacks (its logger writes CSV here, and
both networks have the starting weights). The bare loop works on a copy of the same networks, losses
and optimiser and has a loader of its own: forward, backward, step, and nothing else. Blocks of
steps alternate in one process: the Trainer does some, then a callback has the bare loop do as many.

Two ways: `stored` has what the teachers say on disk, as in the preset (PrecomputeTeacher); `asked`
asks the teacher assistant about every window in every step. The overhead is the median of the
ratios of neighbouring blocks, also in processor time, where other work on the machine counts less.
The loader is also measured alone. Prints a table and, as its last line, one JSON object; its
headline figures are those of `stored`.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import torch
from jsonargparse import ArgumentParser
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, RandomSampler

from goodsam_pl.callbacks import PrecomputeTeacher
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.files.allocator import keep_memory
from goodsam_pl.files.overrides import mapped_texts
from goodsam_pl.files.presets import read_preset
from goodsam_pl.modules import StudentDistillation
from goodsam_pl.streetworld.export import export

PRESET = Path(__file__).resolve().parent.parent / "configs/streetworld/distillation.yaml"


class Seconds(NamedTuple):
    """Of the clock on the wall, and of all threads of this process on processors."""

    wall: float
    processor: float

    def since(self, earlier: Seconds) -> Seconds:
        """What has passed between two moments."""
        return Seconds(self.wall - earlier.wall, self.processor - earlier.processor)


class Pair(NamedTuple):
    """What a block of steps took the Trainer, and the bare loop right after it."""

    trainer: Seconds
    bare: Seconds


@dataclass
class Alternation(pl.Callback):
    """Times the Trainer's steps in blocks, and a bare loop's between them.

    Attributes:
        bare_step: does one step.
        steps: of a block.
        pairs: what was measured; the first blocks of both warm up and are left out.
    """

    bare_step: Callable[[], None]
    steps: int
    pairs: list[Pair] = field(default_factory=list)
    _begun: Seconds = Seconds(0.0, 0.0)  # noqa: RUF009  # immutable

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Between two blocks of the Trainer comes one of the bare loop."""
        if trainer.global_step % self.steps:
            return
        between = now()
        for _ in range(self.steps):
            self.bare_step()
        after = now()
        if trainer.global_step > self.steps:
            self.pairs.append(Pair(between.since(self._begun), after.since(between)))
        self._begun = now()


def main() -> None:
    """Measure both ways."""
    keep_memory()  # as every command does
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--panoramas", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=2, help="the preset's")
    parser.add_argument("--steps", type=int, default=2, help="of a block")
    parser.add_argument("--blocks", type=int, default=8, help="of each way")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    for message in (r".*does not have many workers", r".*in eval mode", r".*no labels"):
        warnings.filterwarnings("ignore", message=message)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        export(
            root,
            source_train=0,
            source_val=0,
            target_train=arguments.panoramas,
            target_val=0,
            target_test=0,
            workers=1,
        )
        measured = {way: measure(root, way, arguments) for way in ("stored", "asked")}
    report = summary(measured, arguments)
    print("images per second, and the overhead in time (in processor time)")
    print(f"  {'':<8}{'Trainer':>10}{'bare':>10}{'loader':>10}")
    for way, each in measured.items():
        speeds = [each.speed(times, arguments) for times in (each.trainer, each.bare)]
        numbers = "".join(f"{value:10.2f}" for value in (*speeds, each.loader))
        print(f"  {way:<8}{numbers}   {each.overhead:+.1f} % ({each.processor_overhead:+.1f} %)")
    print(json.dumps(report))


class Measured(NamedTuple):
    """Of one way: neighbouring blocks, and images per second of the loader alone."""

    pairs: list[Pair]
    loader: float

    @property
    def trainer(self) -> list[float]:
        """Seconds of the Trainer's blocks."""
        return [pair.trainer.wall for pair in self.pairs]

    @property
    def bare(self) -> list[float]:
        """Seconds of the bare loop's blocks."""
        return [pair.bare.wall for pair in self.pairs]

    @property
    def overhead(self) -> float:
        """How much longer the Trainer takes, percent."""
        return percent_more(pair.trainer.wall / pair.bare.wall for pair in self.pairs)

    @property
    def processor_overhead(self) -> float:
        """How much more of the processor it takes, percent; other work hardly disturbs it."""
        return percent_more(pair.trainer.processor / pair.bare.processor for pair in self.pairs)

    @staticmethod
    def speed(seconds: list[float], arguments: argparse.Namespace) -> float:
        """Images per second."""
        images: int = arguments.batch_size * arguments.steps
        return images / statistics.median(seconds)


def measure(root: Path, way: str, arguments: argparse.Namespace) -> Measured:
    """Train in both ways by turns, then let the loader run alone."""
    pl.seed_everything(0)
    module, data, callbacks = preset_objects(root, arguments.batch_size)
    bare = copy.deepcopy(module)
    batches: Iterator[Any] = (batch for _ in itertools.count() for batch in data.train_dataloader())
    alternation = Alternation(bare_loop(bare, batches), arguments.steps)
    if way == "asked":
        callbacks = [each for each in callbacks if not isinstance(each, PrecomputeTeacher)]
    trainer = pl.Trainer(
        max_steps=(arguments.blocks + 1) * arguments.steps + 1,
        accelerator=arguments.device,
        devices=1,
        num_sanity_val_steps=0,
        check_val_every_n_epoch=None,
        val_check_interval=10**6,  # as in the preset no epoch ends with a checkpoint
        log_every_n_steps=10,
        default_root_dir=root / "run" / way,
        logger=CSVLogger(root / "log"),
        callbacks=[*callbacks, alternation],
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule=data)
    return Measured(alternation.pairs, loader_speed(batches, arguments))


class LongEpochs(PanoramaDataModule):
    """Draws as many panoramas an epoch as the preset has, from the few that there are."""

    def train_dataloader(self) -> DataLoader[Any]:
        """The data module's loader with another sampler."""
        loader = super().train_dataloader()
        dataset: Any = loader.dataset
        return DataLoader(
            dataset,
            batch_size=loader.batch_size,
            sampler=RandomSampler(dataset, replacement=True, num_samples=64),
            collate_fn=loader.collate_fn,
            drop_last=True,
        )


def preset_objects(
    root: Path, batch_size: int
) -> tuple[StudentDistillation, PanoramaDataModule, list[pl.Callback]]:
    """The preset's system, data and callbacks, on the data that were drawn."""

    def put(text: str) -> str:
        return (
            "streetworld" if text.endswith(".ckpt") else text.replace("data/streetworld", str(root))
        )

    tree = mapped_texts(read_preset(PRESET), put)
    tree["data"] |= {"class_path": f"{__name__}.LongEpochs"}
    tree["data"]["init_args"] |= {"batch_size": batch_size}
    parser = ArgumentParser()
    parser.add_argument("--model", type=pl.LightningModule)
    parser.add_argument("--data", type=pl.LightningDataModule)
    parser.add_argument("--callbacks", type=list[pl.Callback])
    chosen = {key: tree[key] for key in ("model", "data")}
    chosen["callbacks"] = tree["trainer"]["callbacks"]
    built = parser.instantiate_classes(parser.parse_object(chosen))
    return built.model, built.data, built.callbacks


def bare_loop(module: StudentDistillation, batches: Iterator[Any]) -> Callable[[], None]:
    """A step without a Trainer: the module is there for its networks and losses alone."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    module.to(device).train()
    silence: Any = lambda *_, **__: None  # noqa: E731
    module.log = module.log_dict = silence  # type: ignore[method-assign]
    trained = [each for each in module.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=module.learning_rate, weight_decay=module.weight_decay
    )

    def step() -> None:
        batch = next(batches).to(device)
        loss = module.training_step(batch, 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def loader_speed(batches: Iterator[Any], arguments: argparse.Namespace) -> float:
    """Images per second of the loader with nothing else to do."""
    count = max(10, 2 * arguments.panoramas // arguments.batch_size)
    begun = now()
    for _ in range(count):
        next(batches)
    return float(count * arguments.batch_size / now().since(begun).wall)


def now() -> Seconds:
    """This moment, once a device has done all that it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return Seconds(time.perf_counter(), time.process_time())


def percent_more(ratios: Iterable[float]) -> float:
    """By how many percent the median of ratios is above 1."""
    return 100 * (statistics.median(ratios) - 1)


def summary(measured: dict[str, Measured], arguments: argparse.Namespace) -> dict[str, Any]:
    """What the last line tells."""
    stored, asked = measured["stored"], measured["asked"]
    return {
        "overhead_percent": round(stored.overhead, 2),
        "processor_overhead_percent": round(stored.processor_overhead, 2),
        "images_per_second": round(stored.speed(stored.trainer, arguments), 2),
        "bare_images_per_second": round(stored.speed(stored.bare, arguments), 2),
        "loader_images_per_second": round(stored.loader, 2),
        "asked_overhead_percent": round(asked.overhead, 2),
        "asked_processor_overhead_percent": round(asked.processor_overhead, 2),
        "asked_images_per_second": round(asked.speed(asked.trainer, arguments), 2),
        "asked_bare_images_per_second": round(asked.speed(asked.bare, arguments), 2),
        "asked_loader_images_per_second": round(asked.loader, 2),
        "batch_size": arguments.batch_size,
        "pairs_of_blocks": len(stored.pairs),
        "threads": torch.get_num_threads(),
    }


if __name__ == "__main__":
    main()
