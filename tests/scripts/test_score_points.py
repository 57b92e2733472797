"""Scores at points, on labels whose right answers are known."""

from __future__ import annotations

import json
import runpy
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from goodsam_pl.taxonomy import get_taxonomy
from point_scores.pictures import draw_mistakes
from point_scores.points import NAMES, Point, read_points
from point_scores.predictions import Answers, reachable, read_answers
from point_scores.scores import Share, compare, wilson
from score_points import as_plain, main, named, remarks

ROOT = Path(__file__).parents[2]
ROAD, CAR, POLE, BICYCLE = (NAMES.index(each) for each in ("road", "car", "pole", "bicycle"))
HEADER = "# a comment\nimage,x,y,class\n"
POINTS = (
    HEADER + "a.jpg,0,3,road\na.jpg,5,3,car\na.jpg,6,4,pole\nb.jpg,2,5,bicycle\nb.jpg,2,0,sky\n"
)


def _save(path: Path, label: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(label).save(path)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Points, and a folder of labels of 8×16, void in the first and last two rows.

    Right are road, car and bicycle; the pole is called car, the sky is not labelled.
    """
    (tmp_path / "points.csv").write_text(POINTS, encoding="utf-8")
    for name in "ab":
        label = np.full((8, 16), 255, np.uint8)
        label[2:6] = ROAD
        if name == "a":
            label[2:6, 5:] = CAR
        else:
            label[5, 2] = BICYCLE
        _save(tmp_path / "ours" / f"{name}.png", label)
    return tmp_path


def _run(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["score_points.py", *map(str, words)])
    main()


def _refusal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> str:
    with pytest.raises(SystemExit) as stopped:
        _run(monkeypatch, *words)
    assert stopped.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(("right", "count"), [(1, 3), (7, 10), (139, 277)])
def test_ends_of_the_interval_are_where_the_share_is_just_as_far_off_as_z(
    right: int, count: int
) -> None:
    for end in wilson(right, count):
        # by the definition: (k/n - p)² = z² p (1 - p) / n
        assert (right / count - end) ** 2 == pytest.approx(
            1.959964**2 * end * (1 - end) / count, rel=1e-9
        )


def test_interval_at_none_and_at_all() -> None:
    # k = 0: 0 to z² / (n + z²)
    assert wilson(0, 5) == pytest.approx((0, 1.959964**2 / (5 + 1.959964**2)))
    low, high = wilson(5, 5)
    assert (1 - high, 1 - low) == pytest.approx(wilson(0, 5))


def test_shares_and_the_points_apart(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(monkeypatch, place / "points.csv", place / "ours", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["points"] == 4
    assert report["outside_band"] == [{"image": "b.jpg", "x": 2, "y": 0, "class": "sky"}]
    assert report["outside_classes"] == []
    ours = report["folders"]["ours"]
    assert ours["all"] == {
        "right": 3,
        "points": 4,
        "share": 0.75,
        "interval": list(wilson(3, 4)),
    }
    assert ours["mean_over_classes"] == 0.75
    assert {name: each["right"] for name, each in ours["by_class"].items()} == {
        "road": 1,
        "pole": 0,
        "car": 1,
        "bicycle": 1,
    }
    assert ours["mistakes"] == [{"image": "a.jpg", "x": 6, "y": 4, "class": "pole", "said": "car"}]


def test_a_class_counts_alike_in_the_mean_however_many_points_it_has() -> None:
    points = [Point("a.jpg", x, 0, "road") for x in range(9)] + [Point("a.jpg", 9, 0, "car")]
    answers = Answers("ours", frozenset(NAMES.classes), dict.fromkeys(points, "road"), {})
    (scores,) = compare(points, [answers], NAMES.classes).scores
    assert scores.total == Share(9, 10)
    assert scores.mean() == 0.5
    assert scores.mean(least=9) == 1
    with pytest.raises(ValueError, match="no class has 10 points"):
        scores.mean(least=10)


def test_classes_of_too_few_points_are_not_in_the_mean(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with (place / "points.csv").open("a", encoding="utf-8") as stream:
        stream.write("a.jpg,7,4,pole\n")
    _run(monkeypatch, place / "points.csv", place / "ours", "--least", "2", "--json")
    assert json.loads(capsys.readouterr().out)["folders"]["ours"]["mean_over_classes"] == 0
    said = _refusal(monkeypatch, capsys, place / "points.csv", place / "ours", "--least", "3")
    assert "no class has 3 points that are scored" in said


def test_all_folders_are_scored_at_the_same_points(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "ab":
        label = np.full((8, 16), 255, np.uint8)
        label[2:5] = POLE  # right at the pole alone; nothing where the bicycle is
        _save(place / "theirs" / "labels" / f"{name}.png", label)
    words = [place / "points.csv", f"first={place / 'ours'}", f"second={place / 'theirs'}"]
    _run(monkeypatch, *words, "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["points"] == 3
    assert [each["class"] for each in report["outside_band"]] == ["bicycle", "sky"]
    first, second = report["folders"]["first"], report["folders"]["second"]
    assert (first["all"]["right"], second["all"]["right"]) == (2, 1)
    assert (second["gained"], second["lost"]) == (1, 2)
    _run(monkeypatch, *words)
    text = capsys.readouterr().out
    assert "66.7 (21–94)" in text  # 2 of 3
    assert "second is right at 1 points where first is wrong, and wrong at 2" in text
    assert "apart, where a folder has no label: 2 (1 sky, 1 bicycle)" in text


def test_classes_that_a_class_set_cannot_say_are_apart(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(monkeypatch, place / "points.csv", place / "ours", "--classes", "camvid-11", "--json")
    report = json.loads(capsys.readouterr().out)
    assert [each["class"] for each in report["outside_classes"]] == ["bicycle"]
    assert report["points"] == 3


def test_labels_of_another_class_set_are_told_in_cityscapes_names(tmp_path: Path) -> None:
    camvid = get_taxonomy("camvid-11")
    label = np.full((2, 4), camvid.index("tree"), np.uint8)
    label[0, 0], label[0, 1] = camvid.index("pavement"), camvid.index("bicyclist")
    label[0, 2] = 255
    _save(tmp_path / "x/a.png", label)
    points = [Point("x/a.jpg", x, 0, "sidewalk") for x in range(4)]
    answers = read_answers("ours", tmp_path, points, "camvid-11")
    assert list(answers.said.values()) == ["sidewalk", "bicyclist", None, "vegetation"]
    assert "bicycle" not in answers.classes
    assert answers.classes == reachable(camvid)


def _summarised(root: Path, label: np.ndarray, **image: object) -> None:
    """As `goodsam predict` leaves a panorama of 8×16, of which the rows 2 to 6 were seen."""
    _save(root / "labels/a.png", label)
    classes = [{"id": index, "name": name} for index, name in enumerate(NAMES.classes)]
    outcome = {
        "name": "a",
        "image": "/a.jpg",
        "files": {"labels": "labels/a.png"},
        "size": [8, 16],
        "rows": [2, 6],
        "predicted_size": [2, 8],
        **image,
    }
    identity = {"taxonomy": {"name": NAMES.name, "classes": classes}}
    (root / "summary.json").write_text(json.dumps({"identity": identity, "images": [outcome]}))


def test_labels_at_the_size_of_training_are_brought_back(tmp_path: Path) -> None:
    label = np.arange(16, dtype=np.uint8).reshape(2, 8)
    _summarised(tmp_path, label)
    points = [Point("a.jpg", x, y, "road") for x in (0, 1, 15) for y in (1, 2, 3, 4, 5, 6)]
    said = read_answers("ours", tmp_path, points, None).said
    expected = np.full((8, 16), 255, np.uint8)
    expected[2:6] = label.repeat(2, axis=0).repeat(2, axis=1)
    for point in points:
        train_id = int(expected[point.y, point.x])
        assert said[point] == (None if train_id == 255 else NAMES.classes[train_id])


def test_what_the_writer_of_predictions_leaves_is_read_at_the_size_of_the_file(
    tmp_path: Path,
) -> None:
    label = np.full((8, 16), CAR, np.uint8)
    _summarised(tmp_path, label)
    points = [Point("a.jpg", 1, 1, "car"), Point("a.jpg", 1, 2, "car")]
    answers = read_answers("ours", tmp_path, points, None)
    assert list(answers.said.values()) == [None, "car"]
    assert answers.sizes == {"a.jpg": (8, 16)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda place: (place / "ours/b.png").unlink(), "has no labels of b.jpg"),
        (
            lambda place: _save(place / "ours/a.png", np.full((8, 16), 19, np.uint8)),
            "a.png holds the label 19, and cityscapes-19 has 0 to 18 and 255",
        ),
        (
            lambda place: _save(place / "ours/a.png", np.zeros((4, 16), np.uint8)),
            "the point x 6, y 4 of a.jpg is not in a panorama of 16×4",
        ),
        (
            lambda place: (place / "ours/summary.json").write_text("{}"),
            "summary.json is no summary of predictions",
        ),
        (
            lambda place: (place / "points.csv").write_text(HEADER + "b.jpg,2,0,sky\n"),
            "no point is left to score: of 1, 0 are of classes that are not scored and 1 lie",
        ),
    ],
)
def test_what_cannot_be_scored_is_one_error(
    change: object,
    said: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert callable(change)
    change(place)
    assert said in _refusal(monkeypatch, capsys, place / "points.csv", place / "ours")


def test_a_summary_of_other_classes_or_of_failures_is_refused(tmp_path: Path) -> None:
    _summarised(tmp_path, np.zeros((8, 16), np.uint8))
    points = [Point("a.jpg", 1, 2, "car")]
    with pytest.raises(ValueError, match="leave --taxonomy out"):
        read_answers("ours", tmp_path, points, "camvid-11")
    _summarised(tmp_path, np.zeros((8, 16), np.uint8), files={}, reason="cut off")
    with pytest.raises(ValueError, match=r"no labels of a\.jpg"):
        read_answers("ours", tmp_path, points, None)
    _summarised(tmp_path, np.zeros((3, 16), np.uint8))
    with pytest.raises(ValueError, match="16×3 pixels, and its summary says 16×8"):
        read_answers("ours", tmp_path, points, None)
    with pytest.raises(ValueError, match="there is no folder"):
        read_answers("ours", tmp_path / "nowhere", points, None)
    summary = json.loads((tmp_path / "summary.json").read_text())
    summary["identity"]["taxonomy"]["name"] = "mine"
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(ValueError, match="say by --taxonomy in which file they are"):
        read_answers("ours", tmp_path, points, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x,y\n", "is not image,x,y,class"),
        ("", "is not image,x,y,class"),
        (HEADER, "has no points"),
        (HEADER + "a.jpg,1,2\n", "line 3: 3 values"),
        (HEADER + ",1,2,car\n", "line 3: no name of an image"),
        (HEADER + "a.jpg,-1,2,car\n", "line 3: x is '-1'"),
        (HEADER + "a.jpg,1,2.5,car\n", "line 3: y is '2.5'"),
        (HEADER + "a.jpg,1,2,water\n", "line 3: cityscapes-19 has no class 'water'"),
        (HEADER + "a.jpg,1,2,car\na.jpg,1,2,road\n", "line 4: this point of a.jpg stands twice"),
    ],
)
def test_a_file_that_is_no_list_of_points_is_named(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"points\.csv") as refusal:
        read_points(path)
    assert said in str(refusal.value)


def test_wrong_points_are_drawn_on_their_panoramas(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "ab":
        _save(place / "panoramas" / f"{name}.jpg", np.zeros((8, 16, 3), np.uint8))
    words = [place / "points.csv", place / "ours", "--overlays", place / "wrong"]
    assert "go together" in _refusal(monkeypatch, capsys, *words)
    _run(monkeypatch, *words, "--panoramas", place / "panoramas")
    assert [path.relative_to(place).as_posix() for path in (place / "wrong").rglob("*.png")] == [
        "wrong/ours/a.jpg.png"
    ]
    _save(place / "panoramas/a.jpg", np.zeros((4, 8, 3), np.uint8))
    said = _refusal(monkeypatch, capsys, *words, "--panoramas", place / "panoramas")
    assert "a.jpg has 8×4 pixels, and its label is of 16×8" in said
    (place / "panoramas/a.jpg").unlink()
    said = _refusal(monkeypatch, capsys, *words, "--panoramas", place / "panoramas")
    assert "has no a.jpg" in said


def test_a_ring_is_around_the_point_and_its_text_stays_in_the_picture() -> None:
    image = np.zeros((40, 200, 3), np.uint8)
    for x, side in ((20, slice(32, None)), (190, slice(None, 178))):
        drawn = np.asarray(draw_mistakes(image, [(x, 20, "car, is pole")]))
        assert drawn[20, x - 6].tolist() == drawn[20, x + 6].tolist() == [255, 0, 255]
        assert drawn[20, x].tolist() == [0, 0, 0]
        assert drawn[:, side].any()
        ring = np.zeros((40, 200), bool)
        ring[13:28, max(0, x - 7) : x + 8] = True
        outside = drawn.any(axis=2) & ~ring
        assert not outside[:, : side.start or 0].any()
        assert not outside[:, side.stop or 200 :].any()


def test_folders_have_names() -> None:
    assert named(["a/b", "ours=c", "e/"]) == [
        ("b", Path("a/b")),
        ("ours", Path("c")),
        ("e", Path("e/")),
    ]
    with pytest.raises(ValueError, match="two folders are called 'b'"):
        named(["a/b", "b=c"])
    with pytest.raises(ValueError, match="leave out the slashes"):
        named(["a/b=c"])


def test_report_of_points_that_all_count() -> None:
    points = [Point("a.jpg", 0, 0, "road")]
    answers = Answers("ours", frozenset(NAMES.classes), {points[0]: "road"}, {})
    comparison = compare(points, [answers], NAMES.classes)
    assert remarks(comparison) == [
        "apart, where a folder has no label: 0",
        "apart, of classes that are not scored: 0",
    ]
    assert as_plain(comparison, 1)["folders"]["ours"]["all"]["share"] == 1


def test_the_points_of_amsterdam_lie_in_the_band_that_is_predicted() -> None:
    points = read_points(ROOT / "docs/real/amsterdam_points.csv")
    by_image = Counter(point.image for point in points)
    assert len(by_image) == 10
    assert min(by_image.values()) >= 12
    # configs/data/streetworld.yaml: 67.5° of the 180° of 1024 rows
    half = round(67.5 / 180 * 1024) / 2
    assert all(512 - half <= point.y < 512 + half and point.x < 2048 for point in points)
    thin = {"pole", "traffic sign", "bicycle", "person", "fence", "motorcycle"}
    assert sum(point.label in thin for point in points) >= len(points) / 5


def test_it_runs_as_a_script(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["x", str(place / "points.csv"), str(place / "ours")])
    runpy.run_path(str(ROOT / "scripts/score_points.py"), run_name="__main__")
    assert "75.0 (30–95)" in capsys.readouterr().out
