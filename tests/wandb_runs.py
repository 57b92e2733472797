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
    return [
        {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in record.history.item}
        for record in records(log)
        if record.HasField("history")
    ]


def config(log: Path) -> dict[str, Any]:
    """The configuration that a run was given, from its start on."""
    told: dict[str, Any] = {}
    for record in records(log):
        parts = [record.run.config] if record.HasField("run") else []
        parts += [record.config] if record.HasField("config") else []
        for part in parts:
            told |= {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in part.update}
    return told


def summaries(log: Path) -> dict[str, set[str]]:
    """The summaries that were defined, by the name or pattern of a metric."""
    kinds = ("min", "max", "mean", "last", "best", "none")
    return {
        record.metric.name or record.metric.glob_name: {
            kind for kind in kinds if getattr(record.metric.summary, kind)
        }
        for record in records(log)
        if record.HasField("metric")
    }


def run(log: Path) -> Any:
    """The record of a run itself: ``run_group``, ``job_type``, ``display_name``."""
    return next(record.run for record in records(log) if record.HasField("run"))


def records(log: Path) -> Iterator[Any]:
    """All that was written, in order."""
    for content in _records(log.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(content)
        yield record


def history_with(
    log: Path, end: str, count: int = 1, patience: float = 60, start: str = ""
) -> list[dict[str, Any]]:
    """The steps with a key that ends so, once there are enough of them.

    W&B writes from a process of its own, and goes on for a moment when a run is said to be over.

    Args:
        log: as above.
        end: of a key.
        count: how many are waited for.
        patience: seconds until the answer is what there is.
        start: of the same key.
    """
    until = time.monotonic() + patience
    while True:
        found = [
            step
            for step in history(log)
            if any(key.startswith(start) and key.endswith(end) for key in step)
        ]
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
        if position + length > len(data):
            return  # it is being written
        parts += data[position : position + length]
        position += length
        if kind in {FULL, LAST}:
            yield parts
            parts = b""
