"""A bit that flipped on a disk is noticed, wherever it is."""

from __future__ import annotations

import random

import pytest
import torch

from goodsam_pl.networks import read_checkpoint, read_weights, save_weights

STATE = {"layer.weight": torch.randn(64, 64), "layer.bias": torch.randn(64)}


@pytest.mark.parametrize("name", ["a.safetensors", "a.ckpt", "a.pth"])
def test_a_flipped_bit_of_the_weights_is_told(tmp_path, save_checkpoint, name):
    path = tmp_path / name
    if name.endswith("safetensors"):
        save_weights(STATE, path)
    else:
        save_checkpoint(path, network=STATE)
    content = path.read_bytes()
    place = content.index(STATE["layer.weight"].numpy().tobytes()[:64])
    assert torch.equal(read_weights(path)["layer.weight"], STATE["layer.weight"])
    dice = random.Random(0)  # noqa: S311  # not for secrets
    for number in range(20):
        spoiled = bytearray(content)
        spoiled[place + dice.randrange(64 * 64 * 4)] ^= 1 << dice.randrange(8)
        other = tmp_path / f"{number}{path.suffix}"
        other.write_bytes(spoiled)
        with pytest.raises(ValueError, match=rf"{number}\.\w+ is .*(damaged|not a readable)"):
            read_weights(other)
        if name == "a.ckpt":
            with pytest.raises(ValueError, match=r"damaged since it was written .*fetch it again"):
                read_checkpoint(other)


def test_a_file_that_changes_is_looked_at_again(tmp_path):
    path = tmp_path / "a.pth"
    torch.save(STATE, path)
    read_weights(path)
    content = bytearray(path.read_bytes())
    content[content.index(STATE["layer.bias"].numpy().tobytes()[:64])] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged since it was written"):
        read_weights(path)


def test_what_was_written_without_checksums_is_read(tmp_path):
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(STATE, tmp_path / "a.pth")
    finally:
        torch.serialization.set_crc32_options(before)
    assert torch.equal(read_weights(tmp_path / "a.pth")["layer.bias"], STATE["layer.bias"])
