"""The page of a report in a real browser: what is drawn, and how it is moved."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))
from report_folders import CLASSES, PALETTE, SIZE, experiment, grey, scored_run, stages

from goodsam_pl.geometry.perspective import pinhole_directions
from goodsam_pl.views.report.experiment_results import read_experiment
from goodsam_pl.views.report.html_page import Report, html_page
from goodsam_pl.views.report.panorama_sources import StoredStages
from goodsam_pl.views.report.run_results import read_run
from goodsam_pl.views.report.shown_panoramas import join_sources
from goodsam_pl.views.stage_folder import Stage, StageFolder
from headless_chromium import Chromium, Page, chromium_path

needs_browser = pytest.mark.skipif(
    chromium_path() is None, reason="needs Chromium: apt-get install chromium"
)
WIDTH, HEIGHT = 1000, 900
ROAD, SKY, CAR = PALETTE
GREEN, RED = (0, 200, 0), (220, 0, 0)
HOSTILE = "</script><script>document.title='taken'</script>"
READY = """(async () => {
  for (let i = 0; i < 600 && !goodsamReport.view.slots.second; i += 1) {
    await new Promise((done) => setTimeout(done, 50));
  }
  return goodsamReport.view.slots.second.title;
})()"""


def blocks() -> np.ndarray:
    """Ids of blocks of 22.5°, by chance."""
    generator = np.random.default_rng(3)
    return generator.integers(0, 3, (8, 16), dtype=np.uint8).repeat(8, 0).repeat(8, 1)


def page_of(root: Path) -> str:
    """A report of everything."""
    shown = stages(root / "stages")
    chance = [Stage("Panorama", "image", grey(0, 0, 0)), Stage(HOSTILE, "labels", blocks())]
    StageFolder("b", 180, CLASSES, PALETTE, chance).save(shown)
    sources = [StoredStages(shown, "s")]
    runs = [
        read_run(scored_run(root / "run"), HOSTILE),
        read_run(scored_run(root / "other", 0.5), "other"),
    ]
    experiments = [read_experiment(experiment(root / "plan"), "plan")]
    panoramas = [join_sources(name, sources, 2048) for name in ("a", "b")]
    return html_page(Report(HOSTILE, runs, experiments, panoramas))


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    path = root / "report.html"
    path.write_text(page_of(root), "utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    path = chromium_path()
    assert path is not None
    with Chromium(path) as chromium:
        yield chromium


@pytest.fixture
def page(browser: Chromium, html: Path) -> Page:
    """The report, opened anew; its teacher assistant beside its student."""
    page = browser.page(WIDTH, HEIGHT)
    page.prefer("light")
    page.open(html)
    page.run(READY)
    choose(page, "first", "Teacher assistant")
    choose(page, "second", "Student")
    do(page, "setFade(1)")
    return page


def choose(page: Page, slot: str, title: str) -> None:
    do(page, f"choose('{slot}', '{title}')")


def do(page: Page, call: str) -> Any:
    return page.run(f"goodsamReport.controls.{call}")


def look(page: Page, **camera: float) -> None:
    pairs = ", ".join(f"{name}: {value}" for name, value in camera.items())
    page.run(f"goodsamReport.view.look({{{pairs}}})")


def camera(page: Page) -> dict[str, float]:
    found: dict[str, float] = page.run("goodsamReport.view.camera")
    return found


def screen(page: Page) -> Image.Image:
    """What is seen of the panorama."""
    left, top, width, height = box(page)
    return page.picture().crop((left, top, left + width, top + height))


def box(page: Page) -> tuple[int, int, int, int]:
    script = """(() => {
      const {left, top, width, height} = goodsamReport.view.canvas.getBoundingClientRect();
      return [left, top, width, height];
    })()"""
    left, top, width, height = (round(each) for each in page.run(script))
    return left, top, width, height


def color_at(picture: Image.Image, x: float, y: float) -> np.ndarray:
    """In shares of width and height."""
    pixel = picture.getpixel((int(x * picture.width), int(y * picture.height)))
    return np.array(pixel, float)


def is_near(color: np.ndarray, wanted: Any) -> bool:
    return bool(np.abs(color - np.array(wanted, float)).max() <= 4)


def test_nothing_can_be_loaded_and_no_name_leaves_its_place(html: Path) -> None:
    text = html.read_text("utf-8")
    assert "default-src 'none'" in text
    assert HOSTILE not in text
    assert text.count("<script") == text.count("</script>")


@needs_browser
def test_the_page_opens_from_disk_without_complaint_and_asks_for_nothing(
    page: Page, html: Path
) -> None:
    for mode in ("sweep", "differences", "fade"):
        do(page, f"setMode('{mode}')")
        page.picture()
    do(page, "open(1)")
    page.picture()
    assert page.complaints == []
    assert [each for each in page.requests if not each.startswith(("data:", "blob:"))] == [
        html.as_uri()
    ]
    assert page.run("document.title") == HOSTILE
    headings = "[...document.querySelectorAll('h2')].map((each) => each.textContent)"
    assert page.run(headings) == ["Panoramas", "Scores", "Classes", "Curves", "Experiment plan"]


@needs_browser
def test_a_stage_fades_in_over_the_photograph(page: Page) -> None:
    full = screen(page)
    assert is_near(color_at(full, 0.5, 0.2), SKY)
    assert is_near(color_at(full, 0.5, 0.8), ROAD)
    do(page, "setFade(0.5)")
    assert is_near(color_at(screen(page), 0.5, 0.2), (np.array(SKY) + 100) / 2)
    do(page, "setFade(0)")
    assert is_near(color_at(screen(page), 0.5, 0.2), (100, 100, 100))


@needs_browser
def test_every_kind_of_stage_is_drawn(page: Page) -> None:
    choose(page, "first", "Weights M")
    assert is_near(color_at(screen(page), 0.5, 0.2), (200, 200, 200))
    choose(page, "first", "SAM masks")
    masks = screen(page)
    assert is_near(color_at(masks, 0.75, 0.5), (255, 0, 0))
    assert is_near(color_at(masks, 0.25, 0.5), (100, 100, 100))  # no mask: the photograph
    choose(page, "first", "Panorama")
    assert is_near(color_at(screen(page), 0.75, 0.5), (100, 100, 100))


@needs_browser
def test_two_students_are_swept_side_by_side(page: Page) -> None:
    do(page, "setMode('sweep')")
    look(page, yaw=90)
    do(page, "setSplit(0.3)")
    picture = screen(page)
    assert is_near(color_at(picture, 0.2, 0.2), SKY)  # the teacher assistant
    assert is_near(color_at(picture, 0.4, 0.2), CAR)  # the student
    left, top, width, height = box(page)
    page.mouse("mousePressed", left + 0.3 * width, top + height / 4, button="left", clickCount=1)
    page.mouse("mouseMoved", left + 0.6 * width, top + height / 4, button="left")
    page.mouse("mouseReleased", left + 0.6 * width, top + height / 4, button="left")
    assert page.run("goodsamReport.view.split") == pytest.approx(0.6, abs=0.01)
    assert is_near(color_at(screen(page), 0.4, 0.2), SKY)
    assert camera(page)["yaw"] == 90  # the line moved, not the panorama


@needs_browser
def test_differences_say_who_is_right(page: Page) -> None:
    do(page, "setMode('differences')")
    look(page, yaw=90)
    picture = screen(page)
    assert is_near(color_at(picture, 0.5, 0.2), GREEN)
    assert is_near(color_at(picture, 0.5, 0.8), RED)
    look(page, yaw=-90)
    assert is_near(color_at(screen(page), 0.5, 0.2), (40, 40, 40))  # the same: darkened
    assert "Green: only the second" in page.run("document.querySelector('.meaning').textContent")


@needs_browser
def test_the_legend_switches_classes(page: Page) -> None:
    names = "[...document.querySelectorAll('[data-class]')].map((each) => each.textContent)"
    assert page.run(names) == [*CLASSES]
    page.run("document.querySelector('[data-class=road]').click()")
    picture = screen(page)
    assert is_near(color_at(picture, 0.5, 0.8), (100, 100, 100))
    assert is_near(color_at(picture, 0.5, 0.2), SKY)
    page.run("document.querySelector('[data-part=none]').click()")
    assert is_near(color_at(screen(page), 0.5, 0.2), (100, 100, 100))
    page.run("document.querySelector('[data-part=all]').click()")
    assert is_near(color_at(screen(page), 0.5, 0.8), ROAD)


@needs_browser
@pytest.mark.parametrize(("yaw", "pitch", "across"), [(0, 0, 90), (137, 35, 70), (-60, -80, 110)])
def test_the_camera_sees_what_geometry_says(
    yaw: float, pitch: float, across: float, page: Page
) -> None:
    do(page, "open(1)")
    page.run("goodsamReport.controls.chosen.first")
    look(page, yaw=yaw, pitch=pitch, across=across)
    picture = np.asarray(screen(page), int)
    height, width = picture.shape[:2]
    rays = turned(pinhole_directions(height, width, across, torch.float64), yaw, pitch).numpy()
    longitude = np.arctan2(-rays[..., 1], rays[..., 0])
    latitude = np.arcsin(rays[..., 2])
    columns = ((longitude / (2 * np.pi) + 0.5) % 1) * SIZE[1]
    rows = (0.5 - latitude / np.pi) * SIZE[0]
    wanted = np.array(PALETTE)[blocks()[rows.astype(int).clip(0, 63), columns.astype(int) % 128]]
    assert (np.abs(picture - wanted).max(axis=-1) <= 4).mean() > 0.99  # but edges of blocks
    script = "[[0.1, 0.2], [0.7, 0.9]].map(([x, y]) => goodsamReport.view.direction(x, y))"
    for (x, y), told in zip([(0.1, 0.2), (0.7, 0.9)], page.run(script), strict=True):
        row, column = int(y * height), int(x * width)
        there = (math.degrees(longitude[row, column]), math.degrees(latitude[row, column]))
        assert told[1] == pytest.approx(there[1], abs=0.3)
        assert (told[0] - there[0] + 180) % 360 - 180 == pytest.approx(0, abs=1.5)


def turned(rays: torch.Tensor, yaw: float, pitch: float) -> torch.Tensor:
    """Directions (x forward, y left, z up) of a camera that looks up, then to the right."""
    up, right = math.radians(pitch), math.radians(yaw)
    lift = torch.tensor(
        [[math.cos(up), 0, -math.sin(up)], [0, 1, 0], [math.sin(up), 0, math.cos(up)]]
    )
    swing = torch.tensor(
        [[math.cos(right), math.sin(right), 0], [-math.sin(right), math.cos(right), 0], [0, 0, 1]]
    )
    return rays @ (swing @ lift).double().T


@needs_browser
def test_the_whole_panorama_is_seen_unrolled(page: Page) -> None:
    do(page, "unroll()")
    picture = screen(page)
    assert is_near(color_at(picture, 0.02, 0.5 - 0.02), SKY)
    assert is_near(color_at(picture, 0.98, 0.5 + 0.02), ROAD)


@needs_browser
def test_mouse_wheel_keys_and_fingers_turn_and_zoom(page: Page) -> None:
    left, top, width, height = box(page)
    x, y = left + width / 2, top + height / 2
    page.mouse("mousePressed", x, y, button="left", clickCount=1)
    page.mouse("mouseMoved", x - width / 10, y + height / 10, button="left")
    page.mouse("mouseReleased", x - width / 10, y + height / 10, button="left")
    assert camera(page)["yaw"] == pytest.approx(9, abs=0.3)  # a tenth of 90°
    assert camera(page)["pitch"] == pytest.approx(9 * height / width, abs=0.3)
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-100)
    assert camera(page)["across"] == pytest.approx(90 / 1.15)
    page.run("goodsamReport.view.canvas.focus()")
    for key in ("0", "ArrowRight", "ArrowUp", "ArrowUp", "-"):
        page.press(key)
    assert camera(page) == {"yaw": 5, "pitch": 10, "across": pytest.approx(90 * 1.15)}
    page.press("5")
    assert page.run("goodsamReport.controls.chosen.first") == "Student"
    for key, mode in {"s": "sweep", "d": "differences", "f": "fade"}.items():
        page.press(key)
        assert page.run("goodsamReport.view.mode") == mode
    page.press("[")
    assert page.run("goodsamReport.view.fade") == pytest.approx(0.9)
    page.press("n")
    assert page.run("goodsamReport.controls.panorama.name") == "b"
    look(page, yaw=0, pitch=0, across=90)
    page.size(WIDTH, HEIGHT, touch=True)
    page.touch("touchStart", (x - 50, y), (x + 50, y))
    page.touch("touchMove", (x - 100, y), (x + 100, y))
    page.touch("touchEnd")
    assert camera(page)["across"] == pytest.approx(45, rel=0.15)


@needs_browser
def test_what_is_under_the_pointer_is_named(page: Page) -> None:
    left, top, width, height = box(page)
    page.mouse("mouseMoved", left + 0.75 * width, top + 0.2 * height)
    told = page.run("document.querySelector('output').textContent")
    assert told == "Teacher assistant: sky · Ground truth: car"


@needs_browser
def test_colours_follow_the_system_until_the_button_is_pressed(page: Page) -> None:
    corner = (5, 5)
    assert page.picture().getpixel(corner) == (255, 255, 255)
    page.prefer("dark")
    assert page.picture().getpixel(corner) == (0x14, 0x17, 0x1A)
    page.run("document.querySelector('[data-part=theme]').click()")
    assert page.picture().getpixel(corner) == (255, 255, 255)
    assert page.run("document.querySelector('[data-part=theme]').textContent") == "Dark"


@needs_browser
def test_a_browser_that_cannot_draw_panoramas_shows_the_rest(browser: Chromium, html: Path) -> None:
    page = browser.page(WIDTH, HEIGHT)
    source = "HTMLCanvasElement.prototype.getContext = () => null"
    page.call("Page.addScriptToEvaluateOnNewDocument", source=source)
    page.open(html)
    told = page.run("document.querySelector('.failure').textContent")
    assert told == "No panoramas: this browser has no WebGL 2, in which panoramas are drawn."
    assert page.run("document.querySelectorAll('table').length") == 3
    assert page.complaints == []
