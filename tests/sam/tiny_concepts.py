"""Random checkpoints of models that are asked by words, with words of their own.

Imports ``transformers``: import it only where that is there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
import transformers

sys.path.insert(0, str(Path(__file__).parent))
from tiny_transformers import SIDE, WIDTH, sam3_vision, spread

WORDS = ("person", "car", "traffic", "sign", "light", "road", "pole", "rider", "on", "a", "bike")
TEXT_LIMIT = 32
CAPTION_LIMIT = 24


def write_sam3(folder: Path) -> Path:
    """SAM 3 of 64×64 pixels, with masks of 32×32 and 20 queries."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = tiny_sam3()
    model.save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    images = transformers.Sam3ImageProcessor(size=size, image_mean=[0.4, 0.5, 0.6])
    transformers.Sam3Processor(images, clip_words()).save_pretrained(folder)
    return folder


def tiny_sam3() -> Any:
    narrow = {"hidden_size": WIDTH, "num_attention_heads": 2}
    layers = narrow | {"num_layers": 1, "intermediate_size": 64}
    text = {
        **{"vocab_size": 64, "hidden_size": WIDTH, "intermediate_size": 64, "projection_dim": 16},
        **{"num_hidden_layers": 1, "num_attention_heads": 2, "eos_token_id": 1, "bos_token_id": 0},
        "max_position_embeddings": TEXT_LIMIT,
    }
    config = transformers.Sam3Config(
        vision_config=sam3_vision([[32, 32], [16, 16], [8, 8]], [4.0, 2.0, 1.0, 0.5]),
        text_config=transformers.CLIPTextConfig(**text),
        geometry_encoder_config=transformers.Sam3GeometryEncoderConfig(**layers),
        detr_encoder_config=transformers.Sam3DETREncoderConfig(**layers),
        detr_decoder_config=transformers.Sam3DETRDecoderConfig(**layers, num_queries=20),
        mask_decoder_config=transformers.Sam3MaskDecoderConfig(**narrow),
    )
    return spread(transformers.Sam3Model(config))


def clip_words() -> Any:
    """CLIP's way of making tokens, with whole words and single letters."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    special = ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = special + list(letters) + [f"{letter}</w>" for letter in letters]
    return transformers.CLIPTokenizer(
        vocab={word: number for number, word in enumerate(vocabulary)}, merges=[]
    )


def write_grounding_dino(folder: Path) -> Path:
    """Grounding DINO with a Swin of 8 channels, 30 queries and captions of 24 tokens."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = tiny_grounding_dino()
    model.save_pretrained(folder)
    images = transformers.GroundingDinoImageProcessor(
        size={"shortest_edge": 64, "longest_edge": 96}
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
    return spread(transformers.GroundingDinoForObjectDetection(config))


def bert_words() -> Any:
    """BERT's way of making tokens; those that part phrases have their own numbers in BERT."""
    fixed = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
    fixed |= {".": 1012, "?": 1029} | {word: 200 + place for place, word in enumerate(WORDS)}
    taken = set(fixed.values())
    unused = {f"[unused{number}]": number for number in range(1040) if number not in taken}
    return transformers.BertTokenizer(vocab=fixed | unused)
