"""Read the pictures of an events file of TensorBoard back: a log of protobuf records."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from tensorboardX.proto.event_pb2 import Event

LENGTH, CHECK = 8, 4


def pictures(events: Path) -> dict[tuple[str, int], npt.NDArray[np.uint8]]:
    """What was drawn, by tag and step.

    Args:
        events: the file ``events.out.tfevents.…``.
    """
    content, position, found = events.read_bytes(), 0, {}
    while position < len(content):
        start = position + LENGTH + CHECK
        length = int.from_bytes(content[position : position + LENGTH], "little")
        event = Event.FromString(content[start : start + length])
        position = start + length + CHECK
        for value in event.summary.value:
            if value.HasField("image"):
                picture = Image.open(io.BytesIO(value.image.encoded_image_string))
                found[value.tag, event.step] = np.asarray(picture.convert("RGB"))
    return found
