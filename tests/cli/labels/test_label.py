"""``goodsam label``: class names in, label files out, in any number of pieces."""

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
from goodsam_pl.data.labels import LabelReader, train_ids
from goodsam_pl.masks.coco_file import CocoFile

WORDS = ("--classes", "c0, c1, c2", "--proposer", "concept_fakes.Reds", "--device", "cpu")


def label_of(folder: str, name: str) -> np.ndarray:
    return np.asarray(Image.open(f"{folder}/labels/{name}.png"))


def test_a_folder_becomes_labels_overlays_and_instances(goodsam, write_reds, workplace):
    truths = write_reds(3)
    told = goodsam("label", "images", "out", *WORDS).out
    claimed = np.mean([truth < 3 for truth in truths])
    assert f"3 images labelled, 0 had their labels already, masks claim {claimed:.1%}" in told
    for index, truth in enumerate(truths):
        name = f"{'ab'[index % 2]}/{index:02}"
        np.testing.assert_array_equal(label_of("out", name), np.where(truth < 3, truth, 255))
        record = json.loads(Path(f"out/things/{name}.json").read_text())
        assert record["claimed"] == pytest.approx((truth < 3).mean(), abs=1e-6)
        assert [each["class"] for each in record["found"]] == ["c0", "c1", "c2"]
        assert [each["box"] for each in record["found"]] == [[0, 0, 48, 12]] * 3
        assert [each["score"] for each in record["things"]] == [1.0, 0.5, pytest.approx(1 / 3)]
        assert Image.open(f"out/overlays/{name}.png").size == (48, 12)
    palette = Image.open("out/labels/a/00.png").getpalette()
    assert palette[:9] == [128, 0, 0, 0, 128, 0, 128, 128, 0]
    file = CocoFile(Path("out/instances.json"))
    image = file.image("a/00")
    assert file.categories == ("c0", "c1", "c2")
    for number, thing in enumerate(image.annotations):
        np.testing.assert_array_equal(image.mask(thing, (12, 48)), truths[0] == number)


def test_labels_are_read_by_a_training_with_the_classes_beside_them(goodsam, write_reds):
    (truth,) = write_reds(1)
    Path("own.yaml").write_text("classes: [{name: c1, id: 9}, {name: c0, id: 4}]")
    goodsam("label", "images", "out", *WORDS[2:], "--classes", "own.yaml")
    expected = np.select([truth == 1, truth == 0], [9, 4], 255)
    np.testing.assert_array_equal(label_of("out", "a/00"), expected)
    read = LabelReader("out/classes.yaml").read(
        Path("out/labels/a/00.png"), train_ids("out/classes.yaml")
    )
    np.testing.assert_array_equal(read, np.select([truth == 1, truth == 0], [0, 1], 255))


def test_unclaimed_pixels_are_background_if_it_is_named(goodsam, fails, write_reds):
    (truth,) = write_reds(1)
    more = ("--unclaimed", "background")
    goodsam("label", "images", "out", *WORDS[2:], "--classes", "background, c0, c1", *more)
    expected = np.where(truth < 2, truth + 1, 0)
    np.testing.assert_array_equal(label_of("out", "a/00"), expected)
    assert "c0/c1\n" in Path("diary.txt").read_text()
    told = fails("label", "images", "other", *WORDS, *more)
    assert "classes has no class of that name: name it first among the classes" in told


def test_overlaps_are_decided_by_the_rule(goodsam, write_reds):
    (truth,) = write_reds(1)
    grown = [truth == number for number in range(3)]
    for mask in grown:
        for _ in range(2):
            mask[:-1] |= mask[1:].copy()
    for rule, order in (("score", [2, 1, 0]), ("query_order", [0, 1, 2])):
        goodsam("label", "images", rule, *WORDS, "--rule", rule, "--proposer.grows", "2")
        expected = np.full(truth.shape, 255)
        for number in order:
            expected[grown[number]] = number
        np.testing.assert_array_equal(label_of(rule, "a/00"), expected)


def test_evidence_of_the_proposer_decides_where_masks_overlap(goodsam, fails, write_reds):
    (truth,) = write_reds(1)
    words = (*WORDS, "--rule", "evidence", "--proposer.grows", "2")
    goodsam("label", "images", "out", *words, "--proposer.sees", "true", "--panorama", "true")
    label = label_of("out", "a/00")
    there = truth < 3
    np.testing.assert_array_equal(label[there], truth[there])
    assert (label[~there] != 255).any()  # masks grew there, and evidence takes nothing away
    told = fails("label", "images", "other", *words)
    assert "nobody says how much of each class is seen where: Sam3Concepts does" in told


