"""Numbers that are none end a training, before they reach its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

__all__ = ["NotFiniteError", "refuse_not_finite"]

_NAMED = 8


class NotFiniteError(ValueError):
    """A loss, a gradient, or what a teacher says is NaN or infinite."""


def refuse_not_finite(
    total: Tensor, terms: Mapping[str, Tensor], names: Sequence[str] = ()
) -> None:
    """End the training where a number is NaN or infinite.

    Args:
        total: a scalar.
        terms: scalars that it is made of, by name.
        names: the images.

    Raises:
        NotFiniteError: ``total`` is NaN or infinite; with the terms and the images.
    """
    if bool(torch.isfinite(total)):
        return
    values = ", ".join(f"{name} {float(term):.4g}" for name, term in terms.items())
    several = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
    raise NotFiniteError(
        f"training stopped before its weights were harmed: {values}"
        + (f", of {several}" if names else "")
        + ": look at these images, and lower the learning rate or the precision's risk "
        "(trainer.precision 32-true, trainer.gradient_clip_val 1)"
    )
