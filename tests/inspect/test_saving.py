"""What is saved of a look is what it says, stage by stage."""

from __future__ import annotations

import numpy as np
import torch

from goodsam_pl import inspect
from goodsam_pl.fusion import CTCF
from goodsam_pl.views.stage_folder import StageFolder


def test_every_stage_is_there_and_says_the_same(place, tmp_path) -> None:
    run = inspect.open_run(place.run)
    look = run.look(place.panorama)
    strict = look.fuse(CTCF(0.9))
    folder = run.save(look, tmp_path, {"CTCF 0.9": strict})
    assert folder == tmp_path / look.name
    saved = StageFolder.load(folder)
    assert saved.panorama == look.name
    assert saved.vertical_fov == 67.5
    assert saved.classes == run.taxonomy.classes
    own = look.fuse()
    labels = {
        "teacher assistant, windowed": look.stitched.argmax(dim=0),
        "fused labels E": own.label,
        "trusted labels E_H": own.confident,
        "CTCF 0.9: fused labels E": strict.label,
        "CTCF 0.9: trusted labels E_H": strict.confident,
        "student": look.student_logits.argmax(dim=0),
        "ground truth": look.truth,
    }
    assert [each.name for each in saved.stages] == [
        "panorama",
        "SAM masks",
        "teacher assistant, windowed",
        "fused labels E",
        "weights M",
        "trusted labels E_H",
        "CTCF 0.9: fused labels E",
        "CTCF 0.9: weights M",
        "CTCF 0.9: trusted labels E_H",
        "student",
        "ground truth",
    ]
    pixels = {each.name: each.pixels for each in saved.stages}
    for name, expected in labels.items():
        assert np.array_equal(pixels[name], expected.numpy()), name
    weight = torch.from_numpy(pixels["weights M"]) / 255
    assert (weight - own.weight).abs().max() <= 0.5 / 255 + 1e-6
    covered = (look.masks[0] >= 0).any(dim=1)
    everywhere = look.windows.families[0].put_back(covered[None])[0]
    assert np.array_equal(pixels["SAM masks"].any(axis=2), everywhere.numpy())
