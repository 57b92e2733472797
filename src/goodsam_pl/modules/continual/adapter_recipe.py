"""How adapters are made, alike for every domain and again from a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch

from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.modules.continual.bottleneck_adapter import BottleneckAdapter
from goodsam_pl.modules.continual.decoder_adapter import DecoderAdapter
from goodsam_pl.modules.continual.hq_adapter import HqAdapter
from goodsam_pl.modules.continual.low_rank_adapter import LowRankAdapter
from goodsam_pl.modules.continual.prompt_pool_adapter import PromptPoolAdapter
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["AdapterKind", "AdapterRecipe"]

AdapterKind = Literal["hq", "bottleneck", "decoder", "low_rank", "prompt_pool"]
"""``hq`` is MoDA's."""

_CLASSES: dict[str, type[Adapter]] = {
    "hq": HqAdapter,
    "bottleneck": BottleneckAdapter,
    "decoder": DecoderAdapter,
    "low_rank": LowRankAdapter,
    "prompt_pool": PromptPoolAdapter,
}


@dataclass(frozen=True)
class AdapterRecipe:
    """A kind of adapter and its arguments.

    Attributes:
        kind: which.
        arguments: of its constructor beside the SAM.

    Raises:
        ValueError: another kind.
    """

    kind: AdapterKind = "hq"
    arguments: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in _CLASSES:
            raise ValueError(f"adapter {self.kind!r}: choose of {', '.join(get_args(AdapterKind))}")

    def make(self, sam: FrozenSam, seed: int) -> Adapter:
        """A new adapter, random weights by a seed; leaves the caller's random numbers alone.

        Raises:
            ValueError: the adapter has no such arguments, or they cannot be.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                adapter: Adapter = self.kind_class(sam, **self.arguments)
            except TypeError as error:
                raise ValueError(f"adapter {self.kind} with {self.arguments}: {error}") from error
        return adapter

    def again(self) -> AdapterRecipe:
        """One that makes adapters of the same shape for weights that come from elsewhere.

        What an adapter begins as is then not read any more.
        """
        arguments = dict(self.arguments)
        if self.kind == "hq":
            start, adds = arguments.pop("start", None), arguments.get("adds_to_sam")
            arguments["adds_to_sam"] = start is None if adds is None else adds
        return AdapterRecipe(self.kind, arguments)

    @property
    def kind_class(self) -> Any:
        """The class of its adapters."""
        return _CLASSES[self.kind]
