"""What `make dist` builds holds all that the package needs, and works where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import goodsam_pl

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "goodsam_pl"
OF_A_BUILD = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")
NAME = f"goodsam_pl-{goodsam_pl.__version__}"

TRY = """
import goodsam_pl
from goodsam_pl.networks import SegmentationNetwork
from goodsam_pl.sam import SegmentAnything
SegmentationNetwork(weights="streetworld")
SegmentAnything("vit_nano")
print(goodsam_pl.__file__)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution, and a wheel that was built from it."""
    clone = tmp_path_factory.mktemp("clone")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", clone / "src", ignore=ignored)
    for name in OF_A_BUILD:
        shutil.copy(ROOT / name, clone / name)
    # without isolation: it would download what the environment of the tests has
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(clone / "dist")]
    subprocess.run([*build, str(clone)], check=True, capture_output=True)
    return clone / "dist"


def files_of_the_package() -> set[str]:
    """All files below the package, as an archive names them."""
    return {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_and_source_distribution_hold_every_file_of_the_package(dist: Path) -> None:
    needed = files_of_the_package()
    assert "goodsam_pl/pretrained/vit_nano.safetensors" in needed
    with zipfile.ZipFile(dist / f"{NAME}-py3-none-any.whl") as wheel:
        assert needed - {*wheel.namelist()} == set()
        assert f"{NAME}.dist-info/licenses/LICENSE" in wheel.namelist()
    with tarfile.open(dist / f"{NAME}.tar.gz") as source:
        held = {*source.getnames()}
    assert {f"{NAME}/src/{each}" for each in needed} - held == set()
    assert {f"{NAME}/{each}" for each in OF_A_BUILD} - held == set()


@pytest.mark.parametrize("archive", [f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz"])
def test_what_is_built_works_in_an_environment_of_its_own(
    archive: str, dist: Path, tmp_path: Path
) -> None:
    """The environment borrows the packages that ours needs, and nothing of this clone."""
    here = tmp_path / "env"
    venv.create(here, with_pip=False)
    bin_ = here / "bin"
    folder = next(here.glob("lib/python*/site-packages"))
    (folder / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(bin_ / "python"), "install", "--quiet"]
    alone = ["--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed"]
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=tmp_path, env=surroundings
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run(*pip, *alone, str(dist / archive))
    where = run(str(bin_ / "python"), "-c", TRY).strip()
    assert Path(where).is_relative_to(here)
    if archive.endswith(".tar.gz"):  # the wheel was built from it, and is tried further
        return
    counts = ["source_train=1", "source_val=1", "target_train=1", "target_val=1", "target_test=1"]
    sizes = ["source_size=[64,128]", "panorama_size=[48,256]", "workers=1"]
    options = [f"--{each}" for each in (*counts, *sizes)]
    run(str(bin_ / "goodsam"), "streetworld", "--out=world", *options)
    assert len([*(tmp_path / "world").rglob("*.png")]) > 8
    found = json.loads(run(str(bin_ / "goodsam"), "doctor", "--json"))
    assert found["packages"]["version"] == goodsam_pl.__version__
