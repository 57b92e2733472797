"""Adapters and selector in one file: tensors and plain values, and which SAM they are for."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.modules.continual.adapter_pool import AdapterPool
from goodsam_pl.modules.continual.adapter_recipe import AdapterRecipe
from goodsam_pl.modules.continual.domain_query import DomainQuery, PooledQuery, TokenQuery
from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.modules.continual.routed_sam import RoutedSam
from goodsam_pl.networks.weights_file import state_hash
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["load_routed", "save_routed"]

_CARD = "goodsam_pl.routed_sam"


def save_routed(routed: RoutedSam, path: Path) -> None:
    """Write what was learned as safetensors, whole or not at all; the SAM is not in it.

    Args:
        routed: after the end of a task.
        path: the ``.safetensors`` file.

    Raises:
        TypeError: its query is of a class of one's own.
    """
    state = routed.state_dict()
    extra = state.pop("_extra_state")
    query = routed.selector.query
    card = {
        "sam": routed.sam.name,
        "fingerprint": routed.sam.fingerprint,
        "recipe": asdict(routed.pool.recipe.again()),
        "query": _query_card(query),
        "least_confidence": routed.selector.least_confidence,
        **extra,
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    card["sha256"] = state_hash(tensors)
    write_atomically(path, save(tensors, {_CARD: json.dumps(card, sort_keys=True)}))


def load_routed(path: Path, sam: FrozenSam) -> RoutedSam:
    """Read adapters and selector for the SAM that they were made for.

    Args:
        path: a file of :func:`save_routed`.
        sam: the same SAM.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, of another kind, or its adapters are of another SAM.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no adapters at {path}: train them first")
    try:
        with safe_open(path, framework="pt") as file:
            card: dict[str, Any] = json.loads((file.metadata() or {})[_CARD])
        learned_on = str(card["sam"]), str(card["fingerprint"])
        tensors = load(path.read_bytes())
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is no readable file of adapters ({error}): give one that a continual training "
            "wrote"
        ) from error
    sam.refuse_another(*learned_on, str(path))
    try:
        _refuse_other_values(tensors, str(card["sha256"]))
        recipe, names = AdapterRecipe(**card["recipe"]), [str(name) for name in card["names"]]
        _refuse_other_shapes(recipe, len(names), tensors, sam)
        selector = DomainSelector(_query(card["query"], tensors, sam), card["least_confidence"])
        routed = RoutedSam(sam, AdapterPool(recipe), selector)
        extra = {"names": names, "rows": len(tensors["selector.keys"])}
        routed.load_state_dict({**tensors, "_extra_state": extra})
    except (KeyError, TypeError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}): write it again") from error
    routed.pool.freeze()
    return routed.requires_grad_(False).eval()


def _refuse_other_values(tensors: dict[str, Tensor], written: str) -> None:
    if state_hash(tensors) != written:
        raise ValueError("its tensors are not those that were written")


def _refuse_other_shapes(
    recipe: AdapterRecipe, domains: int, tensors: dict[str, Tensor], sam: FrozenSam
) -> None:
    """A recipe that asks for more than the file holds is refused before it takes memory."""
    with torch.device("meta"):
        expected = recipe.make(sam, 0).state_dict()
    for domain in range(domains):
        for name, value in expected.items():
            found = tensors[f"pool.members.{domain}.{name}"]
            if found.shape != value.shape:
                raise RuntimeError(f"{name} is {tuple(found.shape)}, not {tuple(value.shape)}")


def _query_card(query: DomainQuery) -> dict[str, Any]:
    if isinstance(query, PooledQuery):
        return {"kind": "pooled", "block": query.block}
    if isinstance(query, TokenQuery):
        return {"kind": "tokens"}
    raise TypeError(f"a {type(query).__name__} has no place in the file: take tokens or a mean")


def _query(card: dict[str, Any], tensors: dict[str, Tensor], sam: FrozenSam) -> DomainQuery:
    if card["kind"] == "pooled":
        return PooledQuery(sam.shape, int(card["block"]))
    return TokenQuery(sam.shape, len(tensors["selector.query.tokens"]), train_tokens=False)