def test_a_panorama_is_looked_at_through_windows_across_the_seam(goodsam, write_reds):
    truths = write_reds(2)
    goodsam("label", "images", "out", *WORDS, "--panorama", "true")
    np.testing.assert_array_equal(label_of("out", "a/00"), np.where(truths[0] < 3, truths[0], 255))
    assert Path("diary.txt").read_text().splitlines()[0] == "a/00 6 c0/c1/c2"


def test_what_is_there_is_not_done_again_and_other_settings_are_refused(
    goodsam, fails, write_reds, contents
):
    write_reds(3)
    goodsam("label", "images", "out", *WORDS)
    before = contents("out")
    assert "0 images labelled, 3 had their labels" in goodsam("label", "images", "out", *WORDS).out
    assert contents("out") == before
    assert len(Path("diary.txt").read_text().splitlines()) == 3
    told = fails("label", "images", "out", *WORDS, "--proposer.version", "2")
    assert "proposer.version is 1 there and 2 here" in told
    assert "--overwrite true" in told
    again = ("--proposer.version", "2", "--overwrite", "true")
    assert "3 images labelled" in goodsam("label", "images", "out", *WORDS, *again).out
    Path("out/labels/a/00.png").unlink()
    truth = np.full((12, 48, 3), 100, np.uint8)
    Image.fromarray(truth).save("images/b/01.png")
    told = goodsam("label", "images", "out", *WORDS, "--proposer.version", "2").out
    assert "2 images labelled, 1 had" in told
    assert (label_of("out", "b/01") == 2).all()


def test_shards_make_the_folder_that_one_process_makes(goodsam, write_reds, contents):
    write_reds(5)
    goodsam("label", "images", "alone", *WORDS)
    assert "2 images labelled" in goodsam("label", "images", "out", *WORDS, "--shard", "2/2").out
    assert "3 images labelled" in goodsam("label", "images", "out", *WORDS, "--shard", "1/2").out
    assert contents("out") == contents("alone")


def test_images_that_cannot_be_read_do_not_stop_the_others(goodsam, fails, write_reds):
    write_reds(2)
    Path("images/a/00.png").write_bytes(b"nothing")
    told = fails("label", "images", "out", *WORDS)
    assert "1 of 2 images have no labels" in told
    assert "00.png" in told
    assert Path("out/labels/b/01.png").is_file()
    told = goodsam("label", "images", "out", *WORDS, "--on_error", "skip").out
    assert "0 images labelled, 1 had their labels already" in told


def test_a_proposer_without_an_answer_stops_at_the_first_image_only(goodsam, fails, write_reds):
    write_reds(3)
    with pytest.raises(ValueError, match="a/00: there is no answer"):
        goodsam("label", "images", "one", *WORDS, "--proposer.refuses", "a/00")
    assert len(Path("diary.txt").read_text().splitlines()) == 1
    told = fails("label", "images", "two", *WORDS, "--proposer.refuses", "b/01")
    assert "1 of 3 images have no labels" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--classes", ""), "no class names"),
        (("--classes", "c0, c0"), "has the class 'c0' twice"),
        (("--classes", "background"), "no class that can be asked for by words"),
        (("--least_share", "0.1"), "nobody says what the TA sees"),
        (("--unclaimed", "ta"), "nobody says what the TA sees"),
        (("--agreement", "0"), "agreement is 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(fails, write_reds, words, told):
    write_reds(1)
    assert told in fails("label", "images", "out", *WORDS, *words)
    assert not Path("out").exists()


def test_somebody_must_find_masks(fails, write_reds):
    write_reds(1)
    told = fails("label", "images", "out", "--classes", "c0")
    assert "nothing finds masks yet: give --proposer.boxes FILE" in told
    assert "images themselves" in fails("label", "images", ".", *WORDS)


def test_given_boxes_need_no_class_path(goodsam, fails, write_reds):
    write_reds(1)
    content = {
        "images": [{"id": 1, "file_name": "00.png", "height": 12, "width": 48}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 0, 12, 12], "iscrowd": 0}
        ],
        "categories": [{"id": 1, "name": "car"}],
    }
    Path("boxes.json").write_text(json.dumps(content))
    goodsam("label", "images", "out", "--classes", "car", "--proposer.boxes", "boxes.json")
    outside = label_of("out", "a/00").copy()
    outside[:, 4:16] = 255
    assert (outside == 255).all()
    told = fails("label", "images", "two", "--classes", "tree", "--proposer.boxes", "boxes.json")
    assert "none of its categories (car) is among the classes (tree)" in told


