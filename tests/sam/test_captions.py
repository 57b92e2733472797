"""Captions against the way in which transformers makes one of a list of labels."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from goodsam_pl.sam.captions import split_into_captions

if importlib.util.find_spec("transformers") is None:
    pytest.skip("transformers is not installed", allow_module_level=True)

sys.path.insert(0, str(Path(__file__).parent))
from tiny_concepts import bert_words

PHRASES = ("car", "traffic sign", "a rider on a bike", "person")


def test_a_caption_has_a_full_stop_behind_each_phrase() -> None:
    tokenizer = bert_words()
    (caption,) = split_into_captions(tokenizer, PHRASES, 256)
    expected = tokenizer("car. traffic sign. a rider on a bike. person.", return_tensors="pt")
    assert caption.tokens.tolist() == expected["input_ids"].tolist()
    assert caption.phrases.tolist() == [-1, 0, -1, 1, 1, -1, 2, 2, 2, 2, 2, -1, 3, -1, -1]


def test_what_does_not_fit_goes_into_the_next_caption() -> None:
    tokenizer = bert_words()
    captions = split_into_captions(tokenizer, PHRASES, 8)
    assert [tokenizer.decode(each.tokens[0]) for each in captions] == [
        "[CLS] car. traffic sign. [SEP]",
        "[CLS] a rider on a bike. [SEP]",
        "[CLS] person. [SEP]",
    ]
    assert [each.phrases.max().item() for each in captions] == [1, 2, 3]
    assert all(each.tokens.shape[1] <= 8 for each in captions)


def test_a_caption_may_be_just_full() -> None:
    assert len(split_into_captions(bert_words(), PHRASES, 15)) == 1
    assert len(split_into_captions(bert_words(), PHRASES, 14)) == 2


@pytest.mark.parametrize(
    ("phrase", "message"),
    [
        ("car. person", "'car. person' has a full stop or a question mark"),
        ("car?", "has a full stop or a question mark"),
        ("a rider on a bike", "has 5 tokens, the detector's text encoder takes 4: shorten it"),
    ],
)
def test_what_cannot_be_asked_for_is_named(phrase: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        split_into_captions(bert_words(), ("pole", phrase), 7)
