"""One adapter a domain, of which only the newest learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import nn

from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.modules.continual.adapter_recipe import AdapterRecipe
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["AdapterPool"]


class AdapterPool(nn.Module):
    """Φ: what was learned of a domain never changes again.

    Each adapter begins as the recipe says, not as the one before it.

    Args:
        recipe: of all adapters.
    """

    def __init__(self, recipe: AdapterRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.names: list[str] = []
        self.members = nn.ModuleList()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, domain: int) -> Adapter:
        return cast("Adapter", self.members[domain])

    def add(self, name: str, sam: FrozenSam, seed: int) -> Adapter:
        """Begin a domain; the adapters before it are frozen.

        Args:
            name: of the domain.
            sam: which adapters are made for.
            seed: of the new adapter's random weights.

        Returns:
            The new adapter.

        Raises:
            ValueError: the domain was learned already.
        """
        if name in self.names:
            raise ValueError(
                f"the domain {name!r} is there already: a sequence has each domain once"
            )
        self.freeze()
        adapter = self.recipe.make(sam, seed).to(sam.places().device)
        self.names.append(name)
        self.members.append(adapter)
        return adapter

    def freeze(self) -> None:
        """Let none of the members learn any more."""
        for member in self.members:
            member.requires_grad_(False).eval()

    def rebuild(self, names: Sequence[str], sam: FrozenSam) -> None:
        """Members for weights that come from elsewhere, such as a checkpoint.

        Those that are there stay, the last one as able to learn as it is.
        """
        while len(self) > len(names):
            self.names.pop()
            del self.members[-1]
        made = self.recipe.again()
        for _ in names[len(self) :]:
            self.freeze()
            self.members.append(made.make(sam, 0).to(sam.places().device))
            self.names.append("")
        self.names = list(names)
