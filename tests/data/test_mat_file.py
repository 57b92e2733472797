"""Files that scipy wrote, whole and damaged."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from scipy.io import savemat

from goodsam_pl.data.mat_file import read_numbers

NAME = "trainIds"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "values",
    [
        np.arange(1, 301, dtype=np.uint16)[:, None],
        np.arange(1, 301, dtype=np.float64)[None],
        np.array([[-3, 2**40]]),
        np.array([[7]], np.uint8),  # so short that it stands beside its tag
        np.array([[1, 2], [3, 4]], np.int32),
        np.array([[5.0, 6.0]], np.float32),
        np.zeros((0, 0)),
    ],
)
def test_numbers_of_all_types_come_as_they_were_written(tmp_path, values, compressed):
    path = tmp_path / "split.mat"
    others = {"before": np.arange(5), "text": "a b", "cell": np.array([[1], "x"], dtype=object)}
    arrays = others | {NAME: values, "after": np.eye(3)}
    savemat(path, arrays, do_compression=compressed)
    found = read_numbers(path, NAME)
    assert found.dtype == np.int64
    assert found.tolist() == values.ravel(order="F").astype(np.int64).tolist()


def test_the_other_byte_order_is_read(tmp_path):
    """By hand: header, then one array of three 16-bit numbers, most significant byte first."""
    flags = struct.pack(">IIII", 6, 8, 11, 0)
    shape = struct.pack(">IIii", 5, 8, 3, 1)
    called = struct.pack(">II", 1, 3) + b"ids" + bytes(5)
    numbers = struct.pack(">II3H", 4, 6, 1, 300, 7) + bytes(2)
    body = flags + shape + called + numbers
    header = b"MATLAB 5.0".ljust(124) + struct.pack(">H", 0x100) + b"MI"
    (tmp_path / "big.mat").write_bytes(header + struct.pack(">II", 14, len(body)) + body)
    assert read_numbers(tmp_path / "big.mat", "ids").tolist() == [1, 300, 7]


def test_another_name_and_other_files_are_told(tmp_path):
    path = tmp_path / "split.mat"
    savemat(path, {"valIds": np.arange(3)})
    with pytest.raises(ValueError, match=r"split\.mat: holds nothing of the name trainIds"):
        read_numbers(path, NAME)
    for content in (b"", b"no such file", b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"split\.mat: no file of MATLAB's version 5"):
            read_numbers(path, NAME)


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (np.array([1.5]), "not whole"),
        (np.array([np.nan]), "beyond all counts"),
        (np.array([1 + 2j]), "another kind"),
        (np.array(["00001.png"]), "another kind"),
        ({"deeper": 1}, "another kind"),
    ],
)
def test_what_is_no_list_of_numbers_is_refused(tmp_path, held, why):
    savemat(tmp_path / "split.mat", {NAME: held})
    with pytest.raises(ValueError, match=rf"split\.mat: damaged, or trainIds is no .*{why}"):
        read_numbers(tmp_path / "split.mat", NAME)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_is_cut_off_never_gives_fewer_numbers(tmp_path, compressed):
    path = tmp_path / "split.mat"
    savemat(path, {NAME: np.arange(50)}, do_compression=compressed)
    whole = path.read_bytes()
    for kept in range(len(whole)):
        path.write_bytes(whole[:kept])
        with pytest.raises(ValueError, match=r"split\.mat: "):
            read_numbers(path, NAME)


def test_turned_bytes_are_an_error_or_other_numbers(tmp_path):
    path = tmp_path / "split.mat"
    savemat(path, {NAME: np.arange(20), "valIds": np.arange(3)})
    whole, generator, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(1000):
        changed = bytearray(whole)
        for place in generator.integers(124, len(whole), 3):
            changed[place] = int(generator.integers(256))
        path.write_bytes(bytes(changed))
        try:
            assert read_numbers(path, NAME).dtype == np.int64
        except ValueError as error:
            refused += str(error).startswith(str(path))
    assert refused > 100


def test_what_unpacks_to_more_than_any_list_is_refused(tmp_path):
    path = tmp_path / "split.mat"
    savemat(path, {NAME: np.zeros(1 << 24)}, do_compression=True)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ValueError, match="compressed data that do not end"):
        read_numbers(path, NAME)
