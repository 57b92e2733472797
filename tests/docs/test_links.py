"""Links and paths in our pages lead somewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from pages import CONFIGS, PAGES, ROOT

PLACES = "configs|docs|notebooks|scripts|benchmarks|tests|src"
ELSEWHERE = {
    "configs/goodsam/ablation/my_plan.yaml": "made by the reader",
    "scripts/train_nano_sam.py": "at the commit that vit_nano.md names",
}


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub makes them."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    titles = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    path = ROOT / page
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file) if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", [*PAGES, *CONFIGS])
def test_paths_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(rf"(?<![\w/.~-])(?:{PLACES})/[\w./-]*\w/?", text)
    broken = [name for name in named if name not in ELSEWHERE and not (ROOT / name).exists()]
    assert broken == []


def test_anchors_are_as_github_makes_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One, two: *three*\n```sh\n# no heading\n```\n## `--tta N`\n")
    assert anchors(page) == {"one-two-three", "--tta-n"}
