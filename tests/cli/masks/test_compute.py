"""``goodsam masks compute`` does what the callback does, in any number of pieces."""

from __future__ import annotations

import pytest

from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.data.batch import NO_MASK
from goodsam_pl.sam import MaskStore, PrecomputeSAM, precompute_masks

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
    assert batch.masks.shape[:2] == (2, data.windows.count)
    assert (batch.masks > NO_MASK).any()


def test_shards_make_the_store_that_one_process_makes(compute, write_panoramas, contents):
    write_panoramas(5)
    compute("alone")
    assert "2 panoramas computed" in compute("shared", "--shard", "2/2")
    assert "3 panoramas computed" in compute("shared", "--shard", "1/2")
    assert "0 panoramas computed, 5 had" in compute("shared")
    assert contents("shared") == contents("alone")


def test_torchrun_shares_the_panoramas(compute, write_panoramas, contents, monkeypatch):
    write_panoramas(5)
    compute("alone")
    monkeypatch.setenv("WORLD_SIZE", "3")
    for rank, own in enumerate((2, 2, 1)):
        monkeypatch.setenv("RANK", str(rank))
        assert f"{own} panoramas computed" in compute("shared")
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
