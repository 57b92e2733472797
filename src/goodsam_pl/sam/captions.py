"""Phrases as captions for a detector: which token stands in which phrase."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ["Caption", "split_into_captions"]

_SEPARATORS = ("[CLS]", "[SEP]", ".", "?")
"""Between them the text encoder of Grounding DINO lets tokens see one another."""


class Caption(NamedTuple):
    """Some phrases with a full stop behind each.

    Attributes:
        tokens: ``(1, T)`` int64.
        phrases: ``(T,)`` int64, place of the phrase that each token stands in among all phrases;
            -1 for what stands between them.
    """

    tokens: Tensor
    phrases: Tensor


def split_into_captions(tokenizer: Any, phrases: tuple[str, ...], limit: int) -> list[Caption]:
    """As few captions as hold all phrases, in their order.

    Args:
        tokenizer: of ``transformers``, with BERT's words.
        phrases: what to look for.
        limit: tokens of a caption, its beginning and end included.

    Raises:
        ValueError: a phrase has a full stop or question mark, or is too long.
    """
    separators = set(tokenizer.convert_tokens_to_ids(list(_SEPARATORS)))
    captions: list[Caption] = []
    tokens, owners = _opened(tokenizer)
    for place, phrase in enumerate(phrases):
        words = tokenizer(phrase, add_special_tokens=False)["input_ids"]
        if separators.intersection(words):
            raise ValueError(
                f"the phrase {phrase!r} has a full stop or a question mark, which part phrases: "
                "write it without"
            )
        if len(words) + 3 > limit:
            raise ValueError(
                f"the phrase {phrase!r} has {len(words)} tokens, the detector's text encoder takes "
                f"{limit - 3}: shorten it"
            )
        if len(tokens) + len(words) + 2 > limit:
            captions.append(_closed(tokenizer, tokens, owners))
            tokens, owners = _opened(tokenizer)
        tokens += [*words, tokenizer.convert_tokens_to_ids(".")]
        owners += [place] * len(words) + [-1]
    return [*captions, _closed(tokenizer, tokens, owners)]


def _opened(tokenizer: Any) -> tuple[list[int], list[int]]:
    return [tokenizer.cls_token_id], [-1]


def _closed(tokenizer: Any, tokens: list[int], owners: list[int]) -> Caption:
    closed = torch.tensor([[*tokens, tokenizer.sep_token_id]])
    return Caption(closed, torch.tensor([*owners, -1]))
