"""Weights come back as they were written, and nothing but weights is read."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from goodsam_pl.networks import export_weights, load_weights, read_weights, save_weights


class _Network(nn.Module):
    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, classes, 1)
        self.norm = nn.BatchNorm2d(classes)


def _equal(one: nn.Module, other: nn.Module, tolerance: float = 0.0) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.allclose(a.float(), b.float(), atol=tolerance) for a, b in pairs)


@pytest.mark.parametrize("half", [False, True])
def test_safetensors_round_trip(tmp_path: Path, half: bool) -> None:
    network, other = _Network(), _Network()
    save_weights(network.state_dict(), tmp_path / "new" / "network.safetensors", half=half)
    load_weights(other, str(tmp_path / "new" / "network.safetensors"))
    assert _equal(network, other, tolerance=1e-3 if half else 0.0)
    assert other.head.weight.dtype == torch.float32
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["network.safetensors"]


def test_a_state_dict_of_torch_loads(tmp_path: Path) -> None:
    network, other = _Network(), _Network()
    torch.save(network.state_dict(), tmp_path / "network.pt")
    load_weights(other, str(tmp_path / "network.pt"))
    assert _equal(network, other)


@pytest.mark.parametrize("names", [["a"], ["b", "a"], ["a", "b"]])
def test_the_network_that_the_card_names_first_is_taken_out_of_a_checkpoint(
    tmp_path: Path, save_checkpoint: Callable[..., None], names: list[str]
) -> None:
    networks, other = {name: _Network() for name in names}, _Network()
    states = {name: network.state_dict() for name, network in networks.items()}
    save_checkpoint(tmp_path / "last.ckpt", **states)
    load_weights(other, str(tmp_path / "last.ckpt"))
    assert _equal(networks[names[0]], other)


def test_another_network_of_a_checkpoint_is_taken_by_its_name(
    tmp_path: Path, save_checkpoint: Callable[..., None]
) -> None:
    student, teacher, other = _Network(), _Network(), _Network()
    path = tmp_path / "last.ckpt"
    save_checkpoint(path, student=student.state_dict())
    with pytest.raises(ValueError, match=r"last\.ckpt holds no teacher_assistant: leave the name"):
        read_weights(Path(f"{path}:teacher_assistant"))
    save_checkpoint(path, student=student.state_dict(), teacher_assistant=teacher.state_dict())
    load_weights(other, f"{path}:teacher_assistant")
    assert _equal(teacher, other)
    export_weights(f"{path}:teacher_assistant", str(tmp_path / "teacher.safetensors"))
    load_weights(other, str(tmp_path / "teacher.safetensors"))
    assert _equal(teacher, other)
    with pytest.raises(FileNotFoundError, match=r"no weights at .*/nowhere\.ckpt: "):
        read_weights(tmp_path / "nowhere.ckpt:student")


def test_a_checkpoint_without_a_card_needs_the_name_of_the_network(tmp_path: Path) -> None:
    network, other = _Network(), _Network()
    state = {f"mine.{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": state, "pytorch-lightning_version": "2"}, tmp_path / "other.ckpt")
    with pytest.raises(ValueError, match=r"name it after a colon, one of \['mine'\]"):
        load_weights(other, str(tmp_path / "other.ckpt"))
    load_weights(other, f"{tmp_path / 'other.ckpt'}:mine")
    assert _equal(network, other)


def test_the_exported_student_loads_again(
    tmp_path: Path, save_checkpoint: Callable[..., None]
) -> None:
    student, other = _Network(), _Network()
    save_checkpoint(tmp_path / "last.ckpt", student=student.state_dict())
    out = str(tmp_path / "student.safetensors")
    assert "25 values" in export_weights(str(tmp_path / "last.ckpt"), out, half=True)
    load_weights(other, out)
    assert _equal(student, other, tolerance=1e-3)
    with pytest.raises(ValueError, match=r"written as \.safetensors"):
        export_weights(str(tmp_path / "last.ckpt"), str(tmp_path / "student.pt"))


def test_another_network_is_refused_by_name(tmp_path: Path) -> None:
    save_weights(_Network(classes=4).state_dict(), tmp_path / "four.safetensors")
    with pytest.raises(ValueError, match=r"four\.safetensors.*head\.weight is \(4, 3, 1, 1\)"):
        load_weights(_Network(), str(tmp_path / "four.safetensors"))


def test_missing_and_unknown_tensors_are_named(tmp_path: Path) -> None:
    torch.save({"other": torch.zeros(1)}, tmp_path / "odd.pt")
    with pytest.raises(ValueError, match=r"missing head\.weight.*and 5 more"):
        load_weights(_Network(), str(tmp_path / "odd.pt"))


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="train them first, or give one of"):
        read_weights(tmp_path / "none.safetensors")


@pytest.mark.parametrize("name", ["broken.safetensors", "broken.ckpt"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00" * 40)
    with pytest.raises(ValueError, match=f"{name}"):
        read_weights(tmp_path / name)


class _Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("code ran",))


def test_pickled_code_never_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(_Malicious()))
    torch.save({"state_dict": _Malicious()}, tmp_path / "evil.ckpt")
    for name in ("evil.pt", "evil.ckpt"):
        with pytest.raises(ValueError, match=name):
            read_weights(tmp_path / name)
    assert "code ran" not in capsys.readouterr().out
