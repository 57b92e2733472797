from __future__ import annotations

import pytest

from goodsam_pl.data.labels import CAMVID_IDS, CITYSCAPES_LABEL_IDS, WILDPASS_IDS
from goodsam_pl.data.layouts import (
    PANORAMA_LAYOUTS,
    SOURCE_LAYOUTS,
    Entry,
    MissingSplitError,
    Request,
    folder_entries,
    list_entries,
)


def panoramas(dataset, root, split, taxonomy="cityscapes-19") -> list[Entry]:
    return list_entries(PANORAMA_LAYOUTS, dataset, Request(root, split, taxonomy))


def sources(dataset, root, split, taxonomy="cityscapes-19") -> list[Entry]:
    return list_entries(SOURCE_LAYOUTS, dataset, Request(root, split, taxonomy))


def names(entries):
    return [entry.name for entry in entries]


def test_densepass_as_published(densepass_root):
    train = panoramas("densepass", densepass_root, "train")
    assert names(train) == [f"Oslo/{index}" for index in range(4)]
    assert {entry.label for entry in train} == {None}
    val = panoramas("densepass", densepass_root, "val")
    assert names(val) == [f"cs/{index}_" for index in range(5)]
    assert val[3].label == densepass_root / "gtFine/val/cs/3_labelTrainIds.png"
    assert panoramas("densepass", densepass_root, "test") == val


def test_a_streetworld_export_has_a_test_split_of_its_own(tmp_path, write_image, write_label):
    for split in ("val", "test"):
        write_image(f"leftImg8bit/{split}/target_0000007_.png")
        write_label(f"gtFine/{split}/target_0000007_labelTrainIds.png")
    [entry] = panoramas("densepass", tmp_path, "test")
    assert entry.name == "target_0000007_"
    assert entry.label == tmp_path / "gtFine/test/target_0000007_labelTrainIds.png"


def test_train_labels_of_panoramas_are_never_listed(tmp_path, write_image, write_label):
    write_image("leftImg8bit/train/a_.png")
    write_label("gtFine/train/a_labelTrainIds.png")
    write_image("images/a.png")
    write_label("labels/a.png")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/train.txt").write_text("a\n")
    for dataset in ("densepass", "wildpass", "plain"):
        assert [entry.label for entry in panoramas(dataset, tmp_path, "train")] == [None]


def test_wildpass_as_published(tmp_path, write_image, write_label):
    write_image("leftImg8bit/val/cs/Oslo1.jpg")
    label = write_label("gtFine/val/cs/Oslo1.png")
    assert panoramas("wildpass", tmp_path, "test") == [
        Entry(tmp_path / "leftImg8bit/val/cs/Oslo1.jpg", label, WILDPASS_IDS, "cs/Oslo1")
    ]


def test_a_folder_is_searched_below_and_through_links(tmp_path, write_image):
    write_image("elsewhere/deep/c.jpeg")
    write_image("root/b.PNG")
    write_image("root/a/a.jpg")
    write_image("root/.thumbnails/a.jpg")
    (tmp_path / "root/notes.txt").write_text("no image")
    (tmp_path / "root/linked").symlink_to(tmp_path / "elsewhere")
    entries = panoramas("folder", tmp_path / "root", "train")
    assert names(entries) == ["a/a", "b", "linked/deep/c"]
    assert panoramas("folder", tmp_path / "root", "test") == entries


def test_plain_splits_take_names_with_and_without_suffix(tmp_path, write_image, write_label):
    for name in ("x/one", "two", "three"):
        write_image(f"images/{name}.jpg")
        write_label(f"labels/{name}.png")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/val.txt").write_text("two.jpg\n\nx/one\n")
    entries = panoramas("plain", tmp_path, "val", "wildpass-8")
    assert names(entries) == ["two", "x/one"]
    assert {entry.label_format.taxonomy for entry in entries} == {"wildpass-8"}
    assert sources("plain", tmp_path, "val") != entries
    (tmp_path / "splits/val.txt").write_text("two\nfour\n")
    with pytest.raises(FileNotFoundError, match=r"val\.txt, line 2: 'four' is not below .*images"):
        panoramas("plain", tmp_path, "val")
    with pytest.raises(MissingSplitError, match=r"test\.txt: no such file: write one image name"):
        panoramas("plain", tmp_path, "test")


def test_cityscapes_prefers_train_ids(tmp_path, write_image, write_label):
    for frame in ("000000", "000001"):
        write_image(f"leftImg8bit/train/ulm/ulm_{frame}_000019_leftImg8bit.png")
        write_label(f"gtFine/train/ulm/ulm_{frame}_000019_gtFine_labelIds.png")
    first = write_label("gtFine/train/ulm/ulm_000000_000019_gtFine_labelTrainIds.png")
    entries = sources("cityscapes", tmp_path, "train")
    assert entries[0].label == first
    assert entries[0].label_format.name == "trainIds of cityscapes-19"
    assert entries[1].label_format is CITYSCAPES_LABEL_IDS
    assert entries[1].name == "ulm/ulm_000001_000019_leftImg8bit"


def test_camvid_in_the_segnet_split(tmp_path, write_image, write_label):
    write_image("train/0001TP_1.jpg")
    label = write_label("trainannot/0001TP_1.png")
    [entry] = sources("camvid", tmp_path, "train")
    assert (entry.label, entry.label_format) == (label, CAMVID_IDS)
    with pytest.raises(MissingSplitError, match=r"the test split is expected there"):
        sources("camvid", tmp_path, "test")


