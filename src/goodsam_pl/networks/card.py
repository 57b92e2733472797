"""What a network needs to be used again, inside the file of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import goodsam_pl
from goodsam_pl.networks.smp_models import Description

__all__ = ["CARD", "NetworkCard", "differing_arguments"]

CARD = "goodsam_pl"
"""The key of the card in a checkpoint, and in the metadata of a safetensors file."""


@dataclass(frozen=True)
class NetworkCard:
    """Everything besides the tensors; plain values throughout.

    Attributes:
        networks: descriptions by name, see :func:`goodsam_pl.networks.describe_network`; the first
            is the one that a user wants back. ``None`` for a class that only its owner can build.
        taxonomy: its class set, see :meth:`goodsam_pl.taxonomy.Taxonomy.to_dict`.
        taxonomy_name: what the configuration called it.
        view: ``size`` (height and width, pixels), ``vertical_fov`` and ``file_vertical_fov``
            (degrees) of the panoramas it was trained on; ``None`` if it was trained on others.
        normalization: ``mean`` and ``std`` of the channels, of images in 0 to 1.
        version: of goodsam_pl.
    """

    networks: Mapping[str, Description | None]
    taxonomy: Mapping[str, Any]
    taxonomy_name: str
    view: Mapping[str, Any] | None
    normalization: Mapping[str, list[float]]
    version: str = field(default=goodsam_pl.__version__)

    @property
    def network(self) -> Description | None:
        """How the network that a user wants back is built."""
        return next(iter(self.networks.values()), None)

    def only(self, name: str | None) -> NetworkCard:
        """The card of one network, the first if none is named."""
        name = next(iter(self.networks)) if name is None else name
        networks = {name: self.networks.get(name)}
        return NetworkCard(**{**self.to_dict(), "networks": networks})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return {
            "networks": {name: each and dict(each) for name, each in self.networks.items()},
            "taxonomy": dict(self.taxonomy),
            "taxonomy_name": self.taxonomy_name,
            "view": None if self.view is None else dict(self.view),
            "normalization": dict(self.normalization),
            "version": self.version,
        }

    @classmethod
    def from_dict(cls, content: Any) -> Self:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValueError: it is not of that form.
        """
        try:
            card = cls(**content)
        except TypeError as error:
            raise ValueError(f"what it says of its network is not readable ({error})") from error
        described = all(
            isinstance(name, str) and (each is None or _is_description(each))
            for name, each in (card.networks.items() if isinstance(card.networks, Mapping) else ())
        )
        if not (
            isinstance(card.networks, Mapping)
            and card.networks
            and described
            and isinstance(card.taxonomy, Mapping)
            and isinstance(card.taxonomy_name, str)
            and (card.view is None or isinstance(card.view, Mapping))
            and isinstance(card.normalization, Mapping)
            and isinstance(card.version, str)
        ):
            raise ValueError("what it says of its network is not readable")
        return card


def _is_description(tree: Any) -> bool:
    """Whether it has the form of a description; what it names is checked where it is built."""
    return (
        isinstance(tree, Mapping)
        and isinstance(tree.get("class_path"), str)
        and isinstance(tree.get("init_args"), Mapping)
    )


def differing_arguments(
    trained: Description | None, arguments: Mapping[str, Any] | None
) -> list[str]:
    """Name the arguments in which a network differs from the one that weights were trained in.

    To close the circle of a network that was trained open is what presets do on purpose; it is left
    out.

    Args:
        trained: the description of the network in training, if it is known.
        arguments: of a network of ours here; ``None`` for others, which are not compared.
    """
    there = {} if trained is None else trained["init_args"]
    if arguments is None or not there.keys() >= arguments.keys():
        return []
    return [
        f"{name} was {there[name]} in training and is {now} here"
        for name, now in arguments.items()
        if there[name] != now and not (name == "circular" and now)
    ]
