"""What a fusion takes and gives: one interface for the method and for what it is compared with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["Fused", "FusedWindows", "Fusion"]


class Fused(Protocol):
    """What all fusions give: E_i, its labels, and M_i."""

    @property
    def ensemble(self) -> Tensor:
        """E_i, probabilities ``(..., K, h, w)``."""
        ...

    @property
    def label(self) -> Tensor:
        """Argmax E_i, the hard targets, uint8 ``(..., h, w)``."""
        ...

    @property
    def weight(self) -> Tensor:
        """M_i, of the dtype of S_i, ``(..., h, w)``: 1 where E_i is trusted, else 0."""
        ...


@dataclass(frozen=True, eq=False)
class FusedWindows:
    """Labels and weights of every window; the dense ensemble E_i is made when it is asked for.

    Attributes:
        probabilities: S_i, the teacher assistant's softmax ``(..., K, h, w)``.
        winner: Y_instance where a mask was filled, else the label of S_i; uint8 ``(..., h, w)``.
        filled: where a mask's winner was laid over S_i, bool ``(..., h, w)``.
        weight: M_i, of the dtype of S_i, ``(..., h, w)``: 1 where E_i is trusted
            (E_H^i = E_i ⊗ M_i), else 0.
        instance_weight: how far the winner replaces S_i where ``filled``, in [0, 1].
    """

    probabilities: Tensor
    winner: Tensor
    filled: Tensor
    weight: Tensor
    instance_weight: float = 1.0

    @cached_property
    def ensemble(self) -> Tensor:
        """E_i = (1 - w F) S_i + w F 1[Y], ``(..., K, h, w)``; K times the room of :attr:`label`."""
        replaced = (self.instance_weight * self.filled).to(self.probabilities).unsqueeze(-3)
        winner = self.winner.long().unsqueeze(-3)
        ensemble = self.probabilities * (1 - replaced)
        return ensemble.scatter_(-3, winner, ensemble.gather(-3, winner) + replaced)

    @cached_property
    def label(self) -> Tensor:
        """Argmax E_i, the hard targets, uint8 ``(..., h, w)``."""
        if self.instance_weight == 1.0:
            return self.winner
        return self.ensemble.argmax(dim=-3).to(torch.uint8)


class Fusion(ABC):
    """Joins the teacher assistant's windows S_i with SAM's masks; a YAML names it by class_path."""

    @abstractmethod
    def __call__(self, probabilities: Tensor, masks: Tensor) -> Fused:
        """Fuse.

        Args:
            probabilities: softmax of S_i, ``(..., K, h, w)``, float; the leading dimensions run
                over windows, e.g. ``(B, N)``. No gradient runs through.
            masks: index maps of disjoint masks in L layers, int ``(..., L, h, w)``; ids count from
                0 for the largest mask of a window to the smallest, -1 is no mask.

        Returns:
            E_i and M_i.

        Raises:
            ValueError: the shapes do not belong together.
        """
