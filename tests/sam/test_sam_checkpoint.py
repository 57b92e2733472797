from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from goodsam_pl.networks import save_weights
from goodsam_pl.networks.small_sam import NANO_WEIGHTS, SmallSam
from goodsam_pl.sam.official_checkpoints import OFFICIAL
from goodsam_pl.sam.sam_checkpoint import SamCheckpoint


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of downloaded checkpoints."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("GOODSAM_CACHE", str(folder))
    return folder


def test_weights_are_shipped_official_or_given(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SamCheckpoint("vit_nano", None).path == NANO_WEIGHTS
    assert SamCheckpoint("vit_b", None).path == cache / "sam_vit_b_01ec64.pth"
    assert SamCheckpoint("vit_b", "own.pth").path == Path("own.pth")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert SamCheckpoint("vit_nano", "~/own.pth").path == tmp_path / "own.pth"


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    own = tmp_path / "own.pth"
    own.write_bytes(b"weights")
    assert SamCheckpoint("vit_b", str(own)).sha256() == hashlib.sha256(b"weights").hexdigest()
    shipped = hashlib.sha256(NANO_WEIGHTS.read_bytes()).hexdigest()
    assert SamCheckpoint("vit_nano", None).sha256() == shipped


@pytest.mark.parametrize("model", OFFICIAL)
def test_the_hash_of_an_official_file_is_known_without_it(model: str) -> None:
    assert SamCheckpoint(model, None).sha256() == OFFICIAL[model].sha256


def test_another_file_under_an_official_name_is_refused(cache: Path) -> None:
    checkpoint = SamCheckpoint("vit_b", None)
    checkpoint.path.write_bytes(b"something else")
    for use in (checkpoint.sha256, checkpoint.load):
        with pytest.raises(ValueError, match="is not the published vit_b"):
            use()


@pytest.mark.parametrize(
    ("checkpoint", "way_out"),
    [(None, "run `goodsam weights vit_b` once"), ("nowhere.pth", "give another checkpoint")],
)
def test_a_missing_file_is_named_with_the_way_out(checkpoint: str | None, way_out: str) -> None:
    missing = SamCheckpoint("vit_b", checkpoint)
    with pytest.raises(FileNotFoundError, match=f"no weights of vit_b at .*: {way_out}"):
        missing.load()


def test_a_missing_file_of_ones_own_has_no_hash() -> None:
    with pytest.raises(FileNotFoundError, match="give another checkpoint"):
        SamCheckpoint("vit_nano", "nowhere.pth").sha256()


def test_the_model_has_the_weights_of_the_file_and_is_in_evaluation_mode(tmp_path: Path) -> None:
    own = SmallSam()
    save_weights(own.state_dict(), tmp_path / "own.safetensors")
    loaded = SamCheckpoint("vit_nano", str(tmp_path / "own.safetensors")).load()
    assert not loaded.training
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, own.state_dict()[name]), name
