"""Panoramas of a report: from folders of stages and of predictions, joined and encoded."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from report_folders import CLASSES, PALETTE, SIZE, halves, predictions, stages

from goodsam_pl.views.report.panorama_sources import Predictions, StoredStages
from goodsam_pl.views.report.shown_panoramas import (
    ShownPanorama,
    choose_panoramas,
    join_sources,
)
from goodsam_pl.views.report.shown_stage import ClassColor, ShownStage, Span
from goodsam_pl.views.stage_folder import Stage

LEGEND = tuple(ClassColor(*each) for each in zip(CLASSES, PALETTE, strict=True))


def pixels(stage: ShownStage) -> np.ndarray:
    with Image.open(io.BytesIO(stage.content)) as image:
        return np.asarray(image.convert("RGB" if stage.kind in {"image", "masks"} else "L"))


class Named:
    """A source of panoramas without stages."""

    def __init__(self, *names: str) -> None:
        self.name = "named"
        self.names = names

    def panoramas(self) -> list[str]:
        return [*self.names]

    def stages(self, panorama: str, width: int) -> Iterator[ShownStage]:
        return iter(())


def test_labels_and_masks_stay_exact_when_they_shrink() -> None:
    ids = np.arange(64, dtype=np.uint8).reshape(4, 16).repeat(2, 0).repeat(2, 1)
    masks = np.stack([ids, ids, 255 - ids], axis=-1)
    span = Span.centred(180)
    for kind, given in (("labels", ids), ("masks", masks)):
        stage = Stage("s", kind, given)  # type: ignore[arg-type]
        shown = ShownStage.encode(stage, span, LEGEND, width=16)
        assert (pixels(shown) == given[::2, ::2]).all()
    weight = ShownStage.encode(Stage("w", "weight", ids), span, LEGEND, width=8)
    assert pixels(weight)[0, 0] in {8, 9}  # of 0, 1, 16 and 17
    assert weight.classes == ()


def test_masks_of_many_colours_stay_exact_too() -> None:
    masks = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    shown = ShownStage.encode(Stage("m", "masks", masks), Span(1, -1), (), width=100)
    assert (pixels(shown) == masks).all()


def test_stages_come_as_they_were_written(tmp_path: Path) -> None:
    source = StoredStages(stages(tmp_path, "oslo/1", vertical_fov=70), "s")
    assert source.panoramas() == ["oslo/1"]
    photograph, *_, truth = source.stages("oslo/1", 1000)
    assert (photograph.title, photograph.media_type) == ("Panorama", "image/jpeg")
    assert (truth.title, truth.span, truth.classes) == ("Ground truth", Span(35, -35), LEGEND)
    assert set(np.unique(pixels(truth))) == {0, 1, 2}


def test_predictions_lie_where_their_rows_say(tmp_path: Path) -> None:
    source = Predictions(predictions(tmp_path / "p", tmp_path / "a.png"), "mine")
    assert source.panoramas() == ["a"]  # one more was not predicted
    photograph, labels = source.stages("a", 1000)
    # 32 rows show 90°, the horizon in their middle: 64 rows are the whole sphere
    assert photograph.span == labels.span == Span(90, -90)
    assert labels.title == "mine"
    assert (pixels(labels)[16:48] == halves(1, 0)[16:48]).all()
    assert (pixels(labels)[:16] == 255).all()


def test_labels_of_the_training_s_size_span_what_it_sees(tmp_path: Path) -> None:
    root = predictions(tmp_path / "p", tmp_path / "a.png", label_size="training")
    photograph, labels = Predictions(root, "mine").stages("a", 1000)
    assert (photograph.span, labels.span) == (Span(90, -90), Span(45, -45))


def test_panoramas_that_moved_are_found_below_another_folder(tmp_path: Path) -> None:
    root = predictions(tmp_path / "p", tmp_path / "before/oslo/a.png")
    (tmp_path / "before").rename(tmp_path / "now")
    with pytest.raises(FileNotFoundError, match="--panoramas FOLDER"):
        next(Predictions(root, "mine").stages("a", 10))
    for folder in ("now", "now/oslo"):
        photograph = next(Predictions(root, "mine", tmp_path / folder).stages("a", 10))
        assert photograph.title == "Panorama"
    with pytest.raises(FileNotFoundError, match=r"has no panorama a\.png"):
        next(Predictions(root, "mine", tmp_path / "p").stages("a", 10))


@pytest.mark.parametrize("change", [{"images": 3}, {"identity": {}}, {"images": [{"name": "a"}]}])
def test_a_damaged_summary_is_told(change: dict[str, object], tmp_path: Path) -> None:
    root = predictions(tmp_path / "p", tmp_path / "a.png")
    path = root / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(ValueError, match=r"summary\.json is no summary of predictions"):
        Predictions(root, "mine")


def test_sources_of_a_panorama_are_joined(tmp_path: Path) -> None:
    sources = [
        StoredStages(stages(tmp_path / "one", vertical_fov=70), "one"),
        StoredStages(stages(tmp_path / "two", vertical_fov=70), "two"),
        Predictions(predictions(tmp_path / "p", tmp_path / "a.png"), "mine"),
        Named("b"),
    ]
    counted: list[None] = []
    joined = join_sources("a", sources, 1000, lambda: counted.append(None))
    titles = [stage.title for stage in joined.stages]
    assert titles[:2] == ["Panorama", "one: SAM masks"]
    assert {"one: Student", "two: Student", "mine"} <= {*titles}
    assert len({*titles}) == len(titles) == 12
    assert joined.photograph == 0
    assert joined.stages[0].span == Span(90, -90)  # the one that shows most
    assert joined.truth == titles.index("one: Ground truth")
    assert len(counted) == 1


def test_equal_titles_are_numbered_and_nothing_is_no_photograph(tmp_path: Path) -> None:
    root = predictions(tmp_path / "p", tmp_path / "a.png")
    same = [Predictions(root, "mine"), Predictions(root, "mine")]
    titles = [stage.title for stage in join_sources("a", same, 10).stages]
    assert titles == ["Panorama", "mine: mine", "mine: mine (2)"]
    empty = ShownPanorama("a", ())
    assert (empty.photograph, empty.truth) == (None, None)


def test_panoramas_that_all_sources_have_come_first_and_evenly() -> None:
    sources = [Named(*"abcdef"), Named(*"bdfxz")]
    assert choose_panoramas(sources, 2) == ["b", "d"]
    assert choose_panoramas(sources, 5) == ["b", "d", "f", "a", "e"]
    assert choose_panoramas(sources, 100) == ["b", "d", "f", "a", "c", "e", "x", "z"]
    assert choose_panoramas(sources, 0) == []
    assert SIZE == (64, 128)
