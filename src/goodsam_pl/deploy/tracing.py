"""One graph for images of any size, which both kinds of exported files are made of."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch.export import Dim, ExportedProgram

from goodsam_pl.deploy.uint8_network import Uint8Network, is_circular, stride_of

__all__ = ["trace"]

_EXAMPLE = (2, 3, 100, 128)
"""Of no side that the graph could take for a constant: 100 is no multiple of any stride, and a
batch of 1 would be taken for always 1."""


def trace(network: Uint8Network) -> ExportedProgram:
    """The graph of a network, batch, height and width left open.

    The width of a circular network is a multiple of its stride, as it is for the network itself.

    Raises:
        ValueError: the network decides by sizes or values what it computes.
    """
    width: Any = Dim.DYNAMIC
    if is_circular(network):
        # torch names dimensions by what Python could call a variable
        width = stride_of(network) * Dim("strides")
    shapes: Mapping[str, Any] = {"images": {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: width}}
    example = torch.zeros(_EXAMPLE, dtype=torch.uint8)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what torch will change in itself
            return torch.export.export(
                network.eval(), (example,), dynamic_shapes=shapes, strict=False
            )
    except Exception as error:  # torch's own share no base
        raise ValueError(
            f"{type(network.network).__name__} cannot be exported as a graph for images of any "
            f"size ({str(error).strip().partition(chr(10))[0]}): export it as safetensors"
        ) from error
