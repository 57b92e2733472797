"""Only what a user can do nothing about is left out."""

from __future__ import annotations

import warnings

from goodsam_pl.cli.noise import hush


def test_known_noise_is_left_out_and_nothing_else():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        hush()
        warnings.warn("Found 3 module(s) in eval mode at the start of training.", stacklevel=1)
        warnings.warn("`isinstance(treespec, LeafSpec)` is deprecated", stacklevel=1)
        warnings.warn("Precision bf16-mixed is not supported by the model summary.", stacklevel=1)
        warnings.warn("your label has no pixels", stacklevel=1)
    assert [str(each.message) for each in heard] == ["your label has no pixels"]
