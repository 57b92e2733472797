"""The mask-generation pipeline of Hugging Face ``transformers`` with the weights of Meta's SAM."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from goodsam_pl.masks import WindowMasks
from goodsam_pl.sam import SegmentAnything

__all__ = ["make_pipeline", "meta_name", "why_not"]

# of the encoders; all else is the same in the three models
_SIZES = {"vit_b": (768, 12, 12), "vit_l": (1024, 24, 16), "vit_h": (1280, 32, 16)}
_GLOBAL = {"vit_b": (2, 5, 8, 11), "vit_l": (5, 11, 17, 23), "vit_h": (7, 15, 23, 31)}

# from names in transformers to Meta's, one after the other
_NAMES = (
    (r"^vision_encoder\.layers", "image_encoder.blocks"),
    (r"^vision_encoder", "image_encoder"),
    (r"^shared_image_embedding\.positional_embedding", "prompt_encoder.shared_embedding.same"),
    (
        r"shared_embedding\.(positional_embedding|same)",
        "pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"patch_embed\.projection", "patch_embed.proj"),
    (r"neck\.conv1", "neck.0"),
    (r"neck\.layer_norm1", "neck.1"),
    (r"neck\.conv2", "neck.2"),
    (r"neck\.layer_norm2", "neck.3"),
    (r"mask_embed\.conv1", "mask_downscaling.0"),
    (r"mask_embed\.layer_norm1", "mask_downscaling.1"),
    (r"mask_embed\.conv2", "mask_downscaling.3"),
    (r"mask_embed\.layer_norm2", "mask_downscaling.4"),
    (r"mask_embed\.conv3", "mask_downscaling.6"),
    (r"\.point_embed\.", ".point_embeddings."),
    (r"upscale_conv1", "output_upscaling.0"),
    (r"upscale_layer_norm", "output_upscaling.1"),
    (r"upscale_conv2", "output_upscaling.3"),
    (r"layer_norm_final_attn", "norm_final_attn"),
    (r"layer_norm(\d)", r"norm\1"),
    (r"(iou_prediction_head|mlps\.\d)\.layers\.0", r"\1.layers.1"),
    (r"(iou_prediction_head|mlps\.\d)\.proj_in", r"\1.layers.0"),
    (r"(iou_prediction_head|mlps\.\d)\.proj_out", r"\1.layers.2"),
)


def why_not(model: str) -> str | None:
    """Why the pipeline cannot be measured with a model; ``None`` if it can."""
    if find_spec("transformers") is None:
        return "transformers is not installed"
    if model not in _SIZES:
        return f"transformers has no encoder like that of {model}"
    return None


def make_pipeline(proposer: SegmentAnything, device: str) -> Callable[[Tensor], list[WindowMasks]]:
    """What finds the masks of windows ``(N, 3, h, w)`` uint8, with a proposer's parameters.

    Args:
        proposer: whose weights are taken over.
        device: where to run.
    """
    from transformers import (  # noqa: PLC0415  # an extra
        SamConfig,
        SamImageProcessor,
        SamModel,
        pipeline,
    )

    width, depth, heads = _SIZES[proposer.model]
    vision = {
        "hidden_size": width,
        "num_hidden_layers": depth,
        "num_attention_heads": heads,
        "global_attn_indexes": list(_GLOBAL[proposer.model]),
    }
    network = SamModel(SamConfig(vision_config=vision)).eval()
    weights = proposer._sam.state_dict()  # noqa: SLF001  # the very same
    network.load_state_dict({name: weights[meta_name(name)] for name in network.state_dict()})
    generator: Any = pipeline(
        "mask-generation", model=network, image_processor=SamImageProcessor(), device=device
    )
    parameters = {
        "points_per_crop": proposer.points_per_side,
        "pred_iou_thresh": proposer.predicted_iou_threshold,
        "stability_score_thresh": proposer.stability_threshold,
        "stability_score_offset": proposer.stability_offset,
        "crops_nms_thresh": proposer.box_nms_threshold,
    }

    def generate(windows: Tensor) -> list[WindowMasks]:
        pictures = [Image.fromarray(each.permute(1, 2, 0).numpy()) for each in windows]
        return [_pack(generator(each, **parameters), each.size[::-1]) for each in pictures]

    return generate


def meta_name(name: str) -> str:
    """A parameter's name in Meta's SAM, from that in ``SamModel``."""
    for pattern, replacement in _NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _pack(found: dict[str, Any], size: tuple[int, int]) -> WindowMasks:
    if len(found["masks"]) == 0:
        return WindowMasks.none(size)
    binary = torch.from_numpy(np.stack([np.asarray(mask) for mask in found["masks"]]))
    scores = torch.as_tensor(found["scores"]).float().cpu()
    return WindowMasks.pack(binary.bool(), scores, torch.ones_like(scores))
