"""``goodsam masks refine``: coarse labels in, refined ones out, in any number of pieces."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl.cli import main
from goodsam_pl.masks.coco_file import CocoFile

WORDS = ("--prompts", "clicks", "--proposer", "refine_fakes.RedClicks", "--device", "cpu")
LABELS = ("--labels", "coarse", "--classes", "c0, c1, c2", *WORDS)
SIZE = (24, 96)


@pytest.fixture
def write_coarse(workplace):
    """Write pictures whose red says the class, or none, and labels that are a column off."""

    def write(count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        truths, labels = [], []
        for index in range(count):
            blocks = np.random.default_rng(index).integers(0, 4, (3, 12))
            truth = blocks.repeat(8, 0).repeat(8, 1)
            coarse = np.where(truth < 3, truth, 255).astype(np.uint8)
            coarse[:, 8::8] = coarse[:, 7:-1:8]  # each block grows to the right
            picture = np.zeros((*SIZE, 3), np.uint8)
            picture[..., 0] = 40 * truth + 20
            name = f"{'ab'[index % 2]}/{index:02}.png"
            for folder, content in (("images", picture), ("coarse", coarse)):
                path = workplace / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(content).save(path)
            truths.append(truth)
            labels.append(coarse)
        return truths, labels

    return write


def label_of(folder: str, name: str) -> np.ndarray:
    return np.asarray(Image.open(f"{folder}/labels/{name}.png"))


def files(folder: str) -> dict[str, bytes]:
    root = Path(folder)
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_edges_move_to_where_the_image_has_them(goodsam, write_coarse):
    truths, coarse = write_coarse(3)
    told = goodsam("masks", "refine", "images", "out", *LABELS).out
    assert "3 labels refined, 0 had been before, masks claim" in told
    for index, (truth, before) in enumerate(zip(truths, coarse, strict=True)):
        name = f"{'ab'[index % 2]}/{index:02}"
        expected = np.where(truth < 3, truth, before)  # nothing claims what is of no class
        np.testing.assert_array_equal(label_of("out", name), expected)
        record = json.loads(Path(f"out/things/{name}.json").read_text())
        assert record["changed"] == pytest.approx((expected != before).mean(), abs=1e-6)
        assert record["claimed"] == pytest.approx((truth < 3).mean(), abs=1e-6)
        assert record["parts"] == record["believed"] > 0
        assert Image.open(f"out/overlays/{name}.png").size == (96, 24)
    assert CocoFile(Path("out/instances.json")).categories == ("c0", "c1", "c2")
    assert "goodsam masks refine" in Path("out/instances.json").read_text()[:200]


def test_a_panorama_is_refined_through_windows(goodsam, write_coarse):
    (truth,), (before,) = write_coarse(1)
    # a window may show no more of a part than the column that is wrong
    more = ("--panorama", "true", "--least_agreement", "0.3")
    goodsam("masks", "refine", "images", "out", *LABELS, *more)
    np.testing.assert_array_equal(label_of("out", "a/00"), np.where(truth < 3, truth, before))
    assert Path("diary.txt").read_text().splitlines() == ["(1, 3, 24, 24)"] * 6


def test_some_classes_alone_can_be_refined(goodsam, fails, write_coarse):
    (truth,), (before,) = write_coarse(1)
    goodsam("masks", "refine", "images", "out", *LABELS, "--only", "c1")
    np.testing.assert_array_equal(label_of("out", "a/00"), np.where(truth == 1, 1, before))
    told = fails("masks", "refine", "images", "two", *LABELS, "--only", "c1, tree")
    assert "only: classes has no class 'tree'; it has c0, c1, c2" in told


def test_masks_that_are_too_far_off_are_not_believed(goodsam, write_coarse):
    _, (before,) = write_coarse(1)
    goodsam("masks", "refine", "images", "out", *LABELS, "--least_agreement", "1")
    np.testing.assert_array_equal(label_of("out", "a/00"), before)
    record = json.loads(Path("out/things/a/00.json").read_text())
    assert record["believed"] == 0


def test_a_folder_of_goodsam_label_says_its_classes_itself(goodsam, fails, write_coarse):
    (truth,), (before,) = write_coarse(1)
    text = "classes: [{name: c2, id: 9}, {name: c1, id: 4}, {name: c0, id: 7}]"
    Path("given").mkdir()
    ids = np.choose(np.minimum(before, 3), [7, 4, 9, 255]).astype(np.uint8)
    Path("given/labels/a").mkdir(parents=True)
    Image.fromarray(ids).save("given/labels/a/00.png")
    told = fails("masks", "refine", "images", "out", "--labels", "given", *WORDS)
    assert "given has no classes.yaml, and nothing says what the ids" in told
    Path("given/classes.yaml").write_text(text)
    goodsam("masks", "refine", "images", "out", "--labels", "given", *WORDS)
    expected = np.where(truth < 3, np.choose(np.minimum(truth, 3), [7, 4, 9, 255]), ids)
    np.testing.assert_array_equal(label_of("out", "a/00"), expected)
    told = fails("masks", "refine", "images", "given", "--labels", "given", *WORDS)
    assert "given is the folder of the labels that are to be refined" in told


def test_what_a_network_says_is_refined(goodsam, write_coarse, monkeypatch):
    (truth,), (before,) = write_coarse(1)

    class Teacher:
        sha256 = "0" * 64

        def __init__(self, path, taxonomy):
            assert path == Path("ta.safetensors")
            self.taxonomy = taxonomy

        def to(self, device):
            """Stay."""

        def look(self, image):
            assert image.name == "00.png"
            return before

    monkeypatch.setattr("goodsam_pl.cli.masks.refine.TeacherLabels", Teacher)
    given = ("--ta", "ta.safetensors", "--classes", "c0, c1, c2")
    goodsam("masks", "refine", "images", "out", *given, *WORDS)
    np.testing.assert_array_equal(label_of("out", "a/00"), np.where(truth < 3, truth, before))


def test_what_is_there_is_not_done_again_unless_its_label_has_changed(goodsam, fails, write_coarse):
    write_coarse(3)
    goodsam("masks", "refine", "images", "out", *LABELS)
    before = files("out")
    told = goodsam("masks", "refine", "images", "out", *LABELS).out
    assert "0 labels refined, 3 had been before" in told
    assert files("out") == before
    told = fails("masks", "refine", "images", "out", *LABELS, "--proposer.version", "2")
    assert "refiner.sam_weights is 'version 1' there and 'version 2' here" in told
    void = np.full(SIZE, 255, np.uint8)
    Image.fromarray(void).save("coarse/b/01.png")
    assert "1 labels refined, 2 had" in goodsam("masks", "refine", "images", "out", *LABELS).out
    assert (label_of("out", "b/01") == 255).all()


def test_shards_make_the_folder_that_one_process_makes(goodsam, write_coarse):
    write_coarse(5)
    goodsam("masks", "refine", "images", "alone", *LABELS)
    for shard, count in (("2/2", 2), ("1/2", 3)):
        told = goodsam("masks", "refine", "images", "out", *LABELS, "--shard", shard).out
        assert f"{count} labels refined" in told
    assert files("out") == files("alone")


def test_bad_labels_are_named_and_do_not_stop_the_others(goodsam, fails, write_coarse):
    write_coarse(4)
    Image.fromarray(np.zeros((24, 95), np.uint8)).save("coarse/a/00.png")
    Image.fromarray(np.full(SIZE, 3, np.uint8)).save("coarse/b/01.png")
    Path("coarse/a/02.png").write_bytes(b"nothing")
    told = fails("masks", "refine", "images", "out", *LABELS)
    assert "3 of 4 images have no labels" in told
    assert "00.png has 95×24 pixels, its image 96×24: write labels in the size" in told
    assert "01.png: label id out of range" in told
    assert "the taxonomy the file was written in (--classes)" in told
    assert Path("out/labels/b/03.png").is_file()
    told = goodsam("masks", "refine", "images", "out", *LABELS, "--on_error", "skip").out
    assert "0 labels refined, 1 had been before" in told


def test_labels_and_images_must_belong_together(fails, write_coarse):
    write_coarse(2)
    Path("images/a/00.png").rename("images/a/other.png")
    told = fails("masks", "refine", "images", "out", *LABELS)
    assert "1 of 2 images have no label: coarse/a/other.png" in told
    Path("images/a/other.png").unlink()
    told = fails("masks", "refine", "images", "out", *LABELS)
    assert "1 labels have no image: coarse/a/00.png" in told
    told = fails("masks", "refine", "images", "out", "--labels", "nowhere", *LABELS[2:])
    assert "nowhere: no such folder" in told
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (WORDS, "give label files by --labels, or a network by --ta"),
        ((*LABELS, "--ta", "ta.ckpt"), "give label files by --labels, or a network by --ta"),
        ((*LABELS, "--rounds", "0"), "rounds is 0"),
        ((*LABELS, "--points", "0"), "points is 0"),
        ((*LABELS, "--agreement", "0"), "agreement is 0"),
        ((*LABELS, "--least_agreement", "2"), "least_agreement is 2"),
        ((*LABELS, "--margin", "1", "--prompts", "all"), "cannot be asked by points, boxes and"),
        (
            (*LABELS[:4], "--proposer", "goodsam_pl.sam.Felzenszwalb"),
            "Felzenszwalb cannot be asked by points, boxes and masks, and so refines no masks",
        ),
        ((*LABELS[:4], "--proposer.model", "vit_b", "--margin", "1"), "margin is 1.0"),
    ],
)
def test_settings_that_cannot_work_are_refused(fails, write_coarse, words, told):
    write_coarse(1)
    assert told in fails("masks", "refine", "images", "out", *words)
    assert not Path("out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_kills_lose_nothing(goodsam, write_coarse):
    torch.set_num_threads(1)  # what is forked must not wait for threads that are not there
    kills, count = 5, 20
    write_coarse(count)
    words = ["masks", "refine", "images", "killed", *LABELS, "--proposer.seconds", "0.05"]
    goodsam("masks", "refine", "images", "whole", *LABELS, "--proposer.path", "other.txt")
    undisturbed = files("whole")
    generator = random.Random(0)  # noqa: S311  # not for secrets
    forks = multiprocessing.get_context("fork")
    before: set[str] = set()
    for _ in range(kills):
        process = forks.Process(target=main, args=(words,))
        process.start()
        time.sleep(generator.uniform(0.3, 1.2))
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        found = files("killed") if Path("killed").exists() else {}
        there = {name: data for name, data in found.items() if _is_result(name)}
        assert there.items() <= undisturbed.items()  # nothing half-written
        assert before <= there.keys()  # nothing lost
        before = set(there)
    goodsam(*words)
    assert files("killed") == undisturbed
    assert len(Path("diary.txt").read_text().splitlines()) <= count + kills


def _is_result(name: str) -> bool:
    hidden = any(part.startswith(".") for part in Path(name).parts)
    return not hidden and name != "instances.json"
