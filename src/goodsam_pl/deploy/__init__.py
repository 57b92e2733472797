"""Students elsewhere: ONNX, 8 bits, torch programs, hub folders, each held against the network."""

from __future__ import annotations

from goodsam_pl.deploy.deployment import Deployment
from goodsam_pl.deploy.onnx_file import OnnxRunner, onnx_model
from goodsam_pl.deploy.uint8_network import Uint8Network

__all__ = ["Deployment", "OnnxRunner", "Uint8Network", "onnx_model"]