def test_image_level_labels_say_what_is_asked_for(goodsam, write_reds):
    (truth,) = write_reds(1)
    content = {
        "images": [{"id": 1, "file_name": "00.png", "height": 12, "width": 48}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 0, 12, 12]}],
        "categories": [{"id": 1, "name": "C1"}, {"id": 2, "name": "c0"}],
    }
    Path("coco.json").write_text(json.dumps(content))
    goodsam("label", "images", "out", *WORDS, "--image_labels", "coco.json")
    assert Path("diary.txt").read_text() == "a/00 1 c1\n"
    np.testing.assert_array_equal(label_of("out", "a/00"), np.where(truth == 1, 1, 255))


def test_image_level_labels_may_be_vocs(goodsam, fails, write_reds):
    write_reds(2)
    Path("Annotations").mkdir()
    things = "<object><name>C 1</name><part><name>c0</name></part></object>"
    Path("Annotations/00.xml").write_text(f"<annotation>{things}</annotation>")
    told = fails("label", "images", "out", *WORDS, "--image_labels", "Annotations")
    assert "01.xml: no such file" in told
    assert Path("diary.txt").read_text() == "a/00 1 c1\n"
    Path("Annotations/01.xml").write_text("<annotation/>")
    assert "made otherwise" in fails(
        "label", "images", "out", *WORDS, "--image_labels", "Annotations"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_twenty_kills_lose_nothing(goodsam, write_reds, contents):
    torch.set_num_threads(1)  # what is forked must not wait for threads that are not there
    kills, count = 20, 30
    write_reds(count)
    words = ["label", "images", "killed", *WORDS, "--proposer.seconds", "0.02"]
    goodsam("label", "images", "undisturbed", *WORDS, "--proposer.path", "other.txt")
    generator = random.Random(0)  # noqa: S311  # not for secrets
    forks = multiprocessing.get_context("fork")
    whole: dict[str, bytes] = {}
    for _ in range(kills):
        process = forks.Process(target=main, args=(words,))
        process.start()
        time.sleep(generator.uniform(0.2, 1.2))
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        found = contents("killed") if Path("killed").exists() else {}
        there = {name: data for name, data in found.items() if _is_result(name)}
        undisturbed = contents("undisturbed")
        assert there.items() <= undisturbed.items()  # nothing half-written
        assert whole.keys() <= there.keys()  # nothing lost
        whole = there
    goodsam(*words)
    assert contents("killed") == contents("undisturbed")
    lines = Path("diary.txt").read_text().splitlines()
    assert len({line.split()[0] for line in lines}) == count
    assert len(lines) <= count + kills  # a kill costs the image in hand


def _is_result(name: str) -> bool:
    hidden = any(part.startswith(".") for part in Path(name).parts)
    return not hidden and name != "instances.json"


def test_a_teacher_says_what_is_there_and_fills_what_is_left(
    goodsam, fails, write_reds, monkeypatch
):
    (truth,) = write_reds(1)
    seen = np.where(truth == 0, 1, 2).astype(np.uint8)
    seen[0, :2] = 0  # a share of 2 in 576

    class Teacher:
        sha256 = "0" * 64

        def __init__(self, path, taxonomy):
            assert (path, taxonomy.classes) == (Path("ta.safetensors"), ("c0", "c1", "c2"))

        def to(self, device):
            """Stay."""

        def look(self, image):
            assert image.name == "00.png"
            return seen

    monkeypatch.setattr("goodsam_pl.cli.labels.label.TeacherLabels", Teacher)
    more = ("--ta", "ta.safetensors", "--unclaimed", "ta")
    goodsam("label", "images", "out", *WORDS, *more, "--least_share", "0.01")
    assert Path("diary.txt").read_text() == "a/00 1 c1/c2\n"
    expected = np.where((truth == 1) | (truth == 2), truth, seen)
    np.testing.assert_array_equal(label_of("out", "a/00"), expected)
    goodsam("label", "images", "all", *WORDS, *more)
    assert Path("diary.txt").read_text().splitlines()[1] == "a/00 1 c0/c1/c2"
    seen[:] = 1
    goodsam("label", "images", "one", *WORDS, *more)
    assert Path("diary.txt").read_text().splitlines()[2] == "a/00 1 c1"
    goodsam("label", "images", "none", *WORDS, *more, "--least_share", "0")
    assert Path("diary.txt").read_text().splitlines()[3] == "a/00 1 c0/c1/c2"
