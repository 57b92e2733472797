"""Two things share an identity where they are built alike, and only there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.fusion import CTCF, CTCFv2, Fusion, NoFusion
from goodsam_pl.networks import SegmentationNetwork, identity_of
from goodsam_pl.networks.identity import _constant


class Scaled(nn.Module):
    """Its scale is in no state dict."""

    def __init__(self, scale: float = 1.0, activation: Callable[[Tensor], Tensor] = F.relu) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 1)
        self.scale = scale
        self.activation = activation
        self.seen = 0  # no argument: what it counts does not change what it says
        self.register_buffer("offset", torch.zeros(1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        self.seen += 1
        return self.scale * self.activation(self.convolution(images)) + self.offset


class Majority(Fusion):
    """A rule of a user's, no dataclass, whose repr is an address."""

    def __init__(self, share: float, *things: object) -> None:
        self.share = share
        self.things = things

    def __call__(self, probabilities: Tensor, masks: Tensor):
        return CTCF(self.share)(probabilities, masks)


def _rule(votes: int) -> type[Fusion]:
    """Classes of one name, whose code differs."""
    if votes:

        class Rule(NoFusion):
            def __call__(self, *given: Tensor):
                return CTCF()(*given)
    else:

        class Rule(NoFusion):
            def __call__(self, *given: Tensor):
                return CTCFv2()(*given)

    return Rule


def _scaled(seed: int = 0, hook: object = None, offset: float = 0.0, **arguments: object) -> Scaled:
    torch.manual_seed(seed)
    network = Scaled(**arguments)
    network.offset.fill_(offset)
    if hook is not None:
        network.register_forward_pre_hook(hook)
    return network


def _wrap(_: nn.Module, given: tuple[Tensor], width: int) -> tuple[Tensor]:
    return (F.pad(given[0], (width, width, 0, 0), mode="circular"),)


NETWORKS: list[Callable[[], object]] = [
    _scaled,
    partial(_scaled, seed=1),
    partial(_scaled, scale=2.0),
    partial(_scaled, activation=F.gelu),
    partial(_scaled, activation=lambda values: values),
    partial(_scaled, activation=lambda values: -values),
    partial(_scaled, offset=1.0),
    partial(_scaled, hook=partial(_wrap, width=1)),
    partial(_scaled, hook=partial(_wrap, width=2)),
]
FUSIONS: list[Callable[[], object]] = [
    CTCF,
    partial(CTCF, votes="softmax"),
    CTCFv2,
    partial(Majority, 0.5),
    partial(Majority, 0.6),
    partial(Majority, 0.5, torch.zeros(2000)),
    partial(Majority, 0.5, torch.zeros(2000).index_fill(0, torch.tensor(1000), 1.0)),
    partial(Majority, 0.5, {"road": (0, 1), "sky": {2, 3}}),
    partial(Majority, 0.5, {"road": (0, 1), "sky": {2, 4}}),
    _rule(0),
    _rule(1),
]


@pytest.mark.parametrize("builders", [NETWORKS, FUSIONS], ids=["networks", "fusions"])
def test_what_is_built_alike_is_alike_and_nothing_else(
    builders: list[Callable[[], object]],
) -> None:
    identities = [identity_of(build()) for build in builders]
    assert len({*identities}) == len(builders)
    assert [identity_of(build()) for build in builders] == identities


def test_a_circle_is_told_and_an_answer_is_not() -> None:
    torch.manual_seed(0)
    flat, circular = SegmentationNetwork(), SegmentationNetwork(circular=True)
    circular.load_state_dict(flat.state_dict())
    assert identity_of(flat) != identity_of(circular)
    network = _scaled()
    before = identity_of(network)
    network(torch.zeros(1, 3, 2, 2))
    assert identity_of(network.eval()) == before


def test_every_process_says_the_same() -> None:
    """Sets come in another order in another process, also those that Python makes of code."""

    def rule(name: str) -> bool:
        return name in {"road", "sky", "car"}

    (names,) = [each for each in rule.__code__.co_consts if isinstance(each, frozenset)]
    assert _constant(names) == str(["'car'", "'road'", "'sky'"])
    assert identity_of({"road", "sky", "car"}) == identity_of({"car", "sky", "road"})


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(ValueError, match="a generator cannot be told from another one"):
        identity_of(Majority(0.5, (each for each in "abc")))
    endless = Majority(0.5)
    endless.things = (endless,)
    with pytest.raises(ValueError, match="holds itself"):
        identity_of(endless)
