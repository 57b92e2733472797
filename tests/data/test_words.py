"""What words have found, read beside panoramas: values, sizes, turns, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from word_folders import Drawn, stripe, write_things

from goodsam_pl.data import Augmentation, PanoramaDataModule, Pipeline
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.panorama import PanoramaDataset
from goodsam_pl.data.panorama_format import PanoramaFormat
from goodsam_pl.data.words import StoredWords, word_contents
from goodsam_pl.files import ContentKeys
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.taxonomy import get_taxonomy

CLASSES = get_taxonomy("cityscapes-19")
POLE, RIDER = CLASSES.index("pole"), CLASSES.index("rider")
STRIP = PanoramaFormat((24, 128), 67.5, 67.5)
THINGS: Drawn = [
    ("pole", 0.5, stripe(120, 4)),
    ("pole", 0.2, stripe(0, 10)),
    ("rider", 1.0, stripe(2, 6)),
    ("rider", 0.0, stripe(5, 7)),
]


def _entry(image: Path, name: str = "Oslo/0") -> Entry:
    return Entry(image, None, None, name)


def _words(root: Path, image: Path, panorama_format: PanoramaFormat = STRIP) -> StoredWords:
    return StoredWords(root, [_entry(image)], panorama_format, CLASSES, ContentKeys(None))


def test_evidence_is_the_highest_score_of_a_classs_masks(tmp_path, write_image):
    image = write_image("images/Oslo/0.png")
    write_things(tmp_path / "words", "Oslo/0", image, THINGS)
    evidence = _words(tmp_path / "words", image)[0]
    assert evidence.dtype == torch.uint8
    assert evidence.shape == (19, 24, 128)
    expected = np.zeros((19, 128), np.uint8)
    expected[POLE, 0:10] = 51
    expected[POLE, 0:4] = 128
    expected[POLE, 120:] = 128
    expected[RIDER, 6] = 1  # a mask of no score is a mask
    expected[RIDER, 2:6] = 255
    assert (evidence.numpy() == expected[:, None]).all()


def test_masks_are_cut_and_brought_to_the_size_as_labels_are(tmp_path, write_image):
    image = write_image("images/Oslo/0.png", height=128, width=256)
    mask = np.zeros((128, 256), dtype=bool)
    mask[40:64, 250:] = True
    write_things(tmp_path / "words", "Oslo/0", image, [("pole", 1.0, mask)])
    panorama_format = PanoramaFormat((24, 128), 67.5, 180.0)
    evidence = _words(tmp_path / "words", image, panorama_format)[0]
    whole = np.where(mask, np.uint8(255), np.uint8(0))
    band = panorama_format.locate(image)
    expected = np.asarray(
        Image.fromarray(whole[band.rows]).resize((128, 24), Image.Resampling.NEAREST)
    )
    assert (evidence[POLE].numpy() == expected).all()
    assert 0 < (expected > 0).mean() < 0.1


@pytest.mark.parametrize("seed", range(4))
def test_words_turn_with_their_panorama(tmp_path, write_image, seed):
    image = write_image("images/Oslo/0.png")
    pixels = np.zeros((24, 128, 3), np.uint8)
    pixels[stripe(120, 4)] = 255
    Image.fromarray(pixels).save(image)
    write_things(tmp_path / "words", "Oslo/0", image, [("pole", 1.0, stripe(120, 4))])
    dataset = PanoramaDataset(
        [_entry(image)],
        STRIP,
        WindowGrid.cover((24, 128), (24, 24), (24, 16)),
        "cityscapes-19",
        words=_words(tmp_path / "words", image),
        augmentation=Augmentation(Pipeline([]), roll=True, flip=True),
    )
    torch.manual_seed(seed)
    sample = dataset[0]
    assert sample.words is not None
    assert torch.equal(sample.words[POLE] > 0, sample.image[0] > 0)
    assert (sample.words[POLE] > 0).sum() == 12 * 24


def _module(root: Path, words: Path, **options: object) -> PanoramaDataModule:
    given = {
        "dataset": "densepass",
        "root": str(root),
        "size": (24, 128),
        "window_size": (24, 24),
        "window_stride": (24, 16),
        "num_workers": 0,
        "words_root": str(words),
        "mask_splits": ["train", "val"],
    }
    return PanoramaDataModule(**{**given, **options})


def _label_all(root: Path, words: Path) -> None:
    for image in sorted(root.glob("leftImg8bit/*/*/*.png")):
        name = image.relative_to(root / "leftImg8bit").with_suffix("")
        write_things(words, name.as_posix(), image, [("pole", 1.0, stripe(int(name.name[0]), 64))])


def test_batches_carry_the_words_of_their_panoramas(densepass_root, tmp_path):
    _label_all(densepass_root, tmp_path / "words")
    data = _module(densepass_root, tmp_path / "words", roll=False, flip=False)
    data.setup("fit")
    for batch in (*data.train_dataloader(), *data.val_dataloader()):
        assert batch.words is not None
        for name, words in zip(batch.names, batch.words, strict=True):
            left = int(name.rpartition("/")[2][0])
            assert (words[POLE, 0] > 0).tolist() == stripe(left, 64)[0].tolist()
    data.setup("test")
    assert next(iter(data.test_dataloader())).words is None  # not among mask_splits


def test_a_panorama_without_words_is_named_before_anything_is_computed(densepass_root, tmp_path):
    _label_all(densepass_root, tmp_path / "words")
    (tmp_path / "words/things/train/Oslo/1.json").unlink()
    (tmp_path / "words/things/train/Oslo/2.json").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"no things of .*Oslo/1\.png and 1 more of 4 panoramas: run `good"
    ):
        _module(densepass_root, tmp_path / "words").setup("fit")
    with pytest.raises(FileNotFoundError, match="find things with `goodsam label IMAGES"):
        _module(densepass_root, tmp_path / "none").setup("fit")


def test_words_of_other_classes_are_refused(tmp_path, write_image):
    image = write_image("images/Oslo/0.png")
    write_things(tmp_path / "words", "Oslo/0", image, THINGS, ("pole", "cat", "dog"))
    with pytest.raises(ValueError, match="the class 'cat' and 1 more that cityscapes-19 has not"):
        _words(tmp_path / "words", image)


def test_words_of_another_image_or_size_are_refused(tmp_path, write_image):
    image = write_image("images/Oslo/0.png")
    write_things(tmp_path / "words", "Oslo/0", image, THINGS)
    write_image("images/Oslo/0.png", seed=1)
    with pytest.raises(ValueError, match=r"is of another image than .*Oslo/0\.png, or that has"):
        _words(tmp_path / "words", image)[0]
    small = stripe(0, 4, (12, 64))
    write_things(tmp_path / "words", "Oslo/0", image, [("pole", 1.0, small)])
    with pytest.raises(ValueError, match=r"is of an image of 64×12 pixels, .*png has 128×24"):
        _words(tmp_path / "words", image)[0]


def test_things_of_other_images_are_refused_before_anything_is_computed(densepass_root, tmp_path):
    _label_all(densepass_root, tmp_path / "words")
    first = densepass_root / "leftImg8bit/train/Oslo/0.png"
    small = stripe(0, 4, (12, 64))
    write_things(tmp_path / "words", "train/Oslo/0", first, [("pole", 1.0, small)])
    with pytest.raises(ValueError, match=r"is of an image of 64×12 pixels, .*0\.png has 128×24"):
        _module(densepass_root, tmp_path / "words").setup("fit")


def test_damaged_masks_are_named(tmp_path, write_image):
    image = write_image("images/Oslo/0.png")
    path = write_things(tmp_path / "words", "Oslo/0", image, THINGS)
    record = json.loads(path.read_text())
    record["things"][0]["segmentation"]["counts"] = "11"
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"0\.json: a mask is damaged: counts do not fill"):
        _words(tmp_path / "words", image)[0]


def test_contents_change_with_one_panoramas_things_alone(tmp_path, write_image):
    entries = [_entry(write_image(f"i/Oslo/{n}.png", seed=n), f"Oslo/{n}") for n in range(2)]
    for each in entries:
        write_things(tmp_path / "words", each.name, each.image, THINGS)
    before = word_contents(tmp_path / "words", entries)
    assert set(before) == {each.image for each in entries}
    write_things(tmp_path / "words", "Oslo/1", entries[1].image, THINGS[:2])
    after = word_contents(tmp_path / "words", entries)
    assert after[entries[0].image] == before[entries[0].image]
    assert after[entries[1].image] != before[entries[1].image]
