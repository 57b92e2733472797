from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from goodsam_pl.data import ExactDistributedSampler

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm_start

PROGRAM = Path(__file__).parent / "evaluate_processes.py"


@pytest.mark.parametrize("batch_size", [1, 2, 4])
@pytest.mark.parametrize(("length", "processes"), [(5, 1), (5, 2), (9, 3), (103, 4), (16, 4)])
def test_every_sample_is_given_out_once_and_batches_stay_together(length, processes, batch_size):
    dataset = TensorDataset(torch.arange(length))
    alone = [batch.tolist() for [batch] in DataLoader(dataset, batch_size)]
    dealt = []
    for rank in range(processes):
        sampler = ExactDistributedSampler(dataset, processes, rank, batch_size)
        loader = DataLoader(dataset, batch_size, sampler=sampler)
        dealt.append([batch.tolist() for [batch] in loader])
        assert len(sampler) == sum(map(len, dealt[-1]))
    assert sorted(batch for share in dealt for batch in share) == alone
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


def test_fewer_batches_than_processes_are_refused():
    dataset = TensorDataset(torch.zeros(5))
    with pytest.raises(
        ValueError, match=r"5 images in batches of 4 cannot be shared among 3 .*devices .* most 2"
    ):
        ExactDistributedSampler(dataset, 3, 0, batch_size=4)


def reports(folder: Path, what: str, processes: int) -> list[dict]:
    return [
        json.loads((folder / f"{what}-{processes}-{rank}.json").read_text())
        for rank in range(processes)
    ]


@pytest.mark.slow
def test_scores_are_equal_to_the_last_bit_on_1_2_and_3_processes(densepass_root, tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    command = [sys.executable, str(PROGRAM), str(densepass_root), str(folder)]
    # a lost collective would hang; the time limit turns that into a failure
    finished = warm_start.run(command, timeout=180)
    assert finished.returncode == 0, finished.stderr

    expected = [f"cs/{index}_" for index in range(5)]
    for what in ("fit", "test", "predict"):
        [alone] = reports(folder, what, 1)
        assert alone["names"] == expected
        for processes in (2, 3):
            together = reports(folder, what, processes)
            shares = [report["names"] for report in together]
            assert sorted(name for share in shares for name in share) == expected
            assert len({len(share) for share in shares}) == 2
            if what != "predict":
                assert sum(map(sum, alone["confusion"])) == 5 * 24 * 128
                assert all(report["confusion"] == alone["confusion"] for report in together)


def test_in_prediction_processes_may_come_away_empty():
    dataset = TensorDataset(torch.zeros(5))
    dealt = [
        list(ExactDistributedSampler(dataset, 3, rank, 4, allow_idle=True)) for rank in range(3)
    ]
    assert dealt == [[0, 1, 2, 3], [4], []]
