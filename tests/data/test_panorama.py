from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import albumentations
import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl.data import (
    Augmentation,
    PanoramaDataset,
    PanoramaFormat,
    StoredMasks,
    denormalize,
    photometric,
)
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.labels import train_ids
from goodsam_pl.geometry import WindowGrid

SIZE = (24, 128)  # 67.5° by 360°
WINDOWS = WindowGrid.cover(SIZE, (24, 24), (24, 16))
STRIP = PanoramaFormat(SIZE, 67.5, 67.5)


def entry(image, label=None) -> Entry:
    label_format = None if label is None else train_ids("cityscapes-19")
    return Entry(image, label, label_format, image.stem)


def test_a_sample_is_normalised_and_labelled(write_image, write_label):
    image, label = write_image("a.png"), write_label("a_label.png")
    sample = PanoramaDataset([entry(image, label)], STRIP, WINDOWS, "cityscapes-19")[0]
    assert sample.image.dtype == torch.float32
    assert (denormalize(sample.image).permute(1, 2, 0).numpy() == np.array(Image.open(image))).all()
    assert sample.label.dtype == torch.int64
    assert (sample.label.numpy() == np.array(Image.open(label))).all()
    assert sample.masks is None
    assert sample.name == "a"


def test_labels_come_in_the_taxonomy_asked_for(write_image, write_label):
    label = write_label("l.png", ids=np.full(SIZE, 18, np.uint8))
    dataset = PanoramaDataset([entry(write_image("a.png"), label)], STRIP, WINDOWS, "cityscapes-13")
    assert dataset[0].label.unique().tolist() == [12]


def test_the_band_around_the_horizon_is_cut_out_of_a_full_sphere(tmp_path, write_label):
    sphere = np.zeros((64, 128, 3), np.uint8)
    sphere[20:44] = 200  # the 24 rows around the horizon: 24 / 64 * 180° = 67.5°
    Image.fromarray(sphere).save(tmp_path / "sphere.png")
    ids = np.full((64, 128), 10, np.uint8)
    ids[20:44] = 2
    label = write_label("sphere_label.png", ids=ids)
    band = PanoramaFormat(SIZE, 67.5, 180.0)
    assert (band.read(tmp_path / "sphere.png") == 200).all()
    dataset = PanoramaDataset(
        [entry(tmp_path / "sphere.png", label)], band, WINDOWS, "cityscapes-19"
    )
    assert dataset[0].label.unique().tolist() == [2]


def test_larger_files_are_resized(write_image, write_label):
    dataset = PanoramaDataset(
        [entry(write_image("a.png", 48, 256), write_label("l.png", 48, 256))],
        STRIP,
        WINDOWS,
        "cityscapes-19",
    )
    assert dataset[0].image.shape == (3, *SIZE)
    assert dataset[0].label.shape == SIZE


def test_a_file_of_the_wrong_aspect_names_itself_and_its_field_of_view(write_image):
    path = write_image("square.png", 64, 128)
    with pytest.raises(
        ValueError, match=r"square\.png: 128×64 pixels are 360° by 180\.0°, but 67\.5° are config"
    ):
        STRIP.read(path)
    tolerant = PanoramaFormat(SIZE, 67.5, 67.5, aspect_tolerance=2.0)
    assert tolerant.read(path).shape == (*SIZE, 3)


def test_sizes_and_fields_of_view_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match=r"size 64×128 has the aspect of 180\.0° by 360°"):
        PanoramaFormat((64, 128), 67.5, 67.5)
    with pytest.raises(ValueError, match=r"vertical_fov 90° must lie between 0° and .*67.5°"):
        PanoramaFormat((32, 128), 90, 67.5)
    PanoramaFormat((400, 2048), 70, 70)  # DensePASS


def test_a_label_of_another_size_is_refused(write_image, write_label):
    image, label = write_image("a.png"), write_label("l.png", 24, 64)
    with pytest.raises(ValueError, match=r"l\.png: 64×24 pixels, but its image .*a\.png"):
        PanoramaDataset([entry(image, label)], STRIP, WINDOWS, "cityscapes-19")[0]


