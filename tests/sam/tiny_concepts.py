"""Random checkpoints of models that are asked by words, with words of their own.

Imports ``transformers``: import it only where that is there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))
from tiny_transformers import MASK_DECODER, PROMPTS, SIDE, TINY_SAM3, WIDTH, spread

from stock.random_sam3 import vision_config, write_random_sam3

WORDS = ("person", "car", "traffic", "sign", "light", "road", "pole", "rider", "on", "a", "bike")
CAPTION_LIMIT = 20


def write_sam3(folder: Path) -> Path:
    """SAM 3 of 64×64 pixels, with masks of 32×32 and 20 queries."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return write_random_sam3(folder, TINY_SAM3, spread)


def write_sam3_video(folder: Path) -> tuple[Path, dict[str, Tensor]]:
    """As SAM 3 is published: a detector and a tracker on one backbone, and their weights by name.

    ``save_pretrained`` would write the tracker's names twice over.
    """
    parts: list[Any] = []

    def keep(model: Any) -> Any:
        parts.append(model.config)
        return model

    write_random_sam3(folder, TINY_SAM3, keep)
    narrow = dict.fromkeys(
        (
            "memory_attention_hidden_size",
            "memory_attention_feed_forward_hidden_size",
            "memory_encoder_hidden_size",
            "mask_downsampler_embed_dim",
            "memory_fuser_embed_dim",
            "memory_fuser_intermediate_dim",
        ),
        WIDTH,
    )
    tracker = transformers.Sam3TrackerVideoConfig(
        vision_config=vision_config(TINY_SAM3, [4.0, 2.0, 1.0]),
        prompt_encoder_config=PROMPTS | {"patch_size": 8},
        mask_decoder_config=MASK_DECODER,
        image_size=SIDE,
        memory_attention_num_layers=1,
        memory_encoder_output_channels=8,
        **narrow,
    )
    config = transformers.Sam3VideoConfig(detector_config=parts[0], tracker_config=tracker)
    weights = spread(transformers.Sam3VideoModel(config)).state_dict()
    config.save_pretrained(folder)
    save_file(
        {name: tensor.contiguous() for name, tensor in weights.items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    return folder, weights


def write_grounding_dino(folder: Path) -> Path:
    """Grounding DINO with a Swin of 8 channels, 30 queries and captions of 20 tokens."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = tiny_grounding_dino()
    model.save_pretrained(folder)
    images = transformers.GroundingDinoImageProcessor(
        size={"shortest_edge": 128, "longest_edge": 192}
    )
    transformers.GroundingDinoProcessor(images, bert_words()).save_pretrained(folder)
    return folder


def tiny_grounding_dino() -> Any:
    backbone = transformers.SwinConfig(
        image_size=64,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        out_indices=[2, 3, 4],
    )
    text = transformers.BertConfig(
        vocab_size=1040,
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
    )
    config = transformers.GroundingDinoConfig(
        backbone_config=backbone,
        text_config=text,
        num_queries=30,
        d_model=WIDTH,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_text_len=CAPTION_LIMIT,
    )
    # with this seed, queries like all phrases, and some like what stands between them
    return spread(transformers.GroundingDinoForObjectDetection(config), seed=4)


def bert_words() -> Any:
    """BERT's way of making tokens; those that part phrases have their own numbers in BERT."""
    fixed = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
    fixed |= {".": 1012, "?": 1029} | {word: 200 + place for place, word in enumerate(WORDS)}
    taken = set(fixed.values())
    unused = {f"[unused{number}]": number for number in range(1040) if number not in taken}
    return transformers.BertTokenizer(vocab=fixed | unused)
