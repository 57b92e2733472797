from __future__ import annotations

import os
import subprocess

import pytest

from goodsam_pl.files.locks import locked


def test_one_holds_a_folder_at_a_time(tmp_path):
    folder = tmp_path / "made" / "when missing"
    refused = pytest.raises(FileExistsError, match=r"another process works in .*when missing")
    with locked(folder), refused, locked(folder):
        pass
    with locked(folder):
        pass


def test_a_process_that_inherits_it_holds_it_too(tmp_path):
    with locked(tmp_path) as lock:
        child = subprocess.Popen(["/bin/sleep", "600"], pass_fds=[lock])
    with pytest.raises(FileExistsError), locked(tmp_path):
        pass
    child.kill()
    child.wait()
    with locked(tmp_path):
        pass


def test_an_error_inside_is_not_taken_for_that_of_another_holder(tmp_path):
    with pytest.raises(BlockingIOError, match="elsewhere"), locked(tmp_path):
        raise BlockingIOError(os.EX_TEMPFAIL, "elsewhere")
