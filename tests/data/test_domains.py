from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from domain_files import write_domain, write_split_domain

from goodsam_pl.data import DomainFolder

KINDS = ("train", "val", "test")
REAL = {
    # images and share of the foreground, as another program counts them
    "CAMO": (0.0343, 0.1003, 0.0526, 0.0916, 0.0771),
    "Kvasir": (0.0400, 0.0357, 0.0424, 0.0607, 0.0240),
}


def names(domain) -> dict[str, list[str]]:
    return {kind: [each.name for each in getattr(domain, kind)] for kind in KINDS}


def test_splits_that_are_given_stay(tmp_path):
    write_split_domain(tmp_path, 3, 2, 1)
    domain = DomainFolder("rail", str(tmp_path), val=1, test=1).read()
    assert names(domain) == {"train": ["00", "01", "02"], "val": ["03", "04"], "test": ["05"]}
    assert domain.split("test")[0].read().image.shape == (20, 30, 3)


def test_splits_are_drawn_by_seed(tmp_path):
    write_domain(tmp_path, 12)

    def drawn(name="rail", **options):
        return names(DomainFolder(name, str(tmp_path), **options).read())

    first = drawn(val=3, test=4)
    assert [len(first[kind]) for kind in KINDS] == [5, 3, 4]
    together = [each for images in first.values() for each in images]
    assert sorted(together) == [f"{number:02d}" for number in range(12)]
    assert all(each == sorted(each) for each in first.values())
    assert drawn(val=3, test=4) == first
    assert drawn(val=3, test=4, seed=1)["test"] != first["test"]
    assert drawn("other", val=3, test=4)["test"] != first["test"]
    # what is reported on does not depend on how much is trained on
    few = drawn(val=3, test=4, train=2)
    assert (few["val"], few["test"]) == (first["val"], first["test"])
    assert set(few["train"]) < set(first["train"])
    assert drawn(test=4, val=0)["test"] == first["test"]


def test_validation_is_never_drawn_from_the_test(tmp_path):
    write_split_domain(tmp_path, 6, 0, 3)
    domain = names(DomainFolder("rail", str(tmp_path), val=2).read())
    assert domain["test"] == ["06", "07", "08"]
    assert len(domain["val"]) == 2
    assert sorted(domain["val"] + domain["train"]) == ["00", "01", "02", "03", "04", "05"]


def test_mistakes_are_told(tmp_path):
    root = str(write_domain(tmp_path / "few", 4))
    for options in ({"val": 2, "test": 2}, {"train": 3, "val": 2}):
        with pytest.raises(ValueError, match="domain rail: 4 training images are not enough"):
            DomainFolder("rail", root, **options).read()
    with pytest.raises(ValueError, match="domain rail has no val images: give it a folder"):
        DomainFolder("rail", root).read().split("val")
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder: set root to where"):
        DomainFolder("rail", str(tmp_path / "nowhere")).read()
    with pytest.raises(ValueError, match="layout 'zip' is unknown: folders, beside, camo, coco"):
        DomainFolder("rail", root, layout="zip")
    with pytest.raises(ValueError, match="folders has training; splits are train, val, test"):
        DomainFolder("rail", root, folders={"training": "."})
    with pytest.raises(ValueError, match="domain rail: val is -1"):
        DomainFolder("rail", root, val=-1)
    write_split_domain(tmp_path / "tested", 0, 0, 3)
    with pytest.raises(ValueError, match="0 training images are not enough"):
        DomainFolder("rail", str(tmp_path / "tested"), val=1).read()
    assert DomainFolder("rail", str(tmp_path / "tested")).read().train == ()


@pytest.mark.real
def test_six_real_domains(real_data):
    for name in ("CAMO", "COCO", "COD", "ISIC", "ISTD", "Kvasir"):
        domain = DomainFolder(name, str(real_data / "domains" / name), test=2, val=1).read()
        assert [len(getattr(domain, kind)) for kind in KINDS] == [2, 1, 2]
        images = sorted(domain.train + domain.val + domain.test, key=lambda each: each.name)
        pairs = [each.read() for each in images[: 5 if name in REAL else 1]]
        assert all(pair.mask.shape == pair.image.shape[:2] for pair in pairs)
        if name in REAL:
            shares = sorted(pair.mask.mean() for pair in pairs)
            np.testing.assert_allclose(shares, sorted(REAL[name]), atol=6e-4)
