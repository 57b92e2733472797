"""What a selector is asked by: one vector an image, from a frozen SAM."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Generator, Tensor, nn

from goodsam_pl.modules.continual.low_rank_adapter import first_adapted_block
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures, SamShape
from goodsam_pl.sam.token_pass import pass_tokens

__all__ = ["DomainQuery", "PooledQuery", "TokenQuery"]


class DomainQuery(nn.Module, ABC):
    """z(x), by which images of one domain are told from those of another.

    Args:
        channels: of z.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    @abstractmethod
    def forward(self, sam: FrozenSam, images: Tensor, features: SamFeatures | None) -> Tensor:
        """Ask about images.

        Args:
            sam: frozen.
            images: ``(B, 3, s, s)`` float, ImageNet-normalised, of the encoder's side.
            features: what SAM said of them, if that is known already.

        Returns:
            ``(B, channels)`` float.
        """

    def renew(self, generator: Generator) -> None:
        """Begin anew, before a selector learns; nothing to do for a query that does not learn."""

    @property
    def learns(self) -> bool:
        """Whether it has something to learn."""
        return any(parameter.requires_grad for parameter in self.parameters())


class TokenQuery(DomainQuery):
    """A global feature token that went through all blocks with the patches; MoDA's.

    Beside it go global assistant tokens, which are never read: they relay. In the release (CoSAM,
    arXiv 2412.06418) none of them gets a gradient, so that they stay as they are drawn and ask at
    random; the paper means them to learn. See :func:`goodsam_pl.sam.token_pass.pass_tokens`. The
    small SAM's encoder is a transformer behind convolutions, and is asked in the same way.

    Args:
        shape: of the SAM.
        tokens: the global feature token and its assistants, together.
        train_tokens: whether they learn; ``False`` as released.
        seed: of tokens that do not learn. They are drawn once, so that what they say of an image
            can be kept (ours: the release draws them anew for each task).

    Raises:
        ValueError: no token.
    """

    def __init__(
        self, shape: SamShape, tokens: int = 10, train_tokens: bool = True, seed: int = 0
    ) -> None:
        super().__init__(shape.tokens)
        if tokens < 1:
            raise ValueError(f"{tokens} tokens: give at least 1, the global feature token")
        self.tokens = nn.Parameter(torch.zeros(tokens, shape.tokens), requires_grad=train_tokens)
        if not train_tokens:
            self._draw(Generator().manual_seed(seed))

    def forward(self, sam: FrozenSam, images: Tensor, features: SamFeatures | None) -> Tensor:
        """Ask about images, in a pass of its own; see :class:`DomainQuery`."""
        sam.read_postponed()
        return pass_tokens(sam.sam.image_encoder, images, self.tokens)[:, 0]

    def renew(self, generator: Generator) -> None:
        """Draw the tokens anew, from N(0, 1), if they learn."""
        if self.learns:
            self._draw(generator)

    @torch.no_grad()
    def _draw(self, generator: Generator) -> None:
        drawn = torch.randn(self.tokens.shape, generator=generator)
        self.tokens.copy_(drawn)


class PooledQuery(DomainQuery):
    """The mean over all tokens after a block; SAMCL's (arXiv 2412.05012).

    It is of the frozen pass that segments as well, so that it costs nothing and can be kept.

    Args:
        shape: of the SAM.
        block: counted from 0; ``None`` takes the last one that low-rank adapters leave as it is,
            6 in ViT-B.

    Raises:
        ValueError: there is no such block.
    """

    def __init__(self, shape: SamShape, block: int | None = None) -> None:
        super().__init__(shape.tokens)
        self.block = first_adapted_block(shape.blocks) - 1 if block is None else block
        if not 0 <= self.block < shape.blocks:
            raise ValueError(f"block {self.block} of {shape.blocks}: count from 0")

    def forward(self, sam: FrozenSam, images: Tensor, features: SamFeatures | None) -> Tensor:
        """Ask about images, or about what SAM said of them; see :class:`DomainQuery`."""
        known = sam.encode(images) if features is None else features
        return known.means[:, self.block].float()
