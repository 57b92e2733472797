"""Checkpoints of a few thousand random weights of each family, and Meta's names for those of SAM.

Imports ``transformers``: import it only where that is there.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from stock.transformers_pipeline import meta_name

SIDE = 64
WIDTH = 32
MASK_DECODER = {
    "hidden_size": WIDTH,
    "mlp_dim": 64,
    "num_attention_heads": 2,
    "iou_head_hidden_dim": WIDTH,
}
PROMPTS = {"hidden_size": WIDTH, "image_size": SIDE, "patch_size": 16}


def tiny_sam(hq: bool = False) -> Any:
    vision = {
        "hidden_size": WIDTH,
        "output_channels": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": SIDE,
        "patch_size": 8,
        "window_size": 4,
        "global_attn_indexes": [1],
        "num_pos_feats": WIDTH // 2,
        "initializer_range": 0.02,
    }
    parts = {
        "vision_config": vision,
        "prompt_encoder_config": PROMPTS | {"patch_size": 8},
        "mask_decoder_config": MASK_DECODER | ({"vit_dim": WIDTH} if hq else {}),
    }
    name = "SamHQ" if hq else "Sam"
    config = getattr(transformers, f"{name}Config")(**parts)
    return spread(getattr(transformers, f"{name}Model")(config))


def sam2_parts() -> dict[str, Any]:
    stages = [8, 16, 32, 64]
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=stages[0],
        image_size=[SIDE, SIDE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=stages,
        num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[4, 4, 4, 4],
        window_positional_embedding_background_size=[4, 4],
        global_attention_blocks=[3],
    )
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=stages[::-1],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        fpn_hidden_size=WIDTH,
    )
    prompts = transformers.Sam2PromptEncoderConfig(**PROMPTS)
    decoder = transformers.Sam2MaskDecoderConfig(**MASK_DECODER)
    return {
        "vision_config": vision,
        "prompt_encoder_config": prompts,
        "mask_decoder_config": decoder,
    }


def tiny_sam2() -> Any:
    return spread(transformers.Sam2Model(transformers.Sam2Config(**sam2_parts())))


def tiny_sam2_video() -> Any:
    """As SAM 2 is published: with the memory that only videos need."""
    config = transformers.Sam2VideoConfig(
        **sam2_parts(),
        image_size=SIDE,
        memory_attention_hidden_size=WIDTH,
        memory_attention_feed_forward_hidden_size=WIDTH,
        memory_attention_num_layers=1,
        memory_attention_rope_feat_sizes=[4, 4],
        memory_encoder_hidden_size=WIDTH,
        memory_encoder_output_channels=8,
        mask_downsampler_embed_dim=WIDTH,
        memory_fuser_embed_dim=WIDTH,
        memory_fuser_intermediate_dim=WIDTH,
    )
    return spread(transformers.Sam2VideoModel(config))


def tiny_sam3_tracker() -> Any:
    """SAM 3 asked at points: 64 pixels, patches of 8, so that features are of 32, 16 and 8."""
    config = transformers.Sam3TrackerConfig(
        vision_config=sam3_vision([[32, 32], [16, 16], [8, 8]], [4.0, 2.0, 1.0]),
        prompt_encoder_config=PROMPTS | {"patch_size": 8},
        mask_decoder_config=MASK_DECODER,
    )
    return spread(transformers.Sam3TrackerModel(config))


def sam3_vision(sizes: list[list[int]], factors: list[float]) -> Any:
    backbone = transformers.Sam3ViTConfig(
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=8,
        window_size=4,
        global_attn_indexes=[1],
        pretrain_image_size=32,
    )
    return transformers.Sam3VisionConfig(
        backbone_config=backbone,
        fpn_hidden_size=WIDTH,
        backbone_feature_sizes=sizes,
        scale_factors=factors,
    )


def tiny_edgetam() -> Any:
    """With a RepViT of timm, as it is published, and all but the last stages narrow."""
    backbone = transformers.TimmWrapperConfig(
        architecture="repvit_m0_9",
        model_args={
            "in_chans": 3,
            "features_only": True,
            "out_indices": [0, 1, 2, 3],
            "embed_dim": [8, 16, 24, 32],
            "depth": [1, 1, 1, 1],
        },
    )
    vision = transformers.EdgeTamVisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[32, 24, 16, 8],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        fpn_hidden_size=WIDTH,
    )
    config = transformers.EdgeTamConfig(
        vision_config=vision,
        prompt_encoder_config=PROMPTS,
        mask_decoder_config=MASK_DECODER,
    )
    return spread(transformers.EdgeTamModel(config))


@torch.no_grad()
def spread(model: Any) -> Any:
    """Random weights that are large enough for masks to differ from point to point."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in sorted(model.named_parameters()):
        if parameter.ndim > 1 and "positional_embedding" not in name:
            parameter.copy_(torch.empty_like(parameter).normal_(0, 0.25, generator=generator))
    return model.eval()


TINY = {
    "sam": tiny_sam,
    "sam_hq": partial(tiny_sam, hq=True),
    "sam2": tiny_sam2,
    "sam2_video": tiny_sam2_video,
    "sam3_tracker": tiny_sam3_tracker,
    "edgetam": tiny_edgetam,
}


def as_meta(model: Any) -> Sam:
    """The same SAM built from Meta's own classes."""
    encoder = ImageEncoderViT(
        img_size=SIDE,
        patch_size=8,
        embed_dim=WIDTH,
        depth=2,
        num_heads=2,
        out_chans=WIDTH,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=4,
        global_attn_indexes=(1,),
    )
    prompts = PromptEncoder(
        embed_dim=WIDTH,
        image_embedding_size=(SIDE // 8, SIDE // 8),
        input_image_size=(SIDE, SIDE),
        mask_in_chans=16,
    )
    decoder = MaskDecoder(
        transformer_dim=WIDTH,
        transformer=TwoWayTransformer(depth=2, embedding_dim=WIDTH, num_heads=2, mlp_dim=64),
        iou_head_hidden_dim=WIDTH,
    )
    sam = Sam(encoder, prompts, decoder)
    state = {meta_name(name): tensor for name, tensor in model.state_dict().items()}
    sam.load_state_dict(state)
    return sam.eval()


def noise_windows(count: int, shape: tuple[int, int]) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(count, 3, 6, 6, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=shape, mode="bilinear")
    return (smooth * 255).to(torch.uint8)