def test_every_missing_thing_is_named(tmp_path, write_image):
    with pytest.raises(FileNotFoundError, match=r"absent: no such folder: set data.root"):
        panoramas("folder", tmp_path / "absent", "train")
    with pytest.raises(ValueError, match=r"no image \(.bmp.*\) in the train split of folder"):
        panoramas("folder", tmp_path, "train")
    with pytest.raises(ValueError, match=r"unknown dataset 'city'; known: densepass, wildpass"):
        panoramas("city", tmp_path, "train")
    with pytest.raises(
        MissingSplitError, match=r"leftImg8bit/train: no such folder.*data\.dataset"
    ):
        panoramas("densepass", tmp_path, "train")
    write_image("leftImg8bit/val/cs/1_.png")
    with pytest.raises(FileNotFoundError, match=r"1_\.png has no label: .*1_labelTrainIds\.png"):
        panoramas("densepass", tmp_path, "val")


def test_images_that_differ_only_in_their_suffix_keep_it(tmp_path, write_image):
    for name in ("a.png", "a.jpg", "b.png", "c/a.png", "d.png", "d.jpg", "d.jpg.png"):
        write_image(name)
    expected = ["a.jpg", "a.png", "b", "c/a", "d.jpg", "d.jpg.png", "d.png"]
    entries = panoramas("folder", tmp_path, "train")
    assert names(entries) == expected
    assert [entry.image.name for entry in entries if entry.name.startswith("d")] == [
        *("d.jpg", "d.jpg.png", "d.png"),
    ]
    assert names(folder_entries(tmp_path)) == expected


def test_all_images_that_share_a_label_are_named_at_once(tmp_path, write_image, write_label):
    for number in range(12):
        write_image(f"train/{number:02}.png")
        write_image(f"train/{number:02}.jpg")
        write_label(f"trainannot/{number:02}.png")
    with pytest.raises(ValueError, match=r"share one label: .*00\.jpg and .*00\.png; ") as error:
        sources("camvid", tmp_path, "train")
    assert "09.jpg and" in str(error.value)
    assert str(error.value).endswith("; 2 more pairs: remove one of each pair")


def write_list(root, text, encoding="utf-8"):
    (root / "splits").mkdir(exist_ok=True)
    (root / "splits/train.txt").write_bytes(text.encode(encoding))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("city/a\r\ncity/ü b\r\n", "utf-8-sig"),
        ("city/a\r\ncity/ü b\r\n", "utf-16"),
        ("\ufeffcity/a\ncity/ü b", "utf-16-be"),
        ("city/a\rcity/ü b", "utf-32"),
        ("city\\a.png\ncity\\ü b.png\n", "utf-8"),
        ("./city/a\n.\\city\\ü b\n", "utf-8"),
    ],
)
def test_lists_of_any_system_are_read(tmp_path, write_image, text, encoding):
    for name in ("a", "ü b", "not listed"):
        write_image(f"images/city/{name}.png")
    write_list(tmp_path, text, encoding)
    assert names(panoramas("plain", tmp_path, "train")) == ["city/a", "city/ü b"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("images/city/a.png labels/city/a.png", "has several columns: write one image name per"),
        ("city/a.png,labels/city/a.png", "has several columns: write one image name per line, rel"),
        ("city/a 0", "has several columns"),
        ("images/city/a.png", r"does not begin below .*images: write one image name per line"),
        ("images\\city\\a.png", "does not begin below"),
        ("/data/images/city/a.png", "does not begin below"),
        ("C:\\data\\a.png", "does not begin below"),
        ("city/b", "'city/b' is not below"),
        ("my photograph", "'my photograph' is not below"),
    ],
)
def test_a_line_of_another_form_is_told_what_is_expected(tmp_path, write_image, line, complaint):
    write_image("images/city/a.png")
    write_list(tmp_path, f"city/a\n\n{line}\n")
    with pytest.raises(
        (ValueError, FileNotFoundError), match=rf"train\.txt, line 3: .*{complaint}"
    ):
        panoramas("plain", tmp_path, "train")


def test_lines_of_a_list_that_are_doubled_or_ambiguous_are_named(tmp_path, write_image):
    write_image("images/a.png")
    write_image("images/b.png")
    write_image("images/b.jpg")
    write_list(tmp_path, "a\nb.png\na.png\n")
    with pytest.raises(ValueError, match=r"train\.txt, line 3: 'a\.png' stands in line 1 already"):
        panoramas("plain", tmp_path, "train")
    write_list(tmp_path, "b\n")
    with pytest.raises(ValueError, match=r"line 1: 'b' may be b\.jpg or b\.png: write the suffix"):
        panoramas("plain", tmp_path, "train")
    write_list(tmp_path, "b.jpg\nb.png\na\n")
    assert names(panoramas("plain", tmp_path, "train")) == ["a", "b.jpg", "b.png"]


def test_a_root_that_is_no_folder_and_pictures_that_are_not_read(tmp_path, write_image):
    path = write_image("a.png")
    with pytest.raises(
        FileNotFoundError, match=r"a\.png: is a file: set data\.root to where folder"
    ):
        panoramas("folder", path, "train")
    with pytest.raises(
        NotADirectoryError, match=r"a\.png is a file: name the folder that it is in"
    ):
        folder_entries(path)
    path.unlink()
    for name in ("a.HEIC", "b.heic", "c.mp4", "d.txt"):
        (tmp_path / name).touch()
    with pytest.raises(
        ValueError, match=r"no image .* below it; there are 2 \.heic, 1 \.mp4, which"
    ):
        folder_entries(tmp_path)
    with pytest.raises(ValueError, match=r"train split of folder; there are 2 \.heic, 1 \.mp4"):
        panoramas("folder", tmp_path, "train")
