from __future__ import annotations

import numpy as np
import torch

from goodsam_pl.modules.ssr.class_mix import class_mix, draw_class_masks


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_half_of_the_classes_rounded_up_are_chosen_for_each_image_anew():
    labels = torch.tensor([0, 3, 3, 7, 11, 18, 255, 255]).repeat(2, 4, 1)  # five classes
    masks = draw_class_masks(labels, 255, _generator())

    chosen = [set(label[mask].tolist()) for label, mask in zip(labels, masks, strict=True)]
    assert [len(each) for each in chosen] == [3, 3]
    assert chosen[0] != chosen[1]
    for label, mask, classes in zip(labels.numpy(), masks.numpy(), chosen, strict=True):
        np.testing.assert_array_equal(mask, np.isin(label, [*classes]))


def test_classes_of_another_image_count_and_each_class_is_chosen_as_often():
    labels = torch.stack([torch.full((2, 2), 4), torch.full((2, 2), 5)])
    generator = _generator()
    masks = torch.stack([draw_class_masks(labels, 255, generator) for _ in range(2000)])

    # one of the two classes is chosen: an image is pasted whole or not at all
    assert (masks.flatten(2).all(-1) | ~masks.flatten(2).any(-1)).all()
    torch.testing.assert_close(
        masks[:, :, 0, 0].float().mean(0), torch.tensor([0.5, 0.5]), atol=0.04, rtol=0
    )


def test_nothing_is_pasted_where_nothing_is_labelled():
    assert not draw_class_masks(torch.full((1, 3, 3), 255), 255, _generator()).any()


def test_images_labels_and_weights_are_pasted_alike():
    rng = np.random.default_rng(0)
    mask = rng.random((2, 4, 5)) < 0.5
    pairs = [
        (rng.random((2, 3, 4, 5)), rng.random((2, 3, 4, 5))),
        (rng.integers(0, 19, (2, 4, 5)), rng.integers(0, 19, (2, 4, 5))),
        (np.ones((2, 4, 5)), rng.random((2, 4, 5))),
    ]
    for source, target in pairs:
        mixed = class_mix(*(torch.from_numpy(each) for each in (mask, source, target))).numpy()
        expected = target.copy()
        for index in np.ndindex(2, 4, 5):
            if mask[index]:
                place = (index[0], ..., *index[1:])
                expected[place] = source[place]
        np.testing.assert_array_equal(mixed, expected)
        assert mixed.dtype == source.dtype
