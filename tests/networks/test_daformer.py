from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch

from goodsam_pl.networks import (
    DAFormerNetwork,
    FeatureNetwork,
    FrozenNetwork,
    PyramidNetwork,
    SegmentationNetwork,
    brought_by,
    build_network,
    describe_network,
    save_weights,
)


@pytest.fixture(scope="module")
def network() -> DAFormerNetwork:
    torch.manual_seed(0)
    return DAFormerNetwork("mit_b0", classes=5, channels=16).eval()


def test_it_is_the_encoder_of_our_segformer_and_the_head(network) -> None:
    encoder = SegmentationNetwork(encoder="mit_b0").model.encoder
    own = {name: value.shape for name, value in network.encoder.state_dict().items()}
    assert own == {name: value.shape for name, value in encoder.state_dict().items()}
    parts = {name.partition(".")[0] for name in network.state_dict()}
    assert parts == {"encoder", "head"}


def test_any_size_gives_logits_of_its_own_and_features_of_four_stages(network) -> None:
    images = torch.randn(1, 3, 40, 70)
    with torch.no_grad():
        features, logits = network.forward_features(images)
        torch.testing.assert_close(network(images), logits)

    assert isinstance(network, FeatureNetwork)
    assert logits.shape == (1, 5, 40, 70)
    assert network.feature_channels == (32, 64, 160, 256)
    extended = [(16, 24), (8, 12), (4, 6), (2, 3)]
    assert [tuple(each.shape[1:]) for each in features] == [
        (channels, *size) for channels, size in zip((32, 64, 160, 256), extended, strict=True)
    ]


def test_a_description_builds_it_again_and_weights_fit(network, tmp_path) -> None:
    described = describe_network(network)
    assert described == {
        "class_path": "goodsam_pl.networks.DAFormerNetwork",
        "init_args": {
            "encoder": "mit_b0",
            "classes": 5,
            "channels": 16,
            "dilations": [1, 6, 12, 18],
            "dropout": 0.1,
        },
    }
    again = build_network(described)
    again.load_state_dict(network.state_dict())

    save_weights(network.state_dict(), tmp_path / "w.safetensors", False, None)
    filled = DAFormerNetwork(
        "mit_b0", classes=5, channels=16, weights=str(tmp_path / "w.safetensors")
    )
    images = torch.randn(1, 3, 32, 64)
    with torch.no_grad():
        torch.testing.assert_close(filled.eval()(images), network(images))


def test_a_description_with_a_text_that_is_no_name_is_refused(network) -> None:
    described = describe_network(network)
    assert described is not None
    described["init_args"]["encoder"] = "tu-hf-hub:someone/else"
    with pytest.raises(ValueError, match="is no plain name"):
        build_network(described)


@pytest.mark.parametrize("kind", [DAFormerNetwork, SegmentationNetwork])
def test_a_frozen_network_of_imagenet_is_filled_when_it_is_asked(kind, monkeypatch) -> None:
    """A checkpoint brings the student and not what stays frozen beside it."""
    torch.manual_seed(1)
    released = smp.encoders.get_encoder("mit_b0", weights=None)
    with brought_by({}):
        frozen = FrozenNetwork(kind(encoder="mit_b0", classes=5, weights="imagenet"))
    asked = []

    def from_hub(name: str, weights: str) -> torch.nn.Module:
        asked.append((name, weights))
        return released

    monkeypatch.setattr(smp.encoders, "get_encoder", from_hub)
    images = torch.randn(1, 3, 32, 64)
    features = frozen.forward_features(images).features
    frozen(images)
    assert asked == [("mit_b0", "imagenet")]
    with torch.no_grad():
        torch.testing.assert_close(list(features), list(released.eval()(images)[-4:]))


def test_classes_can_be_read_from_features_that_were_changed(network) -> None:
    images = torch.randn(1, 3, 40, 70)
    assert isinstance(network, PyramidNetwork)
    with torch.no_grad():
        features = network.encode(images)
        assert network.decode(features, (40, 70)).equal(network(images))
        changed = (*features[:3], features[3] + 1)
        assert not network.decode(changed, (40, 70)).equal(network(images))
