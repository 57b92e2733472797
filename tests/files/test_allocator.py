from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from goodsam_pl.cli import main
from goodsam_pl.files import allocator

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
    kept = page_faults("from goodsam_pl.files.allocator import keep_memory; keep_memory()")
    given = page_faults(
        "", MALLOC_MMAP_THRESHOLD_="4294967296", MALLOC_TRIM_THRESHOLD_="4294967296"
    )
    assert 10 * kept < page_faults("")
    assert kept <= given + 10  # as good as the environment, which glibc reads at the start


@on_glibc
def test_a_command_keeps_memory(monkeypatch, capsys) -> None:
    called = []
    monkeypatch.setattr("goodsam_pl.cli.entry.keep_memory", lambda: called.append(True))
    with pytest.raises(SystemExit):
        main(["masks", "info", "nowhere"])
    assert called == [True]
    main(["--version"])
    assert called == [True]  # nothing that needs memory


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALLOC_TRIM_THRESHOLD_", "1000000"),
        ("MALLOC_ARENA_MAX", "1"),
        ("GLIBC_TUNABLES", "glibc.malloc.mmap_max=9"),
    ],
)
def test_the_users_own_settings_win(name, value, monkeypatch) -> None:
    monkeypatch.setenv(name, value)
    assert not allocator.keep_memory()


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_are_left_alone(system, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert not allocator.keep_memory()


def test_other_c_libraries_are_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert not allocator.keep_memory()
