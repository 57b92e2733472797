"""Names of files that belong to an image."""

from __future__ import annotations

import os

import pytest

from goodsam_pl.files.result_names import file_name


def test_a_file_is_called_after_its_image() -> None:
    assert file_name("Oslo/1_", ".png") == "Oslo/1_.png"
    assert file_name("a.tif", ".json") == "a.tif.json"


def test_long_names_stay_apart_and_fit() -> None:
    one, two = (file_name(f"Oslo/{'ä' * 200}{end}", ".json") for end in "ab")
    assert one != two
    for name in (one, two):
        folder, _, last = name.partition("/")
        assert folder == "Oslo"
        assert len(os.fsencode(last)) <= 255
        assert last.endswith(".json")
    assert file_name("x" * 251, ".png") == "x" * 251 + ".png"


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/a"])
def test_names_that_lead_out_of_the_folder_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="leads out of the output folder"):
        file_name(name, ".png")
