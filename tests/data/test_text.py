from __future__ import annotations

import pytest

from goodsam_pl.data.text import read_lines, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marks_say_how_a_text_is_encoded(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes("ü\r\n\r\n  b \rc\n".encode(encoding))
    assert read_text(tmp_path / "a.txt") == "ü\n\n  b \nc\n"
    assert read_lines(tmp_path / "a.txt") == [(1, "ü"), (3, "b"), (4, "c")]


def test_other_encodings_name_the_file(tmp_path):
    (tmp_path / "a.txt").write_bytes("aü".encode("latin-1"))
    with pytest.raises(ValueError, match=r"a\.txt: no UTF-8 text \(byte 1: .*\): save it as UTF-8"):
        read_text(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_bytes("ab".encode("utf-16-le"))
    with pytest.raises(ValueError, match=r"a\.txt: no UTF-8 text, perhaps UTF-16 without a mark"):
        read_text(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_bytes("ab".encode("utf-16") + b"c")
    with pytest.raises(ValueError, match=r"a\.txt: no UTF-16 text \(byte 6: truncated data\)"):
        read_text(tmp_path / "a.txt")
