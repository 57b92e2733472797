"""HQ-SAM's learnable part as an adapter (Ke et al., "Segment Anything in High Quality", 2023)."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from segment_anything.modeling.common import LayerNorm2d
from segment_anything.modeling.mask_decoder import MLP
from torch import Tensor, nn

from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.networks import read_weights
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures
from goodsam_pl.sam.image_prompts import ImagePrompts
from goodsam_pl.sam.paired_prompts import decode_pairs

__all__ = ["HqAdapter"]

_RELEASED = {
    "hf_token.weight": "token",
    "hf_mlp.": "head.",
    "embedding_maskfeature.": "from_masks.",
    "embedding_encoder.": "from_embedding.",
    "compress_vit_feat.": "from_early.",
}
"""Names in HQ-SAM's checkpoints, below ``mask_decoder.`` or alone, and ours."""


class HqAdapter(Adapter):
    r"""A further token in SAM's decoder, and features of three depths that it draws a mask from.

    .. math:: z_{HQ} = \langle \mathrm{MLP}(t), \; f_m(U) + f_e(E) + f_v(V) \rangle

    t is what the decoder makes of the token, U its enlarged features, E the embedding, V the early
    feature; for ViT-B these are 1,071,104 parameters. CoSAM (arXiv 2412.06418) has one of them a
    domain, each begun as the part of a trained HQ-SAM.

    Without such a start, z_HQ would be noise. Then the mask is SAM's plus z_HQ, as HQ-SAM itself
    adds them when it predicts, and the last layer of the MLP begins with zeros, so that the mask
    begins as SAM's to the bit. SAM's mask comes from a pass without the token, which the other
    tokens see. (Beginning and second pass are ours.)

    Args:
        sam: which it is made for.
        start: a checkpoint of HQ-SAM, or the part alone; then the mask is z_HQ alone, as CoSAM
            trains and reads it. ``None`` as above.
        adds_to_sam: which of both, for an adapter that is read from its own file; ``None`` as
            ``start`` says.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it holds no HQ-SAM's part, or one of another SAM.
    """

    def __init__(
        self, sam: FrozenSam, start: str | None = None, adds_to_sam: bool | None = None
    ) -> None:
        super().__init__()
        shape = sam.shape
        channels, features = shape.embedding, shape.features
        self.adds_to_sam = start is None if adds_to_sam is None else adds_to_sam
        self.token = nn.Parameter(torch.randn(1, channels))
        self.head = MLP(channels, channels, features, 3)
        self.from_masks = nn.Sequential(
            nn.Conv2d(features, 2 * features, kernel_size=3, padding=1),
            _ChannelNorm(2 * features),
            nn.GELU(),
            nn.Conv2d(2 * features, features, kernel_size=3, padding=1),
        )
        self.from_embedding = _enlarging(channels, channels // 4, features)
        self.from_early = _enlarging(shape.tokens, channels, features)
        if start is not None:
            self._begin_as(Path(start), sam.name)
        elif self.adds_to_sam:
            last = cast("nn.Linear", self.head.layers[-1])
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, sam: FrozenSam, features: SamFeatures, prompts: ImagePrompts) -> Tensor:
        """Draw a mask for each image, see :class:`Adapter`."""
        decoder = sam.sam.mask_decoder
        embedded = prompts.embed(sam.sam.prompt_encoder)
        decoded = decode_pairs(decoder, sam.places(), features.embedding, embedded, self.token)
        embedding = features.embedding[:, : decoder.transformer_dim]
        drawn_from = (
            self.from_masks(_channels_last(decoded.features))
            + self.from_embedding(_channels_last(embedding))
            + self.from_early(_channels_last(features.early))
        )
        weights = self.head(decoded.further[:, 0])
        logits = torch.einsum("bc,bchw->bhw", weights, drawn_from).unsqueeze(1)
        return sam.decode(features, prompts) + logits if self.adds_to_sam else logits

    def _begin_as(self, path: Path, sam: str) -> None:
        own = self.state_dict()
        found = {}
        for name, tensor in read_weights(path).items():
            inner = name.removeprefix("mask_decoder.")
            for released, ours in _RELEASED.items():
                if inner.startswith(released):
                    found[ours + inner.removeprefix(released)] = tensor
        wrong = [name for name in own if name not in found or found[name].shape != own[name].shape]
        if wrong:
            raise ValueError(
                f"{path} holds no HQ-SAM's part for {sam} ({wrong[0]} is missing or of another "
                "shape): give HQ-SAM's checkpoint of the same size, or leave start away"
            )
        self.load_state_dict(found)


class _ChannelNorm(LayerNorm2d):  # type: ignore[misc]  # segment_anything has no types
    """SAM's norm in one call, to rounding: its own takes seven passes over large maps."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(B, C, h, w)`` over C; fastest where channels lie last in memory."""
        last = x.permute(0, 2, 3, 1)
        normed = F.layer_norm(last, self.weight.shape, self.weight, self.bias, self.eps)
        return normed.permute(0, 3, 1, 2)


def _channels_last(maps: Tensor) -> Tensor:
    return maps.contiguous(memory_format=torch.channels_last)


def _enlarging(before: int, between: int, after: int) -> nn.Sequential:
    """``(B, before, h, w)`` to ``(B, after, 4h, 4w)``."""
    return nn.Sequential(
        nn.ConvTranspose2d(before, between, kernel_size=2, stride=2),
        _ChannelNorm(between),
        nn.GELU(),
        nn.ConvTranspose2d(between, after, kernel_size=2, stride=2),
    )
