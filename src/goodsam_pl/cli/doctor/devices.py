"""What torch can compute on here."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

from goodsam_pl.cli.doctor.findings import Finding, Section

__all__ = ["devices"]

_BF16_SINCE = 8
"""Compute capability from which on bfloat16 is in the hardware: Ampere."""


def devices() -> Section:
    """Threads of the processor, CUDA cards, Apple's GPU."""
    try:
        import torch  # noqa: PLC0415  # seconds; and it may be what is broken
    except (ImportError, OSError) as error:
        broken = Finding(
            f"torch cannot be imported: {error}",
            f"{sys.executable} -m pip install --force-reinstall torch torchvision",
        )
        return Section("devices", {"torch": "cannot be imported"}, {}, [broken])
    cards = [_card(torch, index) for index in range(torch.cuda.device_count())]
    findings = []
    if not cards and shutil.which("nvidia-smi"):
        built = torch.version.cuda
        findings.append(
            Finding(
                f"there is an NVIDIA driver, but torch sees no card (built for CUDA {built})"
                if built
                else "there is an NVIDIA driver, but this torch was built without CUDA",
                "`nvidia-smi` says whether the driver works; https://pytorch.org/get-started has "
                "the command for its version of CUDA",
                is_broken=False,
            )
        )
    mps = bool(torch.backends.mps.is_available())
    threads, cores = torch.get_num_threads(), os.cpu_count()
    rows = {"CPU": f"{threads} threads of torch, {cores} processors"}
    for card in cards:
        bf16 = "bf16" if card["bf16"] else "no bf16: --trainer.precision 16-mixed, not bf16-mixed"
        rows[f"cuda:{card['index']}"] = f"{card['name']}, {card['bytes'] / 2**30:.0f} GiB, {bf16}"
    rows |= {} if cards else {"CUDA": "none"}
    rows["MPS"] = "there" if mps else "none"
    content = {"threads": threads, "processors": cores, "cuda": cards, "mps": mps}
    return Section("devices", rows, content, findings)


def _card(torch: Any, index: int) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(index)
    return {
        "index": index,
        "name": properties.name,
        "bytes": properties.total_memory,
        "bf16": properties.major >= _BF16_SINCE,
    }
