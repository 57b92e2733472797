"""A task under Lightning: it learns, is chosen by its validation images, and resumes exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from goodsam_pl.modules.continual import (
    AdapterRecipe,
    ContinualSAM,
    ContinualTask,
    ExperienceReplay,
    MaskPoints,
    MixtureOfAdapters,
    PooledQuery,
    PromptedBatch,
    ZeroShot,
    as_prompted,
)
from goodsam_pl.modules.continual.prompted_batch import draw_masks
from goodsam_pl.networks import read_checkpoint
from goodsam_pl.sam.frozen_sam import FrozenSam

BatchOf = Callable[..., PromptedBatch]


def trainer(folder: Path, epochs: int) -> Trainer:
    return Trainer(
        default_root_dir=folder,
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


def loader(*batches: PromptedBatch) -> DataLoader[PromptedBatch]:
    return DataLoader(list(batches), batch_size=None)  # type: ignore[arg-type]


def begun(sam: FrozenSam, batch_of: BatchOf) -> ContinualSAM:
    """The second task of a replay, so that steps draw points and kept images."""
    method = ExperienceReplay(sam, AdapterRecipe("low_rank"), MaskPoints(64))
    kept = [batch_of(3, -1.0, seed=5), batch_of(3, 1.0, seed=5)]
    method.begin_task(ContinualTask("dark", [], kept[:1]))
    method.begin_task(ContinualTask("bright", [], kept))
    return ContinualSAM(method, learning_rate=0.01, decay_epochs=1)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_stopped_and_gone_on_it_is_the_same_to_the_bit(
    sam: FrozenSam, batch_of: BatchOf, tmp_path: Path
) -> None:
    batches = loader(batch_of(2, 1.0), batch_of(2, 1.0, seed=2))
    whole = begun(sam, batch_of)
    trainer(tmp_path, 2).fit(whole, batches)

    half, first = begun(sam, batch_of), trainer(tmp_path, 1)
    first.fit(half, batches)
    first.save_checkpoint(tmp_path / "half.ckpt")
    content = read_checkpoint(tmp_path / "half.ckpt")
    remembered = content["state_dict"]["method._extra_state"]
    assert remembered == {
        "tasks": ["dark", "bright"],
        "sam": "stock",
        "fingerprint": sam.fingerprint,
    }
    assert not any("sam." in name for name in content["state_dict"])

    rest, second = begun(sam, batch_of), trainer(tmp_path, 2)
    second.fit(rest, batches, ckpt_path=tmp_path / "half.ckpt")
    expected = whole.method.state_dict()
    for name, value in rest.method.state_dict().items():
        assert value == expected[name] if isinstance(value, dict) else value.equal(expected[name])
    moved = [not value.equal(expected[name]) for name, value in half.method.learned().items()]
    assert any(moved)
    assert second.optimizers[0].param_groups[0]["lr"] == pytest.approx(1e-4)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_epoch_is_chosen_by_iou_of_the_current_adapter(
    sam: FrozenSam, batch_of: BatchOf, tmp_path: Path
) -> None:
    method = MixtureOfAdapters(sam, query=PooledQuery(sam.shape), points=MaskPoints(64))
    method.begin_task(ContinualTask("grey", [], []))
    batch = batch_of(3)
    run = trainer(tmp_path, 1)
    found = run.validate(ContinualSAM(method), loader(batch), verbose=False)
    assert batch.masks is not None
    drawn = torch.nn.functional.interpolate(draw_masks(None, sam, batch), (64, 64), mode="bilinear")
    both = ((drawn[:, 0] > 0) & batch.masks).sum((1, 2)) / ((drawn[:, 0] > 0) | batch.masks).sum(
        (1, 2)
    )
    assert found[0]["val/iou"] == pytest.approx(both.mean().item(), abs=1e-6)


def test_batches_of_a_data_module_are_taken(batch_of: BatchOf) -> None:
    class Loaded(NamedTuple):
        image: Tensor
        mask: Tensor
        prompts: list[tuple[str, Tensor, Tensor]]

    boxes = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    images, masks = torch.zeros(1, 3, 64, 64), torch.ones(1, 64, 64, dtype=torch.bool)
    taken = as_prompted(Loaded(images, masks, [("box", torch.tensor([0]), boxes)]))
    assert taken.asked[0].prompts.boxes is boxes
    assert taken.masks is masks
    batch = batch_of(1)
    assert as_prompted(batch) is batch


def test_what_learns_nothing_is_not_trained(sam: FrozenSam) -> None:
    with pytest.raises(ValueError, match="ZeroShot has nothing to learn"):
        ContinualSAM(ZeroShot(sam)).configure_optimizers()
