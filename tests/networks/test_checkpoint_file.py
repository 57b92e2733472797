"""Files that PyTorch saved, as others may have made them."""

from __future__ import annotations

import os
import threading
import zipfile

import pytest
import torch

from goodsam_pl.networks import read_checkpoint
from goodsam_pl.networks.checkpoint_file import read_saved

PLAIN = {"state_dict": {"a": torch.arange(6.0)}, "epoch": 1, "hyper_parameters": {}}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.ckpt"


def test_a_checkpoint_is_read_as_it_is(file):
    torch.save(PLAIN, file)
    read = read_checkpoint(file)
    assert torch.equal(read["state_dict"]["a"], torch.arange(6.0))
    assert read["epoch"] == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([1, 2], "it has no state_dict"),
        (3, "it has no state_dict"),
        (None, "it has no state_dict"),
        (torch.zeros(2), "it has no state_dict"),
        ({"a": 1}, "it has no state_dict"),
        ({**PLAIN, "state_dict": [1]}, "its state_dict is a list"),
        ({**PLAIN, "state_dict": {"a": {"b": 1}}}, "its state_dict has 'a', which is no"),
        ({**PLAIN, "state_dict": {1: torch.zeros(1)}}, "its state_dict has 1, which is no"),
        ({**PLAIN, "hyper_parameters": "x"}, "its hyper_parameters is a str"),
        ({**PLAIN, "callbacks": 3}, "its callbacks is a int"),
        ({**PLAIN, "loops": None}, "its loops is a NoneType"),
        ({**PLAIN, "epoch": "1"}, "its epoch is a str"),
        ({**PLAIN, "optimizer_states": {}}, "its optimizer_states is a dict"),
        ({**PLAIN, "pytorch-lightning_version": 2}, "lightning_version is a int"),
        ({"state_dict": {"a": torch.zeros(1).expand(1 << 40)}}, "has only 4 bytes of values"),
        ({"state_dict": {}, "b": [{"c": torch.zeros(1).as_strided((9, 9), (0, 0))}]}, "only 4"),
        ({"state_dict": {"a": torch.zeros(2, 2).to_sparse()}}, "without values of its own"),
        ({"state_dict": {"a": torch.zeros(1 << 40, device="meta")}}, "without values of its own"),
    ],
)
def test_what_is_no_checkpoint_is_told_by_name(file, content, told):
    torch.save(content, file)
    with pytest.raises(ValueError, match=rf"a\.ckpt is not a .*{told}"):
        read_checkpoint(file)


def test_an_archive_may_not_unpack_to_more_than_its_size(file):
    torch.save({"state_dict": {"a": torch.zeros(1 << 16)}}, file)
    packed = file.with_name("packed.ckpt")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, old.read(member))
    assert packed.stat().st_size < 10_000
    with pytest.raises(ValueError, match="unpacks to more than its size"):
        read_checkpoint(packed)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_file_that_is_cut_off_is_told_by_name(file, share):
    torch.save(PLAIN, file)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"a\.ckpt "):
        read_checkpoint(file)


def test_other_archives_and_texts_are_told_by_name(file):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "no checkpoint")
    with pytest.raises(ValueError, match=r"a\.ckpt is not a readable weights file"):
        read_checkpoint(file)
    file.write_text("no checkpoint")
    with pytest.raises(ValueError, match=r"a\.ckpt is not a checkpoint of Lightning"):
        read_checkpoint(file)
    with pytest.raises(ValueError, match=r"a\.ckpt "):
        read_saved(file)


def test_a_pipe_is_not_waited_for(file):
    os.mkfifo(file)
    failed: list[Exception] = []

    def read() -> None:
        try:
            read_saved(file)
        except ValueError as error:
            failed.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(20)
    assert "a.ckpt is no file" in str(failed[0])


def test_an_archive_of_several_disks_is_told_by_name(file):
    torch.save(PLAIN, file)
    content = bytearray(file.read_bytes())
    locator = content.rfind(b"PK\6\7")
    content[locator + 16] = 3
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.ckpt is not a readable weights file: .*disks"):
        read_saved(file)


class Malicious:
    def __reduce__(self):
        return (os.system, ("true",))


def test_what_is_refused_is_told_without_advice_to_load_it_all_the_same(file):
    torch.save({"state_dict": {}, "a": Malicious()}, file)
    with pytest.raises(ValueError, match=r"could execute code: .*posix\.system") as error:
        read_saved(file)
    assert "weights_only" not in str(error.value)
    assert "\n" not in str(error.value)
