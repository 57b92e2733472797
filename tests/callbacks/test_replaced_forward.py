"""A model looks in another way while it is evaluated, and as before in the end."""

from __future__ import annotations

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from goodsam_pl.callbacks.replaced_forward import ReplacedForward
from goodsam_pl.data import PanoramaBatch, SourceBatch


class Adding(ReplacedForward):
    """Adds a number to what the model says."""

    def __init__(self, number: float) -> None:
        self.number = number
        self.sizes: list[tuple[int, ...]] = []

    def begin(self, trainer: Trainer, module: LightningModule) -> None:
        plain = module.forward
        module.forward = lambda images: plain(images) + self.number  # type: ignore[method-assign]

    def look_at(self, batch: PanoramaBatch | SourceBatch) -> None:
        self.sizes.append(tuple(batch.image.shape))


class Model(LightningModule):
    """Says the mean of an image, and remembers what it said."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.fails = fails
        self.said: dict[str, list[float]] = {"fit": [], "validate": [], "test": [], "predict": []}

    def forward(self, images: Tensor) -> Tensor:
        return self.weight * images.mean()

    def _say(self, batch: SourceBatch) -> Tensor:
        if self.fails:
            raise ZeroDivisionError
        said: Tensor = self(batch.image)
        self.said[self.trainer.state.fn.value].append(said.item())
        return said

    def training_step(self, batch: SourceBatch, batch_idx: int) -> Tensor:
        return self._say(batch)

    def validation_step(self, batch: SourceBatch, batch_idx: int) -> None:
        self._say(batch)

    def test_step(self, batch: SourceBatch, batch_idx: int) -> None:
        self._say(batch)

    def predict_step(self, batch: SourceBatch, batch_idx: int) -> Tensor:
        return self._say(batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def images() -> torch.utils.data.DataLoader[object]:
    batch = SourceBatch(image=torch.ones(1, 3, 4, 8), label=None, names=["a"])
    return torch.utils.data.DataLoader([batch], batch_size=None, collate_fn=lambda each: each)


def trainer(*callbacks: ReplacedForward) -> Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return Trainer(
        max_steps=1, accelerator="cpu", callbacks=list(callbacks), enable_checkpointing=False,
        **quiet,  # type: ignore[arg-type]
    )  # fmt: skip


def test_one_lies_around_the_other_while_evaluating_and_none_while_training() -> None:
    model, first, second = Model(), Adding(1.0), Adding(2.0)
    trainer(first, second).fit(model, images(), images())
    assert set(model.said["fit"]) == {1.0}  # training, and the validation of a training
    for verb in ("validate", "test", "predict"):
        getattr(trainer(first, second), verb)(model, images())
        assert model.said[verb] == [4.0], verb
        assert "forward" not in vars(model)
    assert set(first.sizes) == {(1, 3, 4, 8)}


@pytest.mark.parametrize("verb", ["validate", "test", "predict"])
def test_an_error_leaves_the_model_as_it_was(verb: str) -> None:
    model = Model(fails=True)
    with pytest.raises(ZeroDivisionError):
        getattr(trainer(Adding(1.0)), verb)(model, images())
    assert "forward" not in vars(model)
