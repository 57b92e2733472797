from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from goodsam_pl import allocator
from goodsam_pl.cli import main

FAULTS = """
import resource, sys
{begin}
import torch
torch.set_num_threads(1)
for _ in range(20):
    torch.empty(2**24).fill_(0.0)  # 64 MB: the heap grows until it finds room in itself
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.empty(2**24).fill_(1.0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

on_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc")


def page_faults(begin: str, **environment: str) -> int:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(begin=begin)],
        capture_output=True,
        text=True,
        check=True,
        env={**plain, **environment},
    )
    return int(done.stdout)


@on_glibc
def test_memory_is_taken_from_the_system_once() -> None:
    kept = page_faults("from goodsam_pl.allocator import keep_memory; keep_memory()")
    assert 10 * kept < page_faults("")


@on_glibc
def test_a_command_keeps_memory(monkeypatch, capsys) -> None:
    called = []
    monkeypatch.setattr("goodsam_pl.cli.entry.keep_memory", lambda: called.append(True))
    with pytest.raises(SystemExit):
        main(["masks", "info", "nowhere"])
    assert called == [True]
    main(["--version"])
    assert called == [True]  # nothing that needs memory


def test_the_users_own_settings_win(monkeypatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    assert not allocator.keep_memory()


def test_other_c_libraries_are_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not allocator.keep_memory()
