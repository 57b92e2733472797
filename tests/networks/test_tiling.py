from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from goodsam_pl.networks import SegmentationNetwork
from goodsam_pl.networks import tiling as module
from goodsam_pl.networks.memory import available_memory, peak_memory
from goodsam_pl.networks.tiling import TiledNetwork, TileSize, choose_tile, predict_tiles


def images(height=96, width=256, count=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, height, width, generator=generator)


class Circular(nn.Module):
    """Two convolutions that see 4 pixels far, around the circle and up to the upper border."""

    def __init__(self, wrap=True):
        super().__init__()
        torch.manual_seed(0)
        self.wrap = wrap
        self.layers = nn.ModuleList([nn.Conv2d(3, 5, 5), nn.Conv2d(5, 4, 5)])

    def forward(self, x):
        for layer in self.layers:
            x = nn.functional.pad(x, (2, 2, 0, 0), mode="circular" if self.wrap else "constant")
            x = layer(nn.functional.pad(x, (0, 0, 2, 2)))
        return x


class Counting(nn.Module):
    """Remembers what it was shown."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.shapes = []

    def forward(self, x):
        self.shapes.append(tuple(x.shape))
        return self.network(x)


@pytest.mark.parametrize("size", [(96, 256), (100, 250), (160, 320), (65, 129)])
@pytest.mark.parametrize("tile", [(64, 64), (64, 96), (96, 128), (500, 64), (64, 500)])
@pytest.mark.parametrize("wrap", [True, False])
@torch.no_grad()
def test_tiles_equal_the_whole_where_the_network_sees_no_farther_than_they_overlap(
    size, tile, wrap
):
    network, seen = Circular(wrap), images(*size)
    tiled = predict_tiles(network, seen, tile, wrap=wrap)
    torch.testing.assert_close(tiled, network(seen), rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_seam_is_no_border_of_a_network_that_does_not_wrap_itself():
    plain, seen = Circular(wrap=False), images()
    tiled = predict_tiles(plain, seen, (96, 64), wrap=True)
    torch.testing.assert_close(tiled, Circular()(seen), rtol=0, atol=1e-5)


@torch.no_grad()
def test_rolling_the_panorama_by_a_tile_s_step_rolls_the_logits():
    torch.manual_seed(0)
    network = SegmentationNetwork(classes=4).eval()
    seen = images(64, 384, count=1)
    tiled = predict_tiles(network, seen, (64, 128), wrap=True)
    rolled = predict_tiles(network, seen.roll(96, -1), (64, 128), wrap=True)
    torch.testing.assert_close(rolled, tiled.roll(96, -1), rtol=0, atol=1e-5)


@torch.no_grad()
def test_one_tile_is_the_network_s_own_answer():
    network = Counting(Circular())
    seen = images()
    assert torch.equal(TiledNetwork(network)(seen), network(seen))
    assert torch.equal(TiledNetwork(network, (96, 256))(seen), network(seen))
    assert set(network.shapes) == {tuple(seen.shape)}


@torch.no_grad()
def test_no_tile_is_larger_than_asked_for_and_all_begin_at_the_stride():
    network = Counting(Circular())
    TiledNetwork(network, (64, 96))(images(160, 320))
    assert set(network.shapes) == {(2, 3, 64, 96)}
    for strip in module._strips(1000, 256, wrap=True):
        assert strip.start % 32 == 0


@torch.no_grad()
def test_a_batch_is_taken_apart_before_its_images_are(monkeypatch):
    monkeypatch.setattr(module, "_HARMLESS", 0)
    network = Circular()
    whole = peak_memory(network, (1, 3, 96, 256))
    assert choose_tile(network, (4, 96, 256), 4 * whole) == TileSize(4, 96, 256)
    assert choose_tile(network, (4, 96, 256), 2 * whole) == TileSize(2, 96, 256)
    assert choose_tile(network, (4, 96, 256), whole) == TileSize(1, 96, 256)
    assert choose_tile(network, (4, 96, 256), int(0.6 * whole)) == TileSize(1, 96, 128)
    counting = Counting(network)
    tiled = TiledNetwork(counting)
    monkeypatch.setattr(module, "available_memory", lambda _: 4 * whole)
    torch.testing.assert_close(tiled(images(count=3)), network(images(count=3)))
    assert counting.shapes[-2:] == [(2, 3, 96, 256), (1, 3, 96, 256)]
    halves = TiledNetwork(counting, processes=8)
    torch.testing.assert_close(halves(images()), network(images()), rtol=0, atol=1e-5)
    assert counting.shapes[-1] == (1, 3, 64, 64)


@torch.no_grad()
def test_a_network_that_needs_data_is_shown_a_million_pixels():
    class Reading(nn.Module):
        def forward(self, x):
            return x + float(x.sum())

    assert peak_memory(Reading(), (1, 3, 8, 8)) is None
    assert choose_tile(Reading(), (2, 2048, 4096), 1 << 40) == TileSize(1, 1024, 1024)


def test_memory_is_that_of_the_tensors_in_use_at_once():
    class Known(nn.Module):
        def forward(self, x):
            first = x + 1  # 2 in use
            second = first.view(-1) * 2  # 3, a view is none of its own
            del first
            return second.reshape(x.shape) - x  # 3

    assert peak_memory(Known(), (1, 3, 10, 10)) == 3 * 3 * 100 * 4


def test_a_look_at_memory_leaves_the_network_as_it_was():
    class Noting(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(3, 4, 1)
            self.positions = None

        def forward(self, x):
            if self.positions is None:
                self.positions = torch.zeros_like(x[:, :1])
            return self.layer(x) + self.positions

    network = Noting()
    assert peak_memory(network, (1, 3, 8, 8)) > 0
    assert network.positions is None
    assert network(images()).device.type == "cpu"
    assert [parameter.device.type for parameter in network.parameters()] == ["cpu"] * 2


def test_some_memory_is_free():
    assert 1 << 20 < available_memory(torch.device("cpu")) < 1 << 50


def test_tiles_that_show_too_little_are_refused():
    with pytest.raises(ValueError, match="32×128 pixels show too little"):
        TiledNetwork(Circular(), (32, 128))


SPHERE = """\
import resource, torch
from goodsam_pl.networks import SegmentationNetwork
from goodsam_pl.networks.tiling import TiledNetwork
network = TiledNetwork(SegmentationNetwork(circular=True).eval(), {tile})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with torch.no_grad():
    assert network(torch.zeros(1, 3, {size})).shape == (1, 19, {size})
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_the_peak_of_a_process_is_that_of_a_tile_and_the_logits():
    """At a sixteenth of the pixels of 4096×2048; the whole of that takes seconds for each tile."""
    script = SPHERE.format(size="512, 1024", tile="(256, 256)")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    logits = 19 * 512 * 1024 * 4
    tile = peak_memory(SegmentationNetwork(), (1, 3, 256, 256))
    assert int(done.stdout) < logits + 2 * tile + (100 << 20)
