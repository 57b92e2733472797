"""Read an offline W&B run back: its log is a leveldb log of protobuf records."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

BLOCK, FILE_HEADER, RECORD_HEADER = 32768, 7, 7
FULL, LAST = 1, 4


def history(log: Path) -> list[dict[str, Any]]:
    """What was logged, step by step.

    Args:
        log: the file ``run-<id>.wandb``.
    """
    steps = []
    for content in _records(log.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(content)
        if record.HasField("history"):
            items = record.history.item
            steps.append({i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items})
    return steps


def history_with(log: Path, end: str, count: int = 1, patience: float = 60) -> list[dict[str, Any]]:
    """The steps with a key that ends so, once there are enough of them.

    W&B writes from a process of its own, and goes on for a moment when a run is said to be over.

    Args:
        log: as above.
        end: of a key.
        count: how many are waited for.
        patience: seconds until the answer is what there is.
    """
    until = time.monotonic() + patience
    while True:
        found = [step for step in history(log) if any(key.endswith(end) for key in step)]
        if len(found) >= count or time.monotonic() > until:
            return found
        time.sleep(0.2)


def _records(data: bytes) -> Iterator[bytes]:
    assert data[:4] == b":W&B"
    position, parts = FILE_HEADER, b""
    while position + RECORD_HEADER <= len(data):
        if BLOCK - position % BLOCK < RECORD_HEADER:
            position += BLOCK - position % BLOCK
            continue
        length = int.from_bytes(data[position + 4 : position + 6], "little")
        kind = data[position + 6]
        position += RECORD_HEADER
        parts += data[position : position + length]
        position += length
        if kind in {FULL, LAST}:
            yield parts
            parts = b""
