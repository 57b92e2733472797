from __future__ import annotations

import pytest
from lightning.pytorch import LightningModule

from goodsam_pl.callbacks.protocols import check_coloured, check_scored
from goodsam_pl.taxonomy import get_taxonomy


class Coloured(LightningModule):
    def __init__(self):
        super().__init__()
        self.taxonomy = get_taxonomy("camvid-11")


class Scored(Coloured):
    def __init__(self):
        super().__init__()
        self.latest_scores = {}


def test_modules_that_have_what_is_read_pass():
    module = Scored()
    assert check_scored(module, asked_by=None) is module
    assert check_coloured(module, asked_by=None) is module


def test_a_module_that_lacks_it_is_named_with_the_one_who_asked():
    with pytest.raises(TypeError, match=r"^list reads `taxonomy` and `latest_scores`.*Coloured"):
        check_scored(Coloured(), asked_by=[])
    with pytest.raises(TypeError, match=r"^list reads `taxonomy` of the model.*LightningModule"):
        check_coloured(LightningModule(), asked_by=[])
