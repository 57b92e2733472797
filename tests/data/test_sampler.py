from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import TensorDataset

from goodsam_pl.data import ExactDistributedSampler

PROGRAM = Path(__file__).parent / "evaluate_processes.py"


@pytest.mark.parametrize(("length", "processes"), [(5, 1), (5, 2), (5, 3), (103, 4), (4, 4)])
def test_every_sample_is_given_out_exactly_once(length, processes):
    dataset = TensorDataset(torch.zeros(length))
    shares = [list(ExactDistributedSampler(dataset, processes, rank)) for rank in range(processes)]
    assert sorted(index for share in shares for index in share) == list(range(length))
    assert [len(share) for share in shares] == [
        len(ExactDistributedSampler(dataset, processes, rank)) for rank in range(processes)
    ]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_fewer_samples_than_processes_are_refused():
    with pytest.raises(
        ValueError, match=r"2 images cannot be shared among 3 .*devices to at most 2"
    ):
        ExactDistributedSampler(TensorDataset(torch.zeros(2)), 3, 0)


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
    finished = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert finished.returncode == 0, finished.stderr

    expected = [f"cs/{index}_" for index in range(5)]
    for what in ("fit", "test", "predict"):
        [alone] = reports(folder, what, 1)
        assert alone["names"] == expected
        for processes in (2, 3):
            together = reports(folder, what, processes)
            assert [report["names"] for report in together] == [
                expected[rank::processes] for rank in range(processes)
            ]
            if what != "predict":
                assert sum(map(sum, alone["confusion"])) == 5 * 24 * 128
                assert all(report["confusion"] == alone["confusion"] for report in together)
