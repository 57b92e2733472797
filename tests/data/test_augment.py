from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.data import Turn, column_spacing, draw_turn, possible_shifts
from goodsam_pl.geometry import CrossedWindows, WindowGrid, extract_families

GRIDS = [
    WindowGrid.cover((12, 48), (12, 12), (12, 8)),  # d = 8 does not divide w = 12
    WindowGrid.cover((12, 48), (12, 16), (12, 8)),  # d = 8 divides w = 16
    WindowGrid.cover((12, 48), (5, 7), (4, 6)),  # several rows, odd windows
    WindowGrid.cover((12, 48), (12, 48), (12, 48)),  # one window, the whole circle
    WindowGrid.cover((48, 256), (48, 48), (48, 32)),  # the default, a quarter of its size
]


def turns_of(windows: WindowGrid) -> list[Turn]:
    width, spacing = windows.image_size[1], column_spacing(windows)
    offset = windows.window_size[1] % spacing
    steps = range(len(windows.columns))
    return [Turn(k * spacing) for k in steps] + [
        Turn((k * spacing + offset) % width, mirror=True) for k in steps
    ]


@pytest.mark.parametrize("windows", GRIDS)
def test_windows_of_the_turned_image_are_the_turned_windows(windows):
    image = torch.randn(1, 2, *windows.image_size)
    cut = windows.extract(image)[0]
    for turn in turns_of(windows):
        assert torch.equal(windows.extract(turn.pixels(image))[0], turn.masks(cut, windows))


@pytest.mark.parametrize("windows", GRIDS[:3])
def test_masks_painted_before_and_after_agree_with_the_turned_label(windows):
    label = torch.randint(0, 5, windows.image_size)
    layers = windows.extract(label[None])[0].to(torch.int16)[:, None]  # (N, 1, h, w)
    for turn in turns_of(windows):
        painted = turn.masks(layers, windows)[:, 0].long()
        assert torch.equal(painted, windows.extract(turn.pixels(label)[None])[0])


def test_a_roll_moves_to_the_right_and_a_mirror_comes_first():
    row = torch.arange(6)[None]
    assert Turn(shift=2).pixels(row).tolist() == [[4, 5, 0, 1, 2, 3]]
    assert Turn(mirror=True).pixels(row).tolist() == [[5, 4, 3, 2, 1, 0]]
    assert Turn(shift=2, mirror=True).pixels(row).tolist() == [[1, 0, 5, 4, 3, 2]]
    assert Turn().pixels(row) is row


def test_turning_the_full_circle_in_steps_comes_back():
    windows = GRIDS[0]
    masks = torch.randint(-1, 9, (windows.count, 2, *windows.window_size), dtype=torch.int16)
    turned = masks
    for _ in windows.columns:
        turned = Turn(column_spacing(windows)).masks(turned, windows)
    assert torch.equal(turned, masks)


def test_a_shift_between_windows_is_refused():
    windows = GRIDS[0]
    masks = torch.zeros(windows.count, 1, 12, 12)
    with pytest.raises(ValueError, match=r"roll by 3 pixels leaves the grid .* 8 pixels apart"):
        Turn(3).masks(masks, windows)
    with pytest.raises(ValueError, match="leaves the grid"):
        Turn(0, mirror=True).masks(masks, windows)  # w mod d = 4 is missing


def test_uneven_windows_are_refused():
    uneven = WindowGrid.cover((12, 50), (12, 12), (12, 8))
    with pytest.raises(ValueError, match="do not stand evenly around 50 columns"):
        column_spacing(uneven)
    line = WindowGrid.cover((12, 48), (12, 12), (12, 12), wrap=False)
    assert column_spacing(line) == 12
    with pytest.raises(ValueError, match="do not stand evenly"):
        column_spacing(WindowGrid.cover((12, 48), (12, 12), (12, 9), wrap=False))


def test_draws_cover_the_circle_and_repeat_with_the_generator():
    def draw(seed, **options):
        generator = np.random.default_rng(seed)
        return [draw_turn(generator, 48, **options) for _ in range(300)]

    free = draw(0, roll=True, flip=True, windows=None)
    assert {turn.shift for turn in free} == set(range(48))
    assert {turn.mirror for turn in free} == {True, False}
    assert free == draw(0, roll=True, flip=True, windows=None)
    assert free != draw(1, roll=True, flip=True, windows=None)

    on_grid = draw(0, roll=True, flip=True, windows=GRIDS[0])
    assert {turn.shift for turn in on_grid if not turn.mirror} == {0, 8, 16, 24, 32, 40}
    assert {turn.shift for turn in on_grid if turn.mirror} == {4, 12, 20, 28, 36, 44}
    assert set(draw(0, roll=False, flip=False, windows=None)) == {Turn()}
    assert set(draw(0, roll=False, flip=True, windows=GRIDS[0])) == {Turn(), Turn(4, mirror=True)}


CROSSED = CrossedWindows.cover((8, 48), (4, 24), (4, 12), (8, 16), (8, 8))  # 12 and 8 apart


def test_a_turn_of_two_families_brings_both_onto_their_grids():
    assert possible_shifts(CROSSED, mirror=False).tolist() == [0, 24]
    assert possible_shifts(CROSSED, mirror=True).tolist() == [0, 24]
    image = torch.randn(2, 8, 48)
    cut = tuple(each[0] for each in extract_families(image[None], CROSSED))
    generator = np.random.default_rng(0)
    turns = {draw_turn(generator, 48, roll=True, flip=True, windows=CROSSED) for _ in range(50)}
    assert turns == {Turn(shift, mirror) for shift in (0, 24) for mirror in (False, True)}
    for turn in turns:
        turned = turn.windowed(cut, CROSSED)
        expected = extract_families(turn.pixels(image)[None], CROSSED)
        assert all(torch.equal(one, other[0]) for one, other in zip(turned, expected, strict=True))


def test_families_that_no_mirror_image_fits_are_refused():
    windows = CrossedWindows.cover((8, 48), (4, 15), (4, 12), (8, 8), (8, 8))  # 12k + 3 is odd
    assert len(possible_shifts(windows, mirror=False)) == 2
    with pytest.raises(ValueError, match=r"find no common place: .* or switch flip off"):
        possible_shifts(windows, mirror=True)
