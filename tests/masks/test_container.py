"""Arrays come back as they were, and no byte can change unnoticed."""

from __future__ import annotations

import io

import numpy as np
import pytest

from goodsam_pl.masks.container import Packed, read_arrays, read_header, write_arrays

ARRAYS = {
    "few": Packed(np.arange(6, dtype=np.uint16).reshape(2, 3)),
    "none": Packed(np.zeros((0, 4), dtype=np.float32)),
    "many": Packed(np.arange(1000, dtype=np.int8), "bz2"),
}


def test_arrays_and_header_come_back() -> None:
    stream = io.BytesIO(write_arrays({"name": "Zürich.png"}, ARRAYS))
    header = read_header(stream)
    assert header["name"] == "Zürich.png"
    found = read_arrays(stream, header)
    assert list(found) == list(ARRAYS)
    for name, (array, *_) in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert (found[name] == array).all()


def test_reading_stops_before_what_is_not_wanted() -> None:
    stream = io.BytesIO(write_arrays({}, ARRAYS))
    assert list(read_arrays(stream, read_header(stream), without=("many",))) == ["few", "none"]


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    whole = write_arrays({"name": "a"}, ARRAYS)

    def read(content: bytes) -> None:
        stream = io.BytesIO(content)
        read_arrays(stream, read_header(stream))

    read(whole)
    for place in range(len(whole)):
        with pytest.raises(ValueError, match=r"it is|it does|its"):
            read(whole[:place])
        for bit in range(8):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            with pytest.raises(ValueError, match=r"it is|it does|its"):
                read(bytes(changed))
