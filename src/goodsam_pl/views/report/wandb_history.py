"""Reading the file that Weights & Biases leaves on disk: what a run logged, step by step.

The file is a leveldb log: blocks of 32 KiB with records that may go on in the next block; each
record is a protobuf message of W&B's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

from goodsam_pl.files import read_regular

__all__ = ["wandb_history", "wandb_steps"]

_MAGIC = b":W&B"
_BLOCK, _FILE_HEADER, _RECORD_HEADER = 32768, 7, 7
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def wandb_history(log: Path) -> Iterator[dict[str, float]]:
    """The numbers that were logged together, in order; pictures and tables are left out.

    Args:
        log: see :func:`wandb_steps`.

    Raises:
        ValueError: likewise.
    """
    for step in wandb_steps(log):
        yield {key: float(each) for key, each in step.items() if isinstance(each, (int, float))}


def wandb_steps(log: Path) -> Iterator[dict[str, Any]]:
    """What was logged together, in order, as it stands there: of pictures and tables their files.

    A file that is still written to, or was cut off, ends with its last whole record.

    Args:
        log: ``run-<id>.wandb``.

    Raises:
        ValueError: it is no such file, or damaged in its middle.
    """
    content = read_regular(log)
    if content[:4] != _MAGIC:
        raise ValueError(f"{log} is no log of Weights & Biases: remove it, or name another run")
    for message in _messages(content):
        record = wandb_internal_pb2.Record()
        try:
            record.ParseFromString(message)
            if record.HasField("history"):
                yield {
                    item.key or "/".join(item.nested_key): json.loads(item.value_json)
                    for item in record.history.item
                }
        except ValueError as error:  # DecodeError is one, and so is what json raises
            raise ValueError(f"{log} is damaged ({error}): remove it, the scores stay") from error


def _messages(content: bytes) -> Iterator[bytes]:
    position, parts = _FILE_HEADER, b""
    while position + _RECORD_HEADER <= len(content):
        left = _BLOCK - position % _BLOCK
        if left < _RECORD_HEADER:  # too short for a header: padding
            position += left
            continue
        length = int.from_bytes(content[position + 4 : position + 6], "little")
        kind = content[position + 6]
        position += _RECORD_HEADER
        if kind not in {_WHOLE, _FIRST, _MIDDLE, _LAST} or position + length > len(content):
            return  # cut off
        parts += content[position : position + length]
        position += length
        if kind in {_WHOLE, _LAST}:
            yield parts
            parts = b""
