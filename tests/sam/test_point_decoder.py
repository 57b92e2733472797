"""The shipped small SAM at points of a picture of a disc and a bar."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from segment_anything.modeling import Sam
from torch import Tensor
from torchvision.ops import box_iou

from goodsam_pl.sam import SegmentAnything
from goodsam_pl.sam.point_decoder import PointDecoder
from goodsam_pl.sam.point_prompts import Answers, EmbeddedWindows, Thresholds, point_grid

LEAST = Thresholds(predicted_iou=0.3, stability=0.5, stability_offset=0.5, minimum_area=16)
NMS = 0.7


@pytest.fixture(scope="module")
def proposer() -> SegmentAnything:
    return SegmentAnything()


@pytest.fixture(scope="module")
def sam(proposer: SegmentAnything) -> Sam:
    return proposer._sam


@pytest.fixture(scope="module")
def view(proposer: SegmentAnything) -> EmbeddedWindows:
    """The second of two windows is of 96×192 pixels with something in it; the first is grey."""
    y, x = torch.meshgrid(torch.arange(96), torch.arange(192), indexing="ij")
    windows = torch.full((2, 3, 96, 192), 90, dtype=torch.uint8)
    windows[1, :, (y - 40) ** 2 + (x - 50) ** 2 < 30**2] = 220
    windows[1, 2, 20:80, 120:160] = 10
    return proposer.embed(windows)


def decoder(sam: Sam, least: Thresholds = LEAST, points_per_batch: int | None = None):
    autocast = partial(torch.autocast, "cpu", enabled=False)
    return PointDecoder(sam, least, NMS, points_per_batch, autocast)


def points() -> Tensor:
    return point_grid(4, (96, 192))


def alike(first: Answers, second: Answers) -> None:
    for name, before, after in zip(Answers._fields, first, second, strict=True):
        assert before.dtype == after.dtype
        torch.testing.assert_close(before, after, atol=1e-3, rtol=1e-3, msg=name)


def test_every_answer_has_passed_the_thresholds_and_is_what_its_logits_say(
    sam: Sam, view: EmbeddedWindows
) -> None:
    answers = decoder(sam).ask(view, 1, points())
    assert len(answers.prompts) >= 3
    assert (answers.predicted_iou > LEAST.predicted_iou).all()
    assert (answers.stability >= LEAST.stability).all()
    assert (answers.areas >= LEAST.minimum_area).all()
    assert answers.prompts.tolist() == sorted(answers.prompts.tolist())
    masks = view.frame.place(answers.logits, view.size) > 0
    assert masks.sum(dim=(1, 2)).tolist() == answers.areas.tolist()
    rows, columns = masks.any(dim=2).int(), masks.any(dim=1).int()
    assert answers.boxes[:, 0].tolist() == columns.argmax(dim=1).tolist()
    assert answers.boxes[:, 1].tolist() == rows.argmax(dim=1).tolist()


def test_the_disc_is_found_from_its_middle(sam: Sam, view: EmbeddedWindows) -> None:
    answers = decoder(sam).ask(view, 1, torch.tensor([[50.0, 40.0]]))
    y, x = torch.meshgrid(torch.arange(96), torch.arange(192), indexing="ij")
    disc = (y - 40) ** 2 + (x - 50) ** 2 < 30**2
    masks = view.frame.place(answers.logits, view.size) > 0
    common, either = (masks & disc).sum(dim=(1, 2)), (masks | disc).sum(dim=(1, 2))
    assert (common / either).max() > 0.9


def test_points_are_answered_whatever_is_decoded_together(sam: Sam, view: EmbeddedWindows) -> None:
    for ask in ("ask", "ask_distinct"):
        whole, single = (
            getattr(decoder(sam, points_per_batch=size), ask)(view, 1, points()) for size in (16, 5)
        )
        alike(whole, single)


def test_more_is_asked_of_fewer(sam: Sam, view: EmbeddedWindows) -> None:
    every = decoder(sam).ask(view, 1, points())
    for stricter in (
        LEAST._replace(predicted_iou=0.8),
        LEAST._replace(stability=0.9),
        LEAST._replace(minimum_area=1000),
    ):
        kept = (every.predicted_iou > stricter.predicted_iou) & (
            every.stability >= stricter.stability
        )
        kept &= every.areas >= stricter.minimum_area
        few = decoder(sam, stricter).ask(view, 1, points())
        alike(few, Answers(*(part[kept] for part in every)))


def test_distinct_answers_repeat_nothing_and_are_among_all(sam: Sam, view: EmbeddedWindows) -> None:
    distinct = decoder(sam).ask_distinct(view, 1, points())
    every = decoder(sam).ask(view, 1, points())
    assert 0 < len(distinct.prompts) < len(every.prompts)
    overlaps = box_iou(distinct.boxes.float(), distinct.boxes.float()).fill_diagonal_(0)
    assert overlaps.max() <= NMS
    masks, others = (
        (view.frame.place(each.logits, view.size) > 0).flatten(1).float()
        for each in (distinct, every)
    )
    common = masks @ others.T
    iou = common / (masks.sum(1)[:, None] + others.sum(1) - common)
    assert (iou.max(dim=1).values > 0.98).all()


def test_points_too_many_to_keep_are_decoded_again_with_the_same_answers(
    sam: Sam, view: EmbeddedWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = decoder(sam).ask_distinct(view, 1, points())
    monkeypatch.setattr("goodsam_pl.sam.point_decoder._MOST_KEPT", 0)
    alike(kept, decoder(sam).ask_distinct(view, 1, points()))


def test_nothing_that_passes_is_no_answer(sam: Sam, view: EmbeddedWindows) -> None:
    impossible = decoder(sam, LEAST._replace(predicted_iou=9.0))
    for ask in (impossible.ask, impossible.ask_distinct):
        answers = ask(view, 1, points())
        assert answers.logits.shape == (0, 96, 96)
        assert answers.boxes.shape == (0, 4)
        assert answers.prompts.dtype == torch.int64


@pytest.mark.parametrize(("asked", "size"), [(None, 24), (7, 7), (1000, 93)])
def test_as_many_points_are_decoded_together_as_are_asked_for_and_fit(
    sam: Sam, asked: int | None, size: int
) -> None:
    # 4 · (6·24²·64 + 48·24²·32 + 9·192²) bytes a point, 93 times in 2²⁹
    assert decoder(sam, points_per_batch=asked).together.size == size


@pytest.mark.parametrize(("device", "size"), [("cpu", 6), ("cuda", 12)])
def test_of_vit_b_half_a_gibibyte_holds_six_points(device: str, size: int) -> None:
    vit_b = SimpleNamespace(
        device=torch.device(device),
        prompt_encoder=SimpleNamespace(image_embedding_size=(64, 64)),
        image_encoder=SimpleNamespace(img_size=1024),
        mask_decoder=SimpleNamespace(
            transformer_dim=256, output_upscaling=[None] * 3 + [SimpleNamespace(out_channels=32)]
        ),
    )
    assert decoder(vit_b).together.size == size
