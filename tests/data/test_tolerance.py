"""Broken files travel in their batch as reasons, and whole ones as samples."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from goodsam_pl.data.batch import SourceSample, collate_sources
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.tolerance import TolerantCollate, TolerantDataset, Unreadable

ENTRIES = [Entry(Path(f"{name}.png"), None, None, name) for name in "abcd"]


def sample(name, value=0.0):
    return SourceSample(torch.full((3, 2, 2), value), torch.zeros(2, 2, dtype=torch.int64), name)


class Samples:
    """Every second file is broken, each in its way."""

    errors = (None, ValueError("b.png: cut off"), None, PermissionError("d.png: not yours"))

    def __getitem__(self, index):
        error = self.errors[index]
        if error is not None:
            raise error
        return sample(ENTRIES[index].name, float(index))


def test_chosen_places_give_samples_or_reasons():
    chosen = TolerantDataset(Samples(), ENTRIES, [3, 2, 1])
    assert len(chosen) == 3
    assert chosen[0] == Unreadable(Path("d.png"), "d.png: not yours")
    assert (chosen[1].name, float(chosen[1].image.mean())) == ("c", 2.0)
    assert chosen[2] == Unreadable(Path("b.png"), "b.png: cut off")


def test_faults_of_the_program_are_not_taken_for_broken_files(monkeypatch):
    monkeypatch.setattr(Samples, "errors", (TypeError("a fault"),))
    with pytest.raises(TypeError, match="a fault"):
        TolerantDataset(Samples(), ENTRIES, [0])[0]


@pytest.fixture
def collate():
    return TolerantCollate(collate_sources, sample(""))


def test_reasons_go_beside_the_samples(collate):
    batch = collate([*TolerantDataset(Samples(), ENTRIES, range(4))])
    assert batch.names == ["a", "c"]
    assert batch.image[:, 0, 0, 0].tolist() == [0.0, 2.0]
    assert batch.unreadable == {
        Path("b.png"): "b.png: cut off",
        Path("d.png"): "d.png: not yours",
    }


def test_a_batch_of_broken_files_holds_the_blank(collate):
    batch = collate([Unreadable(Path("b.png"), "cut off")])
    assert batch.names == [""]
    assert batch.image.shape == (1, 3, 2, 2)
    assert batch.unreadable == {Path("b.png"): "cut off"}
    assert collate([sample("a")]).unreadable == {}
