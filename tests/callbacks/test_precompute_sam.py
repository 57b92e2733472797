"""The callback has masks ready before training asks, or says whose are missing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from pathlib import Path
from types import SimpleNamespace

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from goodsam_pl.callbacks import PrecomputeSAM
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore, MaskStoreError, image_key
from goodsam_pl.masks.known_quality import known_quality, total_known
from goodsam_pl.masks.precomputation import MissingMasksError
from goodsam_pl.modules.continual import (
    AdapterRecipe,
    PooledQuery,
    RoutedSam,
    RoutedSegmentAnything,
    save_routed,
)
from goodsam_pl.modules.continual.adapter_pool import AdapterPool
from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.sam.frozen_sam import FrozenSam

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm_start

Reader = Callable[[Path], Tensor]


class Source(pl.LightningDataModule):
    """Panoramas for the callback, and a batch for the Trainer."""

    def __init__(
        self, files: list[Path], read: Reader, windows: WindowGrid, root: Path | None
    ) -> None:
        super().__init__()
        self.files, self.read_panorama = files, read
        self.mask_windows, self.mask_root = windows, root
        self.view = {"vertical_fov": 67.5}

    def panorama_files(self, stage: str) -> list[Path]:
        return self.files if stage == "fit" else []

    def leave_out(self, files: Collection[Path]) -> None:
        self.files = [path for path in self.files if path not in files]

    def train_dataloader(self) -> DataLoader[Tensor]:
        assert self.mask_root is not None
        assert len(MaskStore.open(self.mask_root)) == len(self.files)
        return DataLoader([torch.zeros(1)])


class Nothing(pl.LightningModule):
    def training_step(self, batch: Tensor) -> None:
        return None

    def configure_optimizers(self) -> None:
        return None


def fake_trainer(source: object, rank: int = 0, processes: int = 1) -> SimpleNamespace:
    barriers: list[str] = []
    strategy = SimpleNamespace(root_device=torch.device("cpu"), barrier=barriers.append)
    return SimpleNamespace(
        datamodule=source,
        global_rank=rank,
        world_size=processes,
        is_global_zero=rank == 0,
        strategy=strategy,
        barriers=barriers,
    )


@pytest.fixture
def source(panoramas: list[Path], reader: Reader, grid: WindowGrid, tmp_path: Path) -> Source:
    return Source(panoramas, reader, grid, tmp_path / "masks")


def test_masks_are_there_before_training_asks_for_them(source: Source, brightness) -> None:
    trainer = pl.Trainer(
        fast_dev_run=True,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[PrecomputeSAM(brightness())],
    )
    trainer.fit(Nothing(), datamodule=source)
    assert source.mask_root is not None
    assert len(MaskStore.open(source.mask_root)) == 5


def test_a_routed_sam_fills_the_store_too(source: Source, tmp_path: Path) -> None:
    sam = FrozenSam.of("vit_nano")
    pool = AdapterPool(AdapterRecipe("hq"))
    pool.add("town", sam, 0)
    selector = DomainSelector(PooledQuery(sam.shape))
    selector.renew(1, torch.Generator().manual_seed(0))
    save_routed(RoutedSam(sam, pool, selector), tmp_path / "adapters.safetensors")
    asked = {"points_per_side": 2, "stability_threshold": 0.0}
    proposer = RoutedSegmentAnything(str(tmp_path / "adapters.safetensors"), **asked)
    source.files = source.files[:1]
    PrecomputeSAM(proposer).setup(fake_trainer(source), Nothing(), "fit")
    assert source.mask_root is not None
    store = MaskStore.open(source.mask_root)
    assert len(store) == 1
    assert store.manifest.proposer["proposer"] == "routed_segment_anything"


def test_each_process_does_its_share_and_waits_for_the_others(
    source: Source, brightness, panoramas: list[Path]
) -> None:
    """The second process has a panorama of its share in hand all the time; the first does not."""
    store = MaskStore.create(source.mask_root, source.mask_windows, brightness(), source.view)
    trainer, proposer = fake_trainer(source, 0, 2), brightness()
    with store.claim(image_key(panoramas[1])):
        PrecomputeSAM(proposer, mode="window").setup(trainer, Nothing(), "fit")
    # its own three, and one that the second had not begun
    assert proposer.windows_seen == 4 * 4
    assert trainer.barriers == ["goodsam_pl.callbacks.PrecomputeSAM"]
    trainer, proposer = fake_trainer(source, 1, 2), brightness()
    PrecomputeSAM(proposer, mode="window").setup(trainer, Nothing(), "fit")
    assert proposer.windows_seen == 4
    assert len(store) == 5


def test_a_second_run_says_that_there_is_nothing_to_do(
    source: Source, brightness, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        for _ in range(2):
            PrecomputeSAM(brightness()).setup(fake_trainer(source), Nothing(), "fit")
    assert caplog.messages == [
        f"SAM masks: 5 panoramas computed, 0 had theirs already in {source.mask_root}",
        f"SAM masks: all 5 panoramas have theirs in {source.mask_root}",
    ]


def test_what_is_known_without_labels_is_told_and_logged(
    source: Source, brightness, caplog: pytest.LogCaptureFixture
) -> None:
    logged: list[tuple[dict[str, float], int]] = []
    trainer = fake_trainer(source)
    trainer.loggers = [SimpleNamespace(log_metrics=lambda *given: logged.append(given))]
    with caplog.at_level("INFO"):
        PrecomputeSAM(brightness(), "window", report=True).setup(trainer, Nothing(), "fit")
        PrecomputeSAM(brightness(), "window").setup(trainer, Nothing(), "fit")
    store = MaskStore.open(source.mask_root)
    known = total_known(known_quality(store.read(key)) for key in store)
    assert known.panoramas == 5
    assert known.agreement == 1  # brighter and brighter: each mask lies in the one before
    expected = {f"masks/{name}": value for name, value in known.as_dict().items()}
    assert [step for _, step in logged] == [0]
    assert logged[0][0] == pytest.approx(expected)
    assert [str(known) in message for message in caplog.messages] == [False, True, False]


def test_a_stage_without_masks_makes_no_store(source: Source, brightness) -> None:
    PrecomputeSAM(brightness()).setup(fake_trainer(source), Nothing(), "test")
    assert source.mask_root is not None
    assert not source.mask_root.exists()


def test_unreadable_files_stop_the_run_after_all_others_are_done(
    source: Source, brightness, caplog: pytest.LogCaptureFixture
) -> None:
    whole = source.read_panorama

    def read(path: Path) -> Tensor:
        if path in source.files[:2]:
            raise OSError("truncated")
        return whole(path)

    source.read_panorama = read
    trainer = fake_trainer(source)
    with pytest.raises(
        MissingMasksError, match=r"^2 panoramas without masks:\n.*0\.bin: truncated"
    ):
        PrecomputeSAM(brightness()).setup(trainer, Nothing(), "fit")
    assert len(MaskStore.open(source.mask_root)) == 3
    assert len(trainer.barriers) == 1
    with caplog.at_level("WARNING"):
        PrecomputeSAM(brightness(), on_error="skip").setup(fake_trainer(source), Nothing(), "fit")
    assert "going on without 2 panoramas" in caplog.text
    assert "1.bin: truncated" in caplog.text
    assert [path.name for path in source.files] == ["2.bin", "3.bin", "4.bin"]


def test_data_without_panoramas_is_refused(brightness) -> None:
    callback = PrecomputeSAM(brightness())
    with pytest.raises(TypeError, match=r"LightningDataModule: use .*PanoramaDataModule"):
        callback.setup(fake_trainer(pl.LightningDataModule()), Nothing(), "fit")


def test_data_without_a_place_for_masks_is_refused(source: Source, brightness) -> None:
    source.mask_root = None
    with pytest.raises(ValueError, match="set mask_root"):
        PrecomputeSAM(brightness()).setup(fake_trainer(source), Nothing(), "fit")


def test_masks_of_other_parameters_are_refused(source: Source, brightness) -> None:
    PrecomputeSAM(brightness()).setup(fake_trainer(source), Nothing(), "fit")
    with pytest.raises(MaskStoreError, match="levels"):
        PrecomputeSAM(brightness((10,))).setup(fake_trainer(source), Nothing(), "fit")


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["skip", "raise"])
def test_two_processes_leave_out_the_same_panoramas(tmp_path: Path, policy: str) -> None:
    """Each process finds another unreadable file, and both go on without either."""
    for index in range(7):
        blocks = np.random.default_rng(index).integers(0, 256, (3, 16, 3), dtype=np.uint8)
        path = tmp_path / "images" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(blocks.repeat(8, axis=0).repeat(8, axis=1)).save(path)
    for index in (2, 5):
        path = tmp_path / "images" / f"{index}.png"
        path.write_bytes(path.read_bytes()[:50])
    script = Path(__file__).with_name("leave_out_processes.py")
    command = [sys.executable, str(script), str(tmp_path), policy]
    done = warm_start.run(command)
    assert "2.png: " in done.stderr
    assert "5.png: " in done.stderr
    reports = [tmp_path / f"rank{rank}.txt" for rank in range(2)]
    if policy == "raise":
        assert done.returncode != 0
        assert not any(report.exists() for report in reports)
    else:
        assert done.returncode == 0, done.stderr
        for report in reports:
            assert report.read_text() == "0.png 1.png 3.png 4.png 6.png 5"


def test_training_does_not_see_whether_masks_were_computed(source: Source, brightness) -> None:
    class Loading(brightness):
        def propose(self, windows: Tensor) -> object:
            torch.rand(7)  # as building a network does
            return super().propose(windows)

    module, trainer = Nothing(), fake_trainer(source)
    drawn = []
    for _ in range(2):  # the second run finds them
        torch.manual_seed(3)
        PrecomputeSAM(Loading(), "window").setup(trainer, module, "fit")
        drawn.append(torch.rand(1))
    assert len(MaskStore.open(source.mask_root)) == len(source.files)
    assert drawn[0] == drawn[1]
