"""Which domain is an image of? A linear selector that begins anew with a row more a domain."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from goodsam_pl.modules.continual.domain_query import DomainQuery
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures

__all__ = ["DomainSelector", "Route"]


class Route(NamedTuple):
    """Where each of B images goes.

    Attributes:
        domains: int64 ``(B,)``, the place of the domain in the order of learning; -1 for none,
            where the selector is not sure enough and SAM is left as it is.
        confidence: float ``(B,)``, the largest probability; 1 while there is one domain.
    """

    domains: Tensor
    confidence: Tensor


class DomainSelector(nn.Module):
    r"""Rows of a linear layer are the keys of domains.

    .. math:: \hat{d}(x) = \arg\max_j (W z(x) + b)_j

    Hard, of each image. As in the release (CoSAM, arXiv 2412.06418) all rows are drawn anew when a
    domain comes, and learned from a few images of each. Of one domain there is nothing to choose.

    Args:
        query: z.
        least_confidence: an image whose largest probability is below goes to no domain (ours). 0
            sends every image to a domain, as released.

    Raises:
        ValueError: a confidence outside [0, 1].
    """

    def __init__(self, query: DomainQuery, least_confidence: float = 0.0) -> None:
        super().__init__()
        if not 0 <= least_confidence <= 1:
            raise ValueError(f"least_confidence is {least_confidence}: choose from 0 to 1")
        self.query = query
        self.least_confidence = least_confidence
        self.keys = nn.Parameter(torch.empty(0, query.channels))
        """W, a row a domain."""
        self.biases = nn.Parameter(torch.empty(0))
        """b, one a domain."""

    @property
    def domains(self) -> int:
        """How many it chooses from; 0 before it has learned."""
        return len(self.keys)

    def resize(self, domains: int) -> None:
        """Make room for the weights of so many domains, which come from elsewhere."""
        device = self.keys.device
        self.keys = nn.Parameter(torch.empty(domains, self.query.channels, device=device))
        self.biases = nn.Parameter(torch.empty(domains, device=device))

    @torch.no_grad()
    def renew(self, domains: int, generator: Generator) -> None:
        """Forget, and begin to choose from so many domains; rows as ``nn.Linear`` draws them."""
        self.resize(domains)
        self.query.renew(generator)
        bound = self.query.channels**-0.5
        for parameter in (self.keys, self.biases):
            drawn = torch.rand(parameter.shape, generator=generator)
            parameter.copy_(bound * (2 * drawn - 1))

    def forward(self, sam: FrozenSam, images: Tensor, features: SamFeatures | None) -> Tensor:
        """Logits ``(B, domains)``; arguments as for :class:`DomainQuery`."""
        return self.choose(self.query(sam, images, features))

    def choose(self, queries: Tensor) -> Tensor:
        """Logits ``(B, domains)`` of queries ``(B, channels)``."""
        return F.linear(queries, self.keys, self.biases)

    @torch.no_grad()
    def route(self, sam: FrozenSam, batch: PromptedBatch) -> Route:
        """Choose a domain for each image of a batch; one domain needs no query."""
        if self.domains < 2:
            device = batch.images.device
            nowhere = torch.zeros(len(batch), dtype=torch.int64, device=device)
            return Route(nowhere, torch.ones(len(batch), device=device))
        queries = batch.queries(self.query, sam)
        confidence, domains = self.choose(queries).float().softmax(dim=1).max(dim=1)
        return Route(domains.where(confidence >= self.least_confidence, -1), confidence)
