"""What all tests share."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import settings
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.proposer import Description
from goodsam_pl.networks.small_sam import SmallSam

if TYPE_CHECKING:
    from dashboard_runs import DashboardRuns

# A deadline would turn a busy machine into a failure; speed is never asserted here.
settings.register_profile("goodsam", deadline=None, max_examples=50)
settings.load_profile("goodsam")

# Data loaders fork workers around torch; two threads a process keep small machines responsive.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("WANDB_MODE", "offline")
# A run needs no list of packages and no watch over the machine: a second of each of many runs.
os.environ.setdefault("WANDB_X_SAVE_REQUIREMENTS", "false")
os.environ.setdefault("WANDB_X_DISABLE_STATS", "true")
os.environ.setdefault("WANDB_X_DISABLE_META", "true")

# A script that starts the tests in its background has SIGINT ignored, and so would what they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> torch.device:
    """The CPU always, so that the test itself is known to work; a GPU where there is one."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here; `make gpu` runs what is marked gpu where there is one")
    return torch.device(request.param)


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Make a folder one that is only read, whoever the tests run as."""

    def make(folder: Path) -> None:
        def refuse(path: object, what: bool = True) -> None:
            if what and Path(os.fsdecode(path)).resolve().is_relative_to(folder.resolve()):
                raise OSError(errno.EROFS, "Read-only file system", os.fsdecode(path))

        def refusing(name: str) -> None:
            do = getattr(os, name)

            def refused(path: object, *args: object, **named: object) -> object:
                refuse(path, name != "mkdir" or not Path(os.fsdecode(path)).exists())
                return do(path, *args, **named)

            monkeypatch.setattr(os, name, refused)

        for name in ("mkdir", "unlink", "rename", "replace", "truncate", "utime", "chmod"):
            refusing(name)
        open_descriptor, open_path = os.open, Path.open
        writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

        def open_(path: object, flags: int, *args: object, **named: object) -> int:
            refuse(path, bool(flags & writing))
            return open_descriptor(path, flags, *args, **named)

        def opened(path: Path, mode: str = "r", *args: object, **named: object) -> object:
            refuse(path, bool(set(mode) & set("wax+")))
            return open_path(path, mode, *args, **named)

        monkeypatch.setattr(os, "open", open_)
        monkeypatch.setattr(Path, "open", opened)

    return make


@pytest.fixture(scope="session")
def dashboard_runs(tmp_path_factory: pytest.TempPathFactory) -> DashboardRuns:
    """A short joint training and its test, as offline runs of W&B."""
    sys.path.insert(0, str(Path(__file__).parent))
    from dashboard_runs import run_both  # noqa: PLC0415  # with W&B and all commands

    return run_both(tmp_path_factory.mktemp("dashboard"))


class BrightnessProposer:
    """Everything brighter than each of some levels is a mask."""

    def __init__(self, levels: tuple[int, ...] = (60, 120, 180)) -> None:
        self.levels = levels
        self.windows_seen = 0

    def describe(self) -> Description:
        return {"proposer": "brightness", "levels": " ".join(map(str, self.levels))}

    def to(self, device: torch.device | str) -> BrightnessProposer:
        return self

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        self.windows_seen += len(windows)
        found = []
        for window in windows:
            grey = window.float().mean(dim=0)
            binary = torch.stack([grey > level for level in self.levels])
            binary = binary[binary.flatten(1).any(dim=1)]
            scores = torch.linspace(0.5, 1.0, len(binary))
            found.append(WindowMasks.pack(binary, scores, scores.flip(0)))
        return found


@pytest.fixture
def brightness() -> type[BrightnessProposer]:
    return BrightnessProposer


@pytest.fixture(scope="session")
def tiny_sam() -> torch.nn.Module:
    """A SAM of a few thousand random weights for 64×64 images."""
    torch.manual_seed(0)
    return SmallSam(
        image_size=64,
        width=32,
        depth=2,
        heads=2,
        window_size=4,
        global_blocks=(1,),
        embedding=32,
    )


@pytest.fixture(scope="session")
def stock_sam() -> Callable[[int], Sam]:
    """Makes a SAM of Meta's classes alone, of random weights by a seed, for 64×64 images.

    Three blocks of width 32 on 8×8 tokens, windows of 3 but in block 1, relative places in all.
    """

    def make(seed: int) -> Sam:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            encoder = ImageEncoderViT(
                img_size=64,
                patch_size=8,
                embed_dim=32,
                depth=3,
                num_heads=2,
                out_chans=16,
                norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
                use_rel_pos=True,
                window_size=3,
                global_attn_indexes=(1,),
            )
            for name, parameter in encoder.named_parameters():
                if "rel_pos" in name or name == "pos_embed":
                    torch.nn.init.normal_(parameter, std=0.3)
            prompts = PromptEncoder(
                embed_dim=16,
                image_embedding_size=(8, 8),
                input_image_size=(64, 64),
                mask_in_chans=8,
            )
            transformer = TwoWayTransformer(depth=2, embedding_dim=16, num_heads=2, mlp_dim=32)
            decoder = MaskDecoder(transformer_dim=16, transformer=transformer)
            return Sam(encoder, prompts, decoder).eval()

    return make


@pytest.fixture
def grid() -> WindowGrid:
    """Four windows of 16×16 on a panorama of 16×48; the last one crosses the seam."""
    return WindowGrid.cover((16, 48), (16, 16), (16, 12))


@pytest.fixture
def panoramas(tmp_path: Path) -> list[Path]:
    """Five image files; what is in them is told by their seed."""
    paths = [tmp_path / "images" / f"{index}.bin" for index in range(5)]
    paths[0].parent.mkdir()
    for index, path in enumerate(paths):
        path.write_bytes(bytes([index]))
    return paths


def read_panorama(path: Path) -> Tensor:
    """A smooth random picture of 16×48 that depends on the file's content."""
    generator = torch.Generator().manual_seed(path.read_bytes()[0])
    coarse = torch.rand(1, 3, 4, 12, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(16, 48), mode="bilinear")[0]
    return (smooth * 255).to(torch.uint8)


@pytest.fixture
def reader():
    return read_panorama