def test_a_data_set_can_be_sent_to_workers(write_image, write_label):
    dataset = PanoramaDataset(
        [entry(write_image("a.png"), write_label("l.png"))],
        STRIP,
        WINDOWS,
        "cityscapes-19",
        augmentation=Augmentation(photometric([albumentations.ColorJitter()])),
    )
    copy = pickle.loads(pickle.dumps(dataset))  # noqa: S301  # our own bytes
    torch.manual_seed(0)
    expected = dataset[0]
    torch.manual_seed(0)
    sent = copy[0]
    assert torch.equal(sent.image, expected.image)
    assert torch.equal(sent.label, expected.label)


class MasksOnPaper(list):
    """What PanoramaDataset asks of StoredMasks."""

    whole = True


def test_image_label_and_masks_turn_together(tmp_path, write_label):
    ids = np.random.default_rng(3).integers(0, 19, SIZE, dtype=np.uint8)
    Image.fromarray(np.dstack([ids] * 3)).save(tmp_path / "coded.png")
    label = write_label("l.png", ids=ids)
    masks = WINDOWS.extract(torch.from_numpy(ids)[None])[0].to(torch.int16)[:, None]
    dataset = PanoramaDataset(
        [entry(tmp_path / "coded.png", label)],
        STRIP,
        WINDOWS,
        "cityscapes-19",
        masks=MasksOnPaper([(masks,)]),
        augmentation=Augmentation(photometric(None)),
    )
    torch.manual_seed(0)
    seen = set()
    for _ in range(60):
        sample = dataset[0]
        assert torch.equal(denormalize(sample.image)[0].long(), sample.label)
        turned = WINDOWS.extract(sample.label[None])[0]
        assert torch.equal(sample.masks[0][:, 0].long(), turned)
        assert sample.whole_masks
        seen.add(tuple(sample.label[0].tolist()))
    assert len(seen) == 2 * len(WINDOWS.columns)


VIEW = {"vertical_fov": 67.5, "file_vertical_fov": 180.0}


class StoreOnPaper:
    """What StoredMasks asks of a mask store."""

    windows = WINDOWS
    view = VIEW
    whole = False

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def keys(self, path: Path) -> str:
        return path.name

    def __contains__(self, key: str) -> bool:
        return key in self.names

    def layers(self, key: str, windows: WindowGrid) -> torch.Tensor:
        assert windows == WINDOWS
        return torch.full((WINDOWS.count, 1, 24, 24), self.names.index(key), dtype=torch.int16)


@pytest.fixture
def store_on_paper(monkeypatch):
    content = StoreOnPaper(["a.png", "b.png"])
    store = SimpleNamespace(open=lambda root: content)
    monkeypatch.setattr("goodsam_pl.data.panorama.MaskStore", store)
    return content


def test_masks_are_found_by_the_content_of_their_image(store_on_paper, tmp_path):
    masks = StoredMasks(tmp_path, [tmp_path / "b.png", tmp_path / "a.png"], WINDOWS, VIEW)
    assert [int(masks[index][0].unique()) for index in range(2)] == [1, 0]
    assert not masks.whole
    store_on_paper.whole = True
    assert masks.whole


def test_masks_that_are_missing_or_of_other_windows_are_refused(store_on_paper, tmp_path):
    files = [tmp_path / name for name in ("a.png", "c.png", "d.png")]
    with pytest.raises(
        ValueError, match=r"no masks for .*c\.png and 1 more of 3 panoramas: put .*PrecomputeSAM"
    ):
        StoredMasks(tmp_path, files, WINDOWS, VIEW)
    with pytest.raises(ValueError, match=r"data has .*67\.5.*name another mask_root"):
        StoredMasks(tmp_path, files[:1], WINDOWS, {**VIEW, "file_vertical_fov": 67.5})
    store_on_paper.whole, store_on_paper.windows = True, WindowGrid.cover(SIZE, SIZE, SIZE)
    StoredMasks(tmp_path, files[:1], WINDOWS, VIEW)
    store_on_paper.whole = False
    store_on_paper.windows = WindowGrid.cover(SIZE, (24, 24), (24, 24))
    with pytest.raises(ValueError, match=r"holds masks for WindowGrid.*name another mask_root"):
        StoredMasks(tmp_path, files[:1], WINDOWS, VIEW)
