"""Adapters and selector in one file: tensors and plain values, and which SAM they are for."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save

from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.modules.continual.adapter_pool import AdapterPool
from goodsam_pl.modules.continual.adapter_recipe import AdapterRecipe
from goodsam_pl.modules.continual.domain_query import DomainQuery, PooledQuery, TokenQuery
from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.modules.continual.routed_sam import RoutedSam
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["load_routed", "save_routed"]

_CARD = "goodsam_pl.routed_sam"


def save_routed(routed: RoutedSam, path: Path) -> None:
    """Write what was learned as safetensors, whole or not at all; the SAM is not in it.

    Args:
        routed: after the end of a task.
        path: the ``.safetensors`` file.
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
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} is no readable file of adapters ({error}): give one that a continual training "
            "wrote"
        ) from error
    if card.get("fingerprint") != sam.fingerprint:
        raise ValueError(
            f"{path} holds adapters of the SAM {card.get('sam')!r} ({_short(card)}), this one is "
            f"{sam.name!r} ({sam.fingerprint[:8]}): give the weights that they were trained on"
        )
    try:
        recipe = AdapterRecipe(**card["recipe"])
        selector = DomainSelector(_query(card["query"], sam), card["least_confidence"])
        routed = RoutedSam(sam, AdapterPool(recipe), selector)
        extra = {"names": card["names"], "rows": card["rows"]}
        routed.load_state_dict({**load(path.read_bytes()), "_extra_state": extra})
    except (SafetensorError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged ({error}): write it again") from error
    routed.pool.freeze()
    return routed.requires_grad_(False).eval()


def _short(card: dict[str, Any]) -> str:
    return str(card.get("fingerprint"))[:8]


def _query_card(query: DomainQuery) -> dict[str, Any]:
    kind: Literal["tokens", "pooled"] = "tokens" if isinstance(query, TokenQuery) else "pooled"
    if isinstance(query, PooledQuery):
        return {"kind": kind, "block": query.block}
    return {"kind": kind, "tokens": query.get_parameter("tokens").shape[0]}


def _query(card: dict[str, Any], sam: FrozenSam) -> DomainQuery:
    if card["kind"] == "pooled":
        return PooledQuery(sam.shape, int(card["block"]))
    with torch.no_grad():
        return TokenQuery(sam.shape, int(card["tokens"]), train_tokens=False)
