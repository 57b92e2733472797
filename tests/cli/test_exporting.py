"""``goodsam export`` writes what says the same as the network, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

import goodsam_pl
from goodsam_pl.cli import main
from goodsam_pl.data.normalization import NORMALIZATION
from goodsam_pl.deploy import Uint8Network, deployment, parity
from goodsam_pl.deploy.torch_file import TorchRunner
from goodsam_pl.networks import NetworkCard, SegmentationNetwork, describe_network, save_weights
from goodsam_pl.taxonomy import get_taxonomy

VIEW = {"size": [32, 128], "vertical_fov": 90.0, "file_vertical_fov": 90.0, "aspect_tolerance": 0.1}


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Traced in seconds, unlike a SegFormer; docs/export.md runs that."""
    torch.manual_seed(0)
    network = SegmentationNetwork("linknet", "resnet18")
    card = NetworkCard(
        networks={"student": describe_network(network)},
        taxonomy=get_taxonomy("cityscapes-19").to_dict(),
        taxonomy_name="cityscapes-19",
        view=VIEW,
        normalization=NORMALIZATION,
    )
    path = tmp_path_factory.mktemp("student") / "student.safetensors"
    save_weights(network.state_dict(), path, card=card)
    return str(path)


@pytest.fixture(scope="module")
def panoramas(student: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two panoramas in the layout plain, labelled as the student labels them."""
    root = tmp_path_factory.mktemp("labelled")
    generator = np.random.default_rng(0)
    for folder in ("images", "labels", "splits"):
        (root / folder).mkdir()
    segmenter = goodsam_pl.load(student)
    for name in "ab":
        blocks = generator.integers(0, 256, (4, 16, 3), dtype=np.uint8)
        image = blocks.repeat(8, 0).repeat(8, 1)
        Image.fromarray(image).save(root / f"images/{name}.png")
        Image.fromarray(segmenter.predict(image)).save(root / f"labels/{name}.png")
    (root / "splits/val.txt").write_text("a\nb\n")
    return root


@pytest.fixture(scope="module", autouse=True)
def _translated_once() -> Iterator[None]:
    """Every command here but the program's asks for the graph of the same student."""
    graphs: list[onnx.ModelProto] = []
    translate = deployment.onnx_model

    def translated(network: Uint8Network) -> onnx.ModelProto:
        if not graphs:
            graphs.append(translate(network))
        copied = onnx.ModelProto()
        copied.CopyFrom(graphs[0])
        return copied

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deployment, "onnx_model", translated)
        yield


def _export(*words: object) -> None:
    main(["export", *map(str, words)])


def test_an_onnx_file_labels_a_panorama_as_the_student_does(
    student: str, panoramas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new/student.onnx"
    _export(student, out, "--format", "onnx")
    told = capsys.readouterr().out
    assert "labels; logits differ by at most" in told
    assert "256×64, 150×75, 128×32" in told
    assert [each.name for each in out.parent.iterdir()] == ["student.onnx"]  # no data beside it
    session = onnxruntime.InferenceSession(str(out))
    image = np.asarray(Image.open(panoramas / "images/a.png"))
    (labels,) = session.run(None, {"images": image.transpose(2, 0, 1)[None]})
    assert (labels[0] == goodsam_pl.load(student).predict(image)).mean() > 0.999


def test_a_program_of_torch_gives_logits(
    student: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "student.pt2"
    _export(student, out, "--format=torch-export", "--output=logits")
    assert "logits; logits differ" in capsys.readouterr().out
    pixels = np.full((1, 3, 40, 70), 90, np.uint8)
    logits = TorchRunner(out.read_bytes())(pixels)
    assert logits.shape == (1, 19, 40, 70)
    expected = goodsam_pl.load(student).predict(np.full((32, 128, 3), 90, np.uint8))
    assert (
        np.bincount(logits[0].argmax(0).ravel()).argmax() == np.bincount(expected.ravel()).argmax()
    )


def test_eight_bits_say_what_they_lose(
    student: str,
    panoramas: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = ("--format=int8", f"--calibrate={panoramas / 'images'}", f"--labelled={panoramas}")
    monkeypatch.setattr(deployment, "_MOST_LOST", 1.0)
    _export(student, tmp_path / "small.onnx", *options)
    told = capsys.readouterr().out
    assert "mIoU 100.00% before" in told  # the labels are its own
    assert f"on the 2 images of val of {panoramas.name} (plain)" in told
    assert (tmp_path / "small.onnx").stat().st_size < 0.4 * Path(student).stat().st_size
    monkeypatch.setattr(deployment, "_MOST_LOST", -1.0)
    with pytest.raises(SystemExit):
        _export(student, tmp_path / "bad.onnx", *options)
    assert "8 bits lose too much: mIoU 100.00% before" in capsys.readouterr().err
    assert not (tmp_path / "bad.onnx").exists()


def test_what_says_something_else_is_not_written(
    student: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parity, "_LARGEST_DIFFERENCE", 0.0)
    with pytest.raises(SystemExit):
        _export(student, tmp_path / "student.onnx", "--format=onnx")
    assert "the ONNX file does not say what the network says: " in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_a_hub_folder_has_the_score_and_its_command(
    student: str, panoramas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _export(student, tmp_path / "hub", "--format=hub", f"--labelled={panoramas}", "--licence=mit")
    assert "mIoU 100.00% on the 2 images" in capsys.readouterr().out
    page = (tmp_path / "hub/README.md").read_text(encoding="utf-8")
    assert "license: mit" in page
    assert "goodsam export student.safetensors FOLDER --format hub --labelled ROOT" in page
    assert "--dataset plain --split val" in page


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("a.onnx", "--format=int8"), "int8 needs --calibrate FOLDER"),
        (("a.onnx", "--format=onnx", "--calibrate=x"), "--calibrate is for --format int8"),
        (("a.onnx", "--format=onnx", "--half"), "--half is for safetensors and hub"),
        (("a.pt2", "--format=torch-export", "--labelled=x"), "--labelled is for int8 and hub"),
        (("a.bin", "--format=onnx"), "onnx is written as .onnx"),
        (("a.onnx",), "weights are written as .safetensors"),
        (("hub", "--format=hub", "--labelled=nowhere"), "nowhere: no such folder"),
    ],
)
def test_mistakes_are_one_line(
    student: str, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _export(student, *words)
    assert told in capsys.readouterr().err


def test_the_default_is_what_it_was(student: str, tmp_path: Path) -> None:
    _export(student, tmp_path / "again.safetensors", "--half", "true")
    again = goodsam_pl.load(tmp_path / "again.safetensors")
    assert again.format == goodsam_pl.load(student).format
