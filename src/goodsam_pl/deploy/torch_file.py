"""Networks as ``torch.export`` programs: one ``.pt2`` file for torch alone, without our code."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from goodsam_pl.deploy.tracing import trace
from goodsam_pl.deploy.uint8_network import Uint8Network
from goodsam_pl.networks import CARD, NetworkCard

__all__ = ["TorchRunner", "torch_program"]


def torch_program(network: Uint8Network, card: NetworkCard) -> bytes:
    """The file, with its card as JSON among its extra files.

    Args:
        network: it gives what its ``output`` says.
        card: of the network.

    Raises:
        ValueError: its graph depends on sizes.
    """
    described = {**card.to_dict(), "output": network.output}
    stream = io.BytesIO()
    extra = {CARD: json.dumps(described, sort_keys=True, ensure_ascii=False)}
    torch.export.save(trace(network), stream, extra_files=extra)
    return stream.getvalue()


class TorchRunner:
    """A program as whoever is given the file runs it.

    Args:
        content: the file, of ours: loading a program of others can execute code.
    """

    def __init__(self, content: bytes) -> None:
        # tracing compares sizes to lay tensors out, and torch would hold later images to what it
        # found for its example; parity at several sizes says that nothing depends on it
        self._module = torch.export.load(io.BytesIO(content)).module(check_guards=False)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """What comes out of RGB ``(B, 3, H, W)`` uint8."""
        with torch.no_grad():
            answer: NDArray[Any] = self._module(torch.from_numpy(images)).numpy()
        return answer
