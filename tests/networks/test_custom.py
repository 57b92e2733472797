"""Any network as teacher assistant or student."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.networks import CustomNetwork, load_weights, save_weights


class _Coarse(nn.Module):
    """Logits of stride 4, in a dictionary, as torchvision's networks give them."""

    def __init__(self, key: str = "out") -> None:
        super().__init__()
        self.key = key
        self.convolution = nn.Conv2d(3, 5, 4, stride=4)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"aux": images, self.key: self.convolution(images)}


def test_logits_are_taken_out_and_enlarged() -> None:
    network, images = _Coarse(), torch.randn(2, 3, 16, 32)
    logits = CustomNetwork(network)(images)
    expected = F.interpolate(network.convolution(images), size=(16, 32), mode="bilinear")
    assert torch.equal(logits, expected)


@pytest.mark.parametrize(
    ("network", "complaint"),
    [
        (_Coarse("logits"), r"_Coarse returns a dictionary of \['aux', 'logits'\]"),
        (nn.LSTM(3, 3), "LSTM returns a tuple"),
    ],
)
def test_what_is_no_tensor_is_named(network: nn.Module, complaint: str) -> None:
    images = torch.randn(1, 3, 16, 32) if isinstance(network, _Coarse) else torch.randn(4, 3)
    with pytest.raises(TypeError, match=complaint):
        CustomNetwork(network)(images)


@pytest.mark.parametrize("trained_wrapped", [True, False])
@pytest.mark.parametrize("suffix", ["safetensors", "ckpt", "pt"])
def test_weights_of_any_training_find_their_place(
    tmp_path: Path, save_checkpoint: Callable[..., None], trained_wrapped: bool, suffix: str
) -> None:
    trained = CustomNetwork(_Coarse()) if trained_wrapped else _Coarse()
    path = tmp_path / f"file.{suffix}"
    if suffix == "safetensors":
        save_weights(trained.state_dict(), path)
    elif suffix == "ckpt":
        save_checkpoint(path, teacher_assistant=trained.state_dict())
    else:
        torch.save(trained.state_dict(), path)
    bare = _Coarse()
    load_weights(bare, str(path))
    for network in (CustomNetwork(_Coarse(), weights=str(path)).network, bare):
        expected = trained.network if isinstance(trained, CustomNetwork) else trained
        assert isinstance(network, _Coarse)
        assert torch.equal(network.convolution.weight, expected.convolution.weight)
