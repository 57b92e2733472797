"""The enhanced pyramid: which stages, what shapes, how many parameters, where it looks."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.modules.ssr.sam_attention import SamAttention

B5 = (64, 128, 320, 512)
SMALL = (4, 8, 20, 32)


def pyramid(*channels: int) -> tuple[torch.Tensor, ...]:
    return tuple(
        torch.randn(2, width, 16 >> level, 24 >> level) for level, width in enumerate(channels)
    )


def test_for_b5_and_vit_b_it_has_the_parameters_of_the_release() -> None:
    layer = SamAttention(256, B5)
    counts = [
        sum(each.numel() for each in part.parameters())
        for part in (layer.projections, layer.attentions)
    ]
    assert counts == [263_168, 1_541_120]
    assert sum(each.numel() for each in layer.parameters()) == sum(counts)
    assert [each.heads for each in layer.attentions.values()] == [1, 2, 5, 8]


def test_each_stage_gets_what_its_attention_finds_in_the_projected_embedding() -> None:
    torch.manual_seed(0)
    layer, features, embedding = SamAttention(6, SMALL), pyramid(*SMALL), torch.randn(2, 6, 5, 7)
    with torch.no_grad():
        enhanced = layer(features, embedding)
        for stage, (plain, changed) in enumerate(zip(features, enhanced, strict=True)):
            assert changed.shape == plain.shape
            weight, bias = layer.projections[str(stage)].parameters()
            tokens = torch.einsum("dc,bcyx->byxd", weight, embedding) + bias
            for y, x in ((0, 0), (1, 2)):
                found = layer.attentions[str(stage)](
                    plain[:, None, :, y, x], tokens.reshape(2, 35, -1)
                )
                torch.testing.assert_close(changed[:, :, y, x], plain[:, :, y, x] + found[:, 0])
            assert not changed.equal(plain)


def test_stages_that_do_not_ask_stay_and_have_no_parameters() -> None:
    layer, features = SamAttention(6, SMALL, active=(3, 1)), pyramid(*SMALL)
    enhanced = layer(features, torch.randn(2, 6, 5, 7))
    assert [one is other for one, other in zip(enhanced, features, strict=True)] == [
        True,
        False,
        True,
        False,
    ]
    assert {name.split(".")[1] for name, _ in layer.named_parameters()} == {"1", "3"}


def test_features_before_the_stages_stay() -> None:
    layer, features = SamAttention(6, SMALL), pyramid(*SMALL)
    before = (torch.randn(2, 3, 64, 96), torch.zeros(2, 0, 32, 48))
    enhanced = layer((*before, *features), torch.randn(2, 6, 5, 7))
    assert enhanced[0] is before[0]
    assert enhanced[1] is before[1]
    assert len(enhanced) == 6


def test_without_an_output_nothing_is_added() -> None:
    layer, features = SamAttention(6, SMALL), pyramid(*SMALL)
    for attention in layer.attentions.values():
        torch.nn.init.zeros_(attention.output.weight)
    for one, other in zip(layer(features, torch.randn(2, 6, 5, 7)), features, strict=True):
        assert one.equal(other)


def test_the_attention_map_tells_which_token_is_asked() -> None:
    torch.manual_seed(0)
    layer = SamAttention(4, (4,), heads=(1,), active=(0,))
    torch.nn.init.eye_(layer.projections["0"].weight)
    torch.nn.init.zeros_(layer.projections["0"].bias)
    torch.nn.init.eye_(layer.attentions["0"].queries.weight)
    layer.attentions["0"].keys_and_values.weight.data[:4] = torch.eye(4)
    embedding = torch.zeros(1, 4, 2, 2)
    features = torch.zeros(1, 4, 3, 5)
    for index in range(4):  # each token has a channel of its own, and a place that asks for it
        embedding[0, index, index // 2, index % 2] = 8.0
    features[0, 3, 2, 4] = 8.0
    features[0, 1, 0, 0] = 8.0
    lower = layer.attention_map((features,), embedding, 0, (1.0, 1.0))
    upper = layer.attention_map((features,), embedding, 0, (0.0, 0.0))
    assert lower.shape == (1, 2, 2)
    assert lower[0, 1, 1] > 0.999
    assert upper[0, 0, 1] > 0.999
    # two of fifteen places ask for a token, the others for all alike
    mean = layer.attention_map((features,), embedding, 0)
    torch.testing.assert_close(mean[0, 0, 1], torch.tensor((1 + 13 / 4) / 15))
    torch.testing.assert_close(mean.sum((1, 2)), torch.ones(1))


def test_the_mean_map_does_not_depend_on_how_many_ask_together(monkeypatch) -> None:
    torch.manual_seed(0)
    layer, features, embedding = SamAttention(6, SMALL), pyramid(*SMALL), torch.randn(2, 6, 5, 7)
    together = layer.attention_map(features, embedding, 1)
    monkeypatch.setattr("goodsam_pl.modules.ssr.sam_attention._QUERIES_TOGETHER", 5)
    torch.testing.assert_close(layer.attention_map(features, embedding, 1), together)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"heads": (1, 2, 5)}, r"heads has 3 numbers, the network 4 stages"),
        ({"heads": (1, 2, 3, 8)}, r"3 heads cannot share the 20 channels of stage 2"),
        ({"active": (0, 4)}, r"model\.stages is \[0, 4\]: name at least one of \[0, 1, 2, 3\]"),
        ({"active": ()}, r"model\.stages is \[\]"),
    ],
)
def test_what_does_not_fit_is_refused(given, told) -> None:
    with pytest.raises(ValueError, match=told):
        SamAttention(6, SMALL, **given)


def test_a_map_of_a_stage_that_does_not_ask_is_refused() -> None:
    layer = SamAttention(6, SMALL, active=(1,))
    with pytest.raises(ValueError, match=r"stage 0 does not ask SAM: choose of 1"):
        layer.attention_map(pyramid(*SMALL), torch.randn(2, 6, 5, 7), 0)
