from __future__ import annotations

import pytest
import torch
from torch.utils.data import Dataset

from goodsam_pl.data.resuming import Position, ReplayableDataset, ResumableLoader, ShuffledSampler
from goodsam_pl.data.side_by_side import SideLoader, SidePosition, Stream
from goodsam_pl.data.transforms import draw_generator


class Numbers(Dataset):
    """Its samples are their index and a number of their visit."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple[int, float]:
        return index, float(draw_generator(index).random())


def _loader(done: list[int], name: str = "a", rank: int = 0, epoch: int = 0) -> SideLoader:
    samples = ReplayableDataset(Numbers(), draw_generator)
    loader = ResumableLoader(
        samples,
        batch_size=2,
        drop_last=True,
        sampler=ShuffledSampler(samples),
        position=SidePosition(lambda: done[0]),
        collate_fn=lambda batch: batch,
    )
    return SideLoader(loader, lambda: Stream(7, name, rank, epoch))


def test_what_lies_around_neither_changes_a_pass_nor_is_changed() -> None:
    torch.manual_seed(0)
    alone = [*_loader([0])]
    assert len(alone) == len(_loader([0])) == 2
    torch.manual_seed(1)
    drawn, batches = [], []
    for batch in _loader([0]):
        batches.append(batch)
        drawn.append(float(torch.rand(())))
    assert batches == alone
    torch.manual_seed(1)
    assert drawn == [float(torch.rand(())) for _ in drawn]


def test_a_pass_that_was_seen_in_part_goes_on() -> None:
    assert [*_loader([1])] == [*_loader([0])][1:]
    # the second pass of an epoch, of which one batch was seen
    assert [*_loader([3])] == [*_loader([2])][1:]


@pytest.mark.parametrize("other", [{"name": "b"}, {"rank": 1}, {"epoch": 1}, {"done": [2]}])
def test_loaders_processes_epochs_and_passes_differ(other) -> None:
    assert [*_loader(**{"done": [0]} | other)] != [*_loader([0])]


def test_another_position_is_refused() -> None:
    loader = ResumableLoader(Numbers(), position=Position(lambda: 0))
    with pytest.raises(TypeError, match="SidePosition"):
        SideLoader(loader, lambda: Stream(0, "a", 0, 0))
