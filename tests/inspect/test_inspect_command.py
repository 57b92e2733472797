"""``goodsam inspect`` writes folders that say what the run says."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from goodsam_pl import inspect
from goodsam_pl.cli import main
from goodsam_pl.views.stage_folder import StageFolder, stage_folders


def test_a_run_and_a_folder_of_panoramas(place, tmp_path, capsys) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(place.panorama, own / "a.png")
    out = tmp_path / "stages"
    main(["inspect", str(place.run), str(place.panorama), str(own), "--out", str(out)])
    told = capsys.readouterr().out.splitlines()
    assert told == [str(out / place.panorama.stem), str(out / "a")]
    with_truth, own_file = (StageFolder.load(out / each) for each in (place.panorama.stem, "a"))
    assert {each.name for each in with_truth.stages} >= {"student", "ground truth"}
    assert "ground truth" not in {each.name for each in own_file.stages}
    student = inspect.open_run(place.run).look(place.panorama).student_logits.argmax(dim=0)
    for folder in (with_truth, own_file):
        [pixels] = [each.pixels for each in folder.stages if each.name == "student"]
        assert np.array_equal(pixels, student.numpy())
    assert len(stage_folders(out)) == 2


def test_a_preset_with_options_and_a_checkpoint_of_its_own(place, tmp_path) -> None:
    words = ["inspect", str(place.preset), str(place.panorama), f"--out={tmp_path}"]
    fusion = ["--model.init_args.teachers.fusion", "goodsam_pl.fusion.NoFusion"]
    main([*words, *place.options, "--model.init_args.teachers.mirror=false", *fusion])
    [folder] = stage_folders(tmp_path)
    stages = {each.name: each.pixels for each in StageFolder.load(folder).stages}
    assert np.array_equal(stages["fused labels E"], stages["teacher assistant, windowed"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["runs/a"], "a run and at least one panorama are needed"),
        (["runs/a", "b.png"], "--out is needed"),
        (["runs/a", "b.png", "--out", "c"], "b.png: there is no such panorama"),
        (["runs/a", __file__, "--out", "c"], "runs/a: there is no such run"),
    ],
)
def test_mistakes_are_told_in_one_line(words, told, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["inspect", *words])
    assert end.value.code == 2
    assert told in capsys.readouterr().err


def test_help(capsys) -> None:
    main(["inspect", "--help"])
    assert capsys.readouterr().out.startswith("usage: goodsam inspect RUN PANORAMA")
