"""``goodsam masks compute`` does what the callback does, in any number of pieces."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.callbacks import PrecomputeSAM
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.data.batch import NO_MASK
from goodsam_pl.masks import MaskStore, precompute_masks

DIARY = ("--proposer", "mask_fakes.Diary")


@pytest.fixture
def compute(goodsam, sizes):
    def run(store, *more):
        return goodsam(
            "masks", "compute", "--mode", "window", "images", store, *DIARY, *sizes, *more
        ).out

    return run


def test_training_finds_the_masks_as_if_it_had_made_them(
    compute, write_panoramas, workplace, contents
):
    from mask_fakes import Diary  # noqa: PLC0415  # importable within a test only

    write_panoramas(3)
    assert "3 panoramas computed, 0 had their masks already: masks" in compute("masks")
    data = PanoramaDataModule(
        dataset="folder",
        root="images",
        size=(24, 128),
        window_size=(24, 24),
        window_stride=(24, 16),
        mask_root="masks",
        num_workers=0,
    )
    data.setup("fit")
    store = MaskStore.create(data.mask_root, data.windows, Diary(), data.view)
    files = data.panorama_files("fit")
    assert precompute_masks(files, data.read_panorama, Diary(), store) == (0, 3, {})
    batch = next(iter(data.train_dataloader()))
    (masks,) = batch.masks
    assert masks.shape[:2] == (2, data.windows.count)
    assert (masks > NO_MASK).any()


def test_shards_make_the_store_that_one_process_makes(compute, write_panoramas, contents):
    write_panoramas(5)
    compute("alone")
    assert "2 panoramas computed" in compute("shared", "--shard", "2/2")
    assert "3 panoramas computed" in compute("shared", "--shard", "1/2")
    assert "0 panoramas computed, 5 had" in compute("shared")
    assert contents("shared") == contents("alone")


def test_torchrun_s_processes_share_the_panoramas_and_help_one_another(
    compute, write_panoramas, contents, monkeypatch
):
    write_panoramas(5)
    compute("alone")
    monkeypatch.setenv("WORLD_SIZE", "3")
    for rank, told in enumerate(("5 panoramas computed, 0 had", "0 panoramas computed, 2 had")):
        monkeypatch.setenv("RANK", str(rank))
        assert told in compute("shared")  # the others have not begun yet
    assert contents("shared") == contents("alone")


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/0", "a/b"])
def test_a_wrong_shard_is_refused(shard, fails, write_panoramas, sizes):
    write_panoramas(1)
    error = fails(
        "masks", "compute", "--mode", "window", "images", "masks", *DIARY, *sizes, "--shard", shard
    )
    assert f"shard is {shard!r}: give i/n with i from 1 to n" in error


def test_files_that_cannot_be_read_are_named_at_the_end(
    compute, write_panoramas, fails, sizes, caplog
):
    paths = write_panoramas(4)
    for path in paths[1:3]:
        path.write_bytes(path.read_bytes()[:60])
    command = ("masks", "compute", "--mode", "window", "images", "masks", *DIARY, *sizes)
    error = fails(*command)
    assert "2 panoramas without masks:" in error
    assert all(str(path.relative_to(path.parents[1])) in error for path in paths[1:3])
    assert "0 panoramas computed, 2 had" in compute("masks", "--on_error", "skip")
    assert "2 panoramas without masks:" in caplog.text


def test_other_parameters_are_refused_by_name(compute, write_panoramas, fails, sizes):
    write_panoramas(1)
    compute("masks")
    error = fails("masks", "compute", "--mode", "window", "images", "masks", *sizes,
                  "--proposer", "goodsam_pl.sam.Felzenszwalb")  # fmt: skip
    assert "is of other masks: scales is 100 there and 50 150 450 here" in error
    error = fails(
        "masks",
        "compute",
        "--mode",
        "window",
        "images",
        "masks",
        *DIARY,
        *sizes,
        "--keep_logits",
        "false",
    )
    assert "logits is True there and False here" in error


def test_the_callback_has_the_same_default():
    assert PrecomputeSAM(None).keep_logits is True


def test_an_empty_store_is_made_anew(compute, write_panoramas, goodsam, fails, workplace):
    write_panoramas(1)
    compute("masks")
    [record] = (workplace / "masks").rglob("*.masks")
    more = ("--keep_logits", "false")
    with pytest.raises(SystemExit):
        compute("masks", *more)
    record.unlink()
    assert "1 panoramas computed" in compute("masks", *more)
    [record] = (workplace / "masks").rglob("*.masks")
    record.unlink()
    (workplace / "masks/store.json").write_text("{")
    assert "1 panoramas computed" in compute("masks")


@pytest.fixture
def sphere(workplace):
    """A photograph of a full sphere."""
    (workplace / "images").mkdir()
    rows = np.linspace(0, 255, 64).astype(np.uint8)
    pixels = np.repeat(np.repeat(rows[:, None, None], 128, axis=1), 3, axis=2)
    Image.fromarray(pixels).save(workplace / "images" / "a.png")


def test_twice_as_wide_as_high_is_a_full_sphere(compute, sphere, workplace, caplog):
    assert "1 panoramas computed" in compute("masks")
    assert MaskStore.open(workplace / "masks").view == {
        "vertical_fov": 67.5,
        "file_vertical_fov": 180.0,
    }
    assert "128×64 are taken for full spheres, as --file_vertical_fov 180 says" in caplog.text
    caplog.clear()
    assert "0 panoramas computed, 1 had" in compute("masks", "--file_vertical_fov", "180")
    assert not caplog.text


def test_what_is_not_there_is_said_at_once(write_panoramas, fails, workplace):
    [path] = write_panoramas(1)
    for images, told in (
        ("nowhere", "nowhere: no such folder"),
        (path, "00.png is a file: name the folder that it is in"),
        (workplace / "images" / "x", "no such folder"),
    ):
        error = fails("masks", "compute", images, "masks", *DIARY)
        assert told in error
        assert "data.root" not in error
    assert "00.png is a file: name a folder" in fails("masks", "compute", "images", path, *DIARY)
    assert not (workplace / "masks").exists()


def test_devices_are_checked_before_the_work(write_panoramas, fails, workplace, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    write_panoramas(1)
    words = ("masks", "compute", "images", "masks", *DIARY, "--device")
    assert "device is 'gpu'; choose among auto, cpu\n" in fails(*words, "gpu")
    error = fails(*words, "cuda")
    assert "device is 'cuda': PyTorch finds no GPU here; choose among auto, cpu\n" in error
    assert "computes nothing" in fails(*words, "meta")
    assert not (workplace / "masks").exists()


def test_an_option_of_the_usual_proposer_needs_no_class(write_panoramas, fails):
    write_panoramas(1)
    error = fails("masks", "compute", "images", "masks", "--proposer.modle", "vit_h")
    assert "goodsam_pl.sam.SegmentAnything" in error
    assert "Did you mean 'model'?" in error


def test_names_do_not_matter_to_masks(compute, write_panoramas):
    paths = write_panoramas(2)
    Image.open(paths[1]).save(paths[0].with_suffix(".bmp"))
    assert "3 panoramas computed" in compute("masks")


def test_a_class_that_is_no_proposer_is_told_what_it_lacks(write_panoramas, fails, workplace):
    write_panoramas(1)
    error = fails("masks", "compute", "images", "masks", "--proposer", "pathlib.Path")
    assert "does not implement protocol MaskProposer" in error
    assert "It needs, with just these names and types:" in error
    assert "  propose(self, windows: Tensor) -> list[WindowMasks]" in error


PAGE = Path(__file__).parents[3] / "docs" / "mask_proposers.md"


def test_the_proposer_of_the_documentation(write_panoramas, goodsam, sizes, workplace):
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    write_panoramas(1)
    for name, text in (
        ("my_masks", code),
        ("my_later_masks", f"from __future__ import annotations\n{code}"),
    ):
        (workplace / f"{name}.py").write_text(text, encoding="utf-8")
        words = ("--proposer", f"{name}.Brightness", "--proposer.levels", "2", *sizes)
        out = goodsam("masks", "compute", "images", f"{name}_store", "--mode", "window", *words).out
        assert "1 panoramas computed" in out
        assert MaskStore.open(workplace / f"{name}_store").manifest.proposer["levels"] == 2
