"""How large a report is, and how smoothly a panorama turns and fades in it, rendered by software.

python benchmarks/report.py [FOLDER ...]

Folders are taken as `goodsam report` takes them. Without any, one street of StreetWorld stands for
ten panoramas of 2048×1024, turned, with four stages each. Headless Chromium draws 1280×720 pixels
of the panorama with SwiftShader, and each frame differs from the last. Prints one JSON object;
processor time, of all of the browser's processes, says what a busy machine does not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from goodsam_pl.cli.reporting import report
from goodsam_pl.streetworld import make_city, view
from goodsam_pl.taxonomy import read_classes
from goodsam_pl.views.stage_folder import Stage, StageFolder

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from headless_chromium import Chromium, Page, chromium_path

SIZE = (2048, 1024)
SECONDS = 4
WAYS = {
    "turning": "view.turn(1, 0)",
    "fading": "controls.setFade((view.frames % 50) / 50)",
    "sweeping": "controls.setSplit((view.frames % 50) / 50)",
}
PIXELS = "[goodsamReport.view.canvas.width, goodsamReport.view.canvas.height]"
WHOLE_WINDOW = "position: fixed; inset: 0; height: auto"
COUNT = """new Promise((done) => {
  const {view, controls} = goodsamReport, begun = performance.now(), before = view.frames;
  const step = () => {
    const seconds = (performance.now() - begun) / 1000;
    if (seconds > %d) return done((view.frames - before) / seconds);
    %s;
    requestAnimationFrame(step);
  };
  step();
})"""


def main() -> None:
    """Write the report, open it, count frames."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*")
    folders: list[Path] = parser.parse_args().folders
    browser = chromium_path()
    if browser is None:
        parser.error("there is no Chromium: apt-get install chromium, or set GOODSAM_CHROMIUM")
    with tempfile.TemporaryDirectory() as temporary, Chromium(browser) as chromium:
        out = Path(temporary, "report.html")
        report(folders or [streets(Path(temporary, "stages"))], out, json=True)
        page = chromium.page(1280, 720)
        page.open(out)
        speeds = frames_a_second(page, chromium)
        print(
            json.dumps(
                {
                    "megabytes": round(out.stat().st_size / 1e6, 2),
                    "panoramas": page.run("goodsamReport.controls.data.panoramas.length"),
                    "pixels": page.run(PIXELS),
                    **speeds,
                }
            )
        )


def streets(root: Path) -> Path:
    """One street at ten headings, whose labels are a little off; draws it."""
    street = view(0, make_city("target"), "equirectangular")
    taxonomy = read_classes("cityscapes-19")
    image = np.asarray(Image.fromarray(street.image).resize(SIZE))
    truth = np.asarray(Image.fromarray(street.label).resize(SIZE, Image.Resampling.NEAREST))
    for place in range(10):
        turned = place * SIZE[0] // 10
        stages = [
            Stage("Panorama", "image", np.roll(image, turned, 1)),
            Stage("Teacher assistant", "labels", np.roll(truth, turned + 9, 1)),
            Stage("Student", "labels", np.roll(truth, turned - 5, 1)),
            Stage("Ground truth", "labels", np.roll(truth, turned, 1)),
        ]
        folder = StageFolder(str(place), 180, taxonomy.classes, taxonomy.palette, stages)
        folder.save(root)
    return root


def frames_a_second(page: Page, chromium: Chromium) -> dict[str, dict[str, float]]:
    """Of each way to change what is seen, with the processor time of a frame, milliseconds."""
    page.run(f"document.querySelector('.screen').style.cssText = '{WHOLE_WINDOW}'")
    page.run("goodsamReport.controls.open(0)")
    page.run("goodsamReport.view.fit()")
    found = {}
    for way, change in WAYS.items():
        page.run(f"goodsamReport.controls.setMode('{'sweep' if way == 'sweeping' else 'fade'}')")
        before = processor_seconds(chromium)
        frames = page.run(COUNT % (SECONDS, change))
        spent = processor_seconds(chromium) - before
        found[way] = {
            "frames_per_second": round(frames, 1),
            "processor_ms_per_frame": round(1000 * spent / (frames * SECONDS), 1),
        }
    return found


def processor_seconds(chromium: Chromium) -> float:
    """Of all processes of a browser."""
    browser = psutil.Process(chromium.process)
    times = [each.cpu_times() for each in (browser, *browser.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


if __name__ == "__main__":
    main()
