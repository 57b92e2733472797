"""A folder of predictions says whose they are, and goes on where a run ended."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from goodsam_pl.callbacks.prediction_folder import PredictionFolder
from goodsam_pl.callbacks.prediction_outcome import Outcome, failed_outcome, stamp_of
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.listing import RESULTS_MARKER

IDENTITY = {"model": {"weights": "a"}, "size": (4, 8)}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "predictions"


@pytest.fixture
def entries(tmp_path):
    files = [tmp_path / f"{name}.png" for name in "abc"]
    for file in files:
        file.write_bytes(file.stem.encode())
    return [Entry(file, None, None, file.stem) for file in files]


def begin(folder, entries, identity=IDENTITY, *, skip_existing=False, overwrite=False):
    return folder.begin(
        identity, entries, ["labels"], skip_existing=skip_existing, overwrite=overwrite
    )


def label(root, entry):
    """Write the label of an image, and say so."""
    path = root / "labels" / f"{entry.name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"label")
    size, modified = stamp_of(entry.image)
    files = {"labels": f"labels/{entry.name}.png"}
    return Outcome(entry.name, str(entry.image.resolve()), size, modified, files)


def summary(root):
    return json.loads((root / "summary.json").read_text())


@pytest.fixture
def written(root, entries):
    """The first two images are labelled, the third could not be read."""
    folder = PredictionFolder(root)
    begin(folder, entries)
    for entry in entries[:2]:
        folder.note(label(root, entry))
    folder.note(failed_outcome("c", entries[2].image, "cut off"))
    folder.finish({"seconds": 3})
    folder.clear_journals()
    folder.release()
    return folder


def test_the_summary_has_what_all_processes_noted(root, entries):
    first, second = PredictionFolder(root), PredictionFolder(root, rank=1)
    assert begin(first, entries) == [0, 1, 2]
    assert not summary(root)["complete"]
    assert {path.parent for path in root.rglob(RESULTS_MARKER)} == {root, root / "labels"}
    first.note(label(root, entries[0]))
    second.note(failed_outcome("c", entries[2].image, "cut off"))
    second.note(label(root, entries[1]))
    found = first.finish({"seconds": 3})
    assert {name: each.reason for name, each in found.items()} == {
        "a": None, "b": None, "c": "cut off",
    }  # fmt: skip
    told = summary(root)
    assert (told["complete"], told["labelled"], told["failed"], told["seconds"]) == (True, 2, 1, 3)
    assert told["identity"] == {"model": {"weights": "a"}, "size": [4, 8]}
    assert [each["name"] for each in told["images"]] == ["a", "b", "c"]
    assert sorted(path.name for path in root.glob("journal*")) == [
        "journal.0.jsonl", "journal.1.jsonl",
    ]  # fmt: skip
    first.clear_journals()
    assert not list(root.glob("journal*"))


def test_all_images_are_predicted_anew_unless_asked_otherwise(root, written, entries):
    assert begin(PredictionFolder(root), entries) == [0, 1, 2]
    assert summary(root)["images"] == []


def test_one_run_at_a_time_writes(root, entries):
    first = PredictionFolder(root)
    begin(first, entries)
    with pytest.raises(ValueError, match=r"another process writes predictions to .*--out"):
        begin(PredictionFolder(root), entries)
    first.release()
    begin(PredictionFolder(root), entries)


def test_only_whole_predictions_of_unchanged_images_are_there(root, written, entries):
    (root / "labels" / "b.png").unlink()
    folder = PredictionFolder(root)
    assert begin(folder, entries, skip_existing=True) == [1, 2]  # c had failed
    folder.release()
    entries[0].image.write_bytes(b"another picture")
    assert begin(PredictionFolder(root), entries, skip_existing=True) == [0, 1, 2]


def test_a_killed_run_is_known_by_its_journal(root, entries):
    killed = PredictionFolder(root)
    begin(killed, entries)
    killed.note(label(root, entries[1]))
    with (root / "journal.0.jsonl").open("a") as journal:
        journal.write('{"name": "c", "image"')
    killed.release()
    folder = PredictionFolder(root)
    assert begin(folder, entries, skip_existing=True) == [0, 2]
    assert not list(root.glob("journal*"))
    assert [each["name"] for each in summary(root)["images"]] == ["b"]
    assert set(folder.finish({})) == set()


def test_predictions_of_another_model_stay_unless_replaced(root, written, entries):
    other = {**IDENTITY, "model": {"weights": "b"}}
    folder = PredictionFolder(root)
    with pytest.raises(ValueError, match=r"model\.weights is 'a' there and 'b' here\): name anot"):
        begin(folder, entries, other, skip_existing=True)
    assert (root / "labels" / "a.png").is_file()
    assert summary(root)["labelled"] == 2
    # a refusal leaves the folder to others
    assert begin(PredictionFolder(root), entries, other, skip_existing=True, overwrite=True) == [
        0, 1, 2,
    ]  # fmt: skip
    assert not list((root / "labels").glob("*.png"))


def test_nothing_outside_the_folder_is_removed(tmp_path, root, entries):
    folder = PredictionFolder(root)
    begin(folder, entries)
    (tmp_path / "precious.png").touch()
    folder.note(replace(label(root, entries[0]), files={"labels": "../precious.png"}))
    folder.finish({})
    folder.release()
    begin(PredictionFolder(root), entries, {"model": "b"}, overwrite=True)
    assert (tmp_path / "precious.png").is_file()


def test_images_of_the_same_name_are_told_apart(tmp_path, root, written, entries):
    elsewhere = tmp_path / "elsewhere" / "a.png"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"of another place")
    with pytest.raises(ValueError, match=rf"of {entries[0].image}, and {elsewhere} has the same"):
        begin(PredictionFolder(root), [Entry(elsewhere, None, None, "a")])


def test_labels_without_a_summary_are_not_touched(root, entries):
    label(root, entries[0])
    with pytest.raises(ValueError, match=r"holds labels, and no summary\.json that says whose"):
        begin(PredictionFolder(root), entries)
    assert begin(PredictionFolder(root), entries, overwrite=True) == [0, 1, 2]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"identity": {}}', '{"identity": {}, "images": [{"name": 1}]}']
)
def test_a_damaged_summary_is_named(root, entries, content):
    root.mkdir()
    (root / "summary.json").write_text(content)
    with pytest.raises(ValueError, match=r"summary\.json is no summary of predictions: name"):
        begin(PredictionFolder(root), entries, overwrite=True)
