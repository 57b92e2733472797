"""Lists of image names, of any system, and what is wrong with their lines."""

from __future__ import annotations

import pytest

from goodsam_pl.data.entries import Entry, Request, list_entries
from goodsam_pl.data.layouts import PANORAMA_LAYOUTS


def panoramas(dataset, root, split, taxonomy="cityscapes-19") -> list[Entry]:
    return list_entries(PANORAMA_LAYOUTS, dataset, Request(root, split, taxonomy))


def names(entries):
    return [entry.name for entry in entries]


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
