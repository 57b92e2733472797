"""What the teachers see, also when they look at a mirror image and at other scales."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch
from goodsam_pl.fusion import CTCF, BoundaryVersion, TrustedPool
from goodsam_pl.geometry import (
    CrossedWindows,
    WindowGrid,
    Windows,
    extract_families,
    stitch_families,
)
from goodsam_pl.modules import Teachers

GRID = WindowGrid.cover((16, 48), (16, 16), (16, 12))
CROSSED = CrossedWindows.cover((16, 48), (8, 24), (8, 12), (16, 12), (16, 12))


def _teachers(mirror: bool, windows: Windows = GRID) -> Teachers:
    return Teachers(boundary="v1" if windows is GRID else "v2", mirror=mirror)


def _panoramas(windows: Windows) -> PanoramaBatch:
    generator = torch.Generator().manual_seed(1)
    layers = torch.randint(-1, 4, (2, 1, 4, 12), generator=generator).short()
    cut = extract_families(layers.repeat_interleave(4, 2).repeat_interleave(4, 3), windows)
    return PanoramaBatch(
        image=torch.randn(2, 3, 16, 48, generator=generator),
        label=None,
        masks=cut,
        windows=windows,
        names=["a", "b"],
    )


def _sided_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(3, 19, (1, 3), padding=(0, 1))


@pytest.mark.parametrize("windows", [GRID, CROSSED], ids=["grid", "crossed"])
def test_the_mean_of_both_images_is_target_and_fused(windows: Windows) -> None:
    network, batch = _sided_network(), _panoramas(windows)
    mirrored = replace(batch, image=batch.image.flip(-1))
    plain = _teachers(mirror=False, windows=windows).look(network, batch)
    other = _teachers(mirror=False).predict(network, mirrored)
    back = stitch_families(tuple(part.exp() for part in other), windows).flip(-1)

    look = _teachers(mirror=True, windows=windows).look(network, batch)

    torch.testing.assert_close(look.target, (plain.stitched + back) / 2)
    mean = [
        (part.exp() + cut) / 2
        for part, cut in zip(plain.log_probabilities, extract_families(back, windows), strict=True)
    ]
    for fused, seen, masks in zip(look.fused, mean, batch.masks, strict=True):
        torch.testing.assert_close(fused.ensemble, CTCF()(seen, masks).ensemble)
    assert not torch.equal(look.target, plain.target)


@pytest.mark.parametrize("windows", [GRID, CROSSED], ids=["grid", "crossed"])
def test_a_fusion_of_panoramas_is_given_the_mean_of_views_and_the_masks(windows: Windows) -> None:
    network, fusion = _sided_network(), TrustedPool(odds=1.0, border=1.0)
    batch = replace(_panoramas(windows), whole_masks=True)
    boundary: BoundaryVersion = "v1" if windows is GRID else "v2"
    teachers = Teachers(fusion=fusion, boundary=boundary, mirror=True)
    look = teachers.look(network, batch)
    layers = windows.families[0].put_back(batch.masks[0])
    panoramas = fusion.around(look.target, layers)
    for fused, grid in zip(look.fused, windows.families, strict=True):
        assert torch.equal(fused.label, grid.extract(panoramas.label))
    torch.testing.assert_close(look.ensemble, panoramas.ensemble)
    by_window = teachers.look(network, replace(batch, whole_masks=False))
    assert not torch.equal(by_window.ensemble, look.ensemble)


def test_its_own_prediction_keeps_its_gradient_and_its_value() -> None:
    network, batch = _sided_network(), _panoramas(GRID)
    look = _teachers(mirror=True).look(network, batch)
    torch.testing.assert_close(look.stitched, _teachers(mirror=False).look(network, batch).stitched)
    assert look.stitched.requires_grad
    assert not look.target.requires_grad


def test_to_who_knows_no_sides_a_mirror_is_nothing_new() -> None:
    class Pointwise(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.repeat(1, 7, 1, 1)[:, :19] * torch.arange(19).view(1, 19, 1, 1)

    batch = _panoramas(GRID)
    look = _teachers(mirror=True).look(Pointwise(), batch)
    torch.testing.assert_close(look.target, look.stitched)


def test_stored_targets_know_whether_there_was_a_mirror() -> None:
    assert _teachers(mirror=True).describe() != _teachers(mirror=False).describe()


@pytest.mark.parametrize("mirror", [False, True])
def test_every_scale_and_side_has_an_equal_share(mirror: bool) -> None:
    network, batch = _sided_network(), _panoramas(GRID)
    views = []
    for scale in (1.0, 1.5, 2.0):
        one = Teachers(window_scale=scale, mirror=mirror)
        views.append(one.look(network, batch).target)

    # one that is said twice counts once
    look = Teachers(mirror=mirror, further_scales=(1.5, 2.0, 1.0)).look(network, batch)

    torch.testing.assert_close(look.target, torch.stack(views).mean(dim=0))
    assert not look.target.requires_grad
    torch.testing.assert_close(look.stitched, _teachers(mirror=False).look(network, batch).stitched)


def test_stored_targets_know_the_scales() -> None:
    plain, two = (Teachers(mirror=True, further_scales=more) for more in ((), (2.0,)))
    assert plain.describe() != two.describe()


def test_mixed_targets_are_the_soft_ones_of_the_whole_and_the_hard_ones_of_windows() -> None:
    network, batch = _sided_network(), _panoramas(GRID)
    hard, soft, mixed = (Teachers(targets=kind) for kind in ("hard", "soft", "mixed"))
    look = hard.look(network, batch)
    assert torch.equal(mixed.targets_of(look).whole, soft.targets_of(look).whole)
    assert torch.equal(mixed.targets_of(look).ensemble[0], hard.targets_of(look).ensemble[0])
    unpacked = mixed.unpack(mixed.targets_of(look))
    assert torch.equal(unpacked.whole, soft.unpack(soft.targets_of(look)).whole)
    assert torch.equal(unpacked.ensemble[0], hard.targets_of(look).ensemble[0])


def _normalising_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 19, 3, padding=1), nn.BatchNorm2d(19), nn.Dropout(0.3))


@pytest.mark.parametrize("labels_in_eval_mode", [False, True])
def test_further_looks_teach_no_running_statistics(labels_in_eval_mode: bool) -> None:
    network, alone, batch = _normalising_network(), _normalising_network(), _panoramas(GRID)
    teachers = Teachers(mirror=True, further_scales=(2.0,), labels_in_eval_mode=labels_in_eval_mode)
    teachers.look(network, batch).stitched.sum().backward()
    teachers.predict(alone, batch)  # the look that it learns from
    for (name, found), expected in zip(network.named_buffers(), alone.buffers(), strict=True):
        assert torch.equal(found, expected), name
    assert all(part.training for part in network.modules())


@pytest.mark.parametrize("mirror", [False, True])
def test_labels_come_from_evaluation_mode_where_that_is_asked_for(mirror: bool) -> None:
    batch = _panoramas(GRID)
    asked = Teachers(mirror=mirror, labels_in_eval_mode=True)
    as_usual = Teachers(mirror=mirror)

    network, twin = _normalising_network(), _normalising_network()
    torch.manual_seed(1)
    look = asked.look(network, batch)
    expected = as_usual.look(network.eval(), batch)  # after the one step that its statistics took
    torch.testing.assert_close(look.target, expected.target)
    torch.testing.assert_close(look.fused[0].ensemble, expected.fused[0].ensemble)
    assert torch.equal(look.boundary, expected.boundary)

    torch.manual_seed(1)
    training = as_usual.look(twin, batch)  # what it learns with is as ever
    torch.testing.assert_close(look.log_probabilities, training.log_probabilities)
    assert look.stitched.requires_grad
    assert not torch.equal(look.target, training.target)
