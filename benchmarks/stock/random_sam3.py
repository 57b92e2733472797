"""SAM 3 of ``transformers`` with random weights, of any size, with words of single letters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import transformers

__all__ = ["PUBLISHED", "SMALL", "Sam3Size", "letter_words", "vision_config", "write_random_sam3"]

TEXT_LIMIT = 32


class Sam3Size(NamedTuple):
    """How large a SAM 3 is; layers are those of its text encoder.

    Attributes:
        side: of the square input, pixels.
        patch: side of a patch, pixels.
        vision: width, depth, heads and feed-forward width of the vision backbone.
        window: side of its attention windows, tokens; four blocks attend to all.
        text: width and depth of the text encoder.
        width: of the detector.
        layers: of the detector's encoder and decoder each.
        queries: masks that it can find of a phrase.
    """

    side: int
    patch: int
    vision: tuple[int, int, int, int]
    window: int
    text: tuple[int, int]
    width: int
    layers: int
    queries: int


PUBLISHED = Sam3Size(1008, 14, (1024, 32, 16, 4736), 24, (1024, 24), 256, 6, 200)
"""Meta's, 0.8 billion parameters."""

SMALL = Sam3Size(224, 14, (256, 8, 4, 1184), 8, (64, 2), 64, 2, 50)
"""The same proportion of work between backbone and detector, as far as two cores afford it."""


def vision_config(size: Sam3Size, factors: list[float]) -> Any:
    """Configuration of the vision backbone and its pyramid."""
    width, depth, heads, feed_forward = size.vision
    grid, step = size.side // size.patch, max(2, depth // 4)
    backbone = transformers.Sam3ViTConfig(
        hidden_size=width,
        intermediate_size=feed_forward,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        image_size=size.side,
        patch_size=size.patch,
        window_size=size.window,
        global_attn_indexes=list(range(step - 1, depth, step)),
        pretrain_image_size=size.patch * size.window,
    )
    return transformers.Sam3VisionConfig(
        backbone_config=backbone,
        fpn_hidden_size=size.width,
        backbone_feature_sizes=[[grid * factor] * 2 for factor in (4, 2, 1)],
        scale_factors=factors,
    )


def write_random_sam3(
    folder: Path, size: Sam3Size, change: Callable[[Any], Any] = lambda model: model
) -> Path:
    """Write a checkpoint as ``save_pretrained`` of model and processor leaves it.

    Args:
        folder: where to.
        size: how large.
        change: what is done to the model first.
    """
    narrow = {"hidden_size": size.width, "num_attention_heads": max(2, size.width // 32)}
    layers = {"num_layers": size.layers, "intermediate_size": 8 * size.width, **narrow}
    width, depth = size.text
    text = transformers.CLIPTextConfig(
        vocab_size=64,
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width // 2,
        num_hidden_layers=depth,
        num_attention_heads=max(2, width // 64),
        bos_token_id=0,
        eos_token_id=1,
        max_position_embeddings=TEXT_LIMIT,
    )
    config = transformers.Sam3Config(
        vision_config=vision_config(size, [4.0, 2.0, 1.0, 0.5]),
        text_config=text,
        geometry_encoder_config=transformers.Sam3GeometryEncoderConfig(**layers),
        detr_encoder_config=transformers.Sam3DETREncoderConfig(**layers),
        detr_decoder_config=transformers.Sam3DETRDecoderConfig(num_queries=size.queries, **layers),
        mask_decoder_config=transformers.Sam3MaskDecoderConfig(**narrow),
    )
    change(transformers.Sam3Model(config)).save_pretrained(folder)
    sides = {"height": size.side, "width": size.side}
    images = transformers.Sam3ImageProcessor(size=sides, image_mean=[0.4, 0.5, 0.6])
    transformers.Sam3Processor(images, letter_words()).save_pretrained(folder)
    return folder


def letter_words() -> Any:
    """CLIP's way of making tokens, of single letters."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = [
        *("<|startoftext|>", "<|endoftext|>"),
        *letters,
        *(f"{letter}</w>" for letter in letters),
    ]
    return transformers.CLIPTokenizer(
        vocab={word: number for number, word in enumerate(vocabulary)}, merges=[]
    )
