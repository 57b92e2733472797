"""A trained network leaves the folder that it was trained in."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import goodsam_pl
from goodsam_pl.data import normalize
from goodsam_pl.modules import StudentDistillation
from goodsam_pl.networks import SegmentationNetwork, read_card, save_weights

NETWORK = "goodsam_pl.networks.SegmentationNetwork"


def config(root, **model):
    small = {"architecture": "fpn", "encoder": "mobilenet_v2", "classes": 5}
    return {
        "model": {
            "class_path": "goodsam_pl.modules.StudentDistillation",
            "init_args": {
                "student": {
                    "class_path": NETWORK,
                    "init_args": {**small, "weights": "start/student.safetensors"},
                },
                "teacher_assistant": {
                    "class_path": NETWORK,
                    "init_args": {**small, "weights": "start/teacher.safetensors"},
                },
                **model,
            },
        },
        "data": {
            "class_path": "goodsam_pl.data.PanoramaDataModule",
            "init_args": {
                "dataset": "folder",
                "root": str(root),
                "taxonomy": "start/classes.yaml",
                "size": [32, 128],
                "vertical_fov": 90.0,
                "file_vertical_fov": 180.0,
                "window_size": [32, 32],
                "window_stride": [32, 32],
                "mask_root": "masks",
                "predict_split": "train",
                "num_workers": 0,
            },
        },
        "trainer": {
            "max_steps": 1,
            "accelerator": "cpu",
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "callbacks": [
                {
                    "class_path": "goodsam_pl.sam.PrecomputeSAM",
                    "init_args": {
                        "proposer": {"class_path": "goodsam_pl.sam.Felzenszwalb"},
                        "mode": "window",
                    },
                },
                {
                    "class_path": "lightning.pytorch.callbacks.ModelCheckpoint",
                    "init_args": {"dirpath": "runs", "save_last": True},
                },
            ],
        },
    }


@pytest.fixture
def photographs(workplace):
    folder, generator = workplace / "photographs", np.random.default_rng(0)
    folder.mkdir()
    for name in "ab":
        coarse = generator.integers(0, 256, (8, 16, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((128, 64)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def start(workplace):
    folder = workplace / "start"
    folder.mkdir()
    (folder / "classes.yaml").write_text("name: own\nclasses: [road, sky, car, tree, house]")
    for name in ("student", "teacher"):
        network = SegmentationNetwork("fpn", "mobilenet_v2", 5)
        save_weights(network.state_dict(), folder / f"{name}.safetensors")
    return folder


@pytest.fixture
def trained(workplace, photographs, start, goodsam):
    """A run's folder; returns the labels that it gives its panoramas."""
    (workplace / "run.yaml").write_text(yaml.safe_dump(config(photographs)))
    goodsam("fit", "--config", "run.yaml")
    return labels(goodsam, workplace, "--config", "run.yaml", "--ckpt_path", "runs/last.ckpt")


def labels(goodsam, folder, *words):
    out = folder / "labels"
    shutil.rmtree(out, ignore_errors=True)
    goodsam("predict", *words, "--trainer.callbacks=goodsam_pl.callbacks.PredictionWriter",
            f"--trainer.callbacks.output_dir={out}", "--trainer.logger=false")  # fmt: skip
    return {path.stem: np.array(Image.open(path)) for path in (out / "labels").glob("*.png")}


def equal(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


@pytest.fixture
def elsewhere(workplace, trained, start, goodsam, monkeypatch):
    """Another folder with the checkpoint and the weights alone; everything else is gone."""
    goodsam("export", "runs/last.ckpt", "student.safetensors")
    folder = workplace / "elsewhere"
    folder.mkdir()
    for file in ("runs/last.ckpt", "student.safetensors", "run.yaml"):
        shutil.move(workplace / file, folder)
    shutil.rmtree(start)
    shutil.rmtree(workplace / "masks")
    shutil.rmtree(workplace / "runs")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("file", ["last.ckpt", "student.safetensors"])
def test_a_file_alone_predicts_as_before(elsewhere, trained, goodsam, photographs, file):
    assert equal(labels(goodsam, elsewhere, "--config", "run.yaml", "--ckpt_path", file), trained)
    data = yaml.safe_load((elsewhere / "run.yaml").read_text())["data"]
    (elsewhere / "data.yaml").write_text(yaml.safe_dump({"data": data}))
    alone = ["--config", "data.yaml", "--ckpt_path", file]
    assert equal(labels(goodsam, elsewhere, *alone), trained)

    student = goodsam_pl.load(file)
    for name, known in trained.items():
        pixels = student.format.read(photographs / f"{name}.png")
        assert np.array_equal(student(normalize(pixels)[None]).argmax(1)[0].numpy(), _band(known))
        whole = student.predict(photographs / f"{name}.png")
        assert whole.shape == (64, 128)
        assert np.array_equal(whole[16:48], _band(known))
        assert (whole[:16] == 255).all()
        assert (whole[48:] == 255).all()
        array = np.array(Image.open(photographs / f"{name}.png"))
        assert np.array_equal(student.predict(array), whole)
        assert np.array_equal(student.predict(torch.from_numpy(array).permute(2, 0, 1)), whole)


def _band(label):
    """Labels of the band alone, whichever size predictions are written at."""
    return label[16:48] if len(label) == 64 else label


def test_a_file_alone_is_scored(elsewhere, goodsam, photographs):
    for name in ("a", "b"):
        Image.fromarray(np.full((64, 128), 1, np.uint8)).save(photographs / f"{name}_label.png")
    root = elsewhere / "labelled"
    for split in ("train", "val", "test"):
        (root / "splits").mkdir(parents=True, exist_ok=True)
        (root / "splits" / f"{split}.txt").write_text("a\nb\n")
    (root / "images").mkdir()
    (root / "labels").mkdir()
    for name in ("a", "b"):
        shutil.copy(photographs / f"{name}.png", root / "images")
        shutil.copy(photographs / f"{name}_label.png", root / "labels" / f"{name}.png")
    words = ["--config", "run.yaml", "--data.dataset", "plain", "--data.root", root,
             "--data.mask_root", "null", "--trainer.default_root_dir", elsewhere / "scores",
             "--trainer.callbacks=goodsam_pl.callbacks.ClassTable"]  # fmt: skip
    tables = []
    for verb in ("test", "validate"):
        for file in ("last.ckpt", "student.safetensors"):
            goodsam(
                verb, *words, "--ckpt_path", file, "--trainer.default_root_dir", elsewhere / "s"
            )
            split = "test" if verb == "test" else "val"
            (table,) = elsewhere.rglob(f"{split}_classes.csv")
            tables.append(table.read_text())
            table.unlink()
    assert len(set(tables)) == 1


def test_three_lines_of_python_test_it(elsewhere, photographs, trained):
    student = StudentDistillation.load_from_checkpoint("last.ckpt")
    assert student.taxonomy.classes == ("road", "sky", "car", "tree", "house")
    pixels = goodsam_pl.load("last.ckpt").format.read(photographs / "a.png")
    with torch.no_grad():
        predicted = student.eval()(normalize(pixels)[None]).argmax(1)[0]
    assert np.array_equal(predicted.numpy(), _band(trained["a"]))


def test_training_on_asks_for_the_teacher_before_anything_is_computed(elsewhere, fails):
    error = fails("fit", "--config", "run.yaml", "--ckpt_path", "last.ckpt",
                  "--trainer.max_steps", 2)  # fmt: skip
    assert "no weights at start/teacher.safetensors: train them first" in error
    assert "to train on it does" in error
    assert not (elsewhere / "masks" / "records").exists()
    error = fails("fit", "--config", "run.yaml", "--ckpt_path", "student.safetensors")
    assert "holds weights alone, no training goes on from it" in error


def test_the_file_says_what_it_is(elsewhere):
    card = read_card(elsewhere / "student.safetensors")
    arguments = {"architecture": "fpn", "encoder": "mobilenet_v2", "classes": 5, "circular": False}
    assert card.network == {"class_path": NETWORK, "init_args": arguments}
    assert list(card.networks) == ["student"]
    assert card.taxonomy["classes"] == ["road", "sky", "car", "tree", "house"]
    assert card.view["size"] == [32, 128]
    assert (card.view["vertical_fov"], card.view["file_vertical_fov"]) == (90.0, 180.0)
    assert card.normalization["mean"] == [0.485, 0.456, 0.406]
    assert card.version == goodsam_pl.__version__


def test_a_flipped_bit_is_noticed(elsewhere):
    path = elsewhere / "student.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="its tensors are not those that were written"):
        goodsam_pl.load(path)


def test_other_arguments_than_in_training_are_told(tmp_path):
    circular = SegmentationNetwork(classes=5, circular=True)
    goodsam_pl.Segmenter(circular, _card(circular)).save(tmp_path / "circular.safetensors")
    with pytest.warns(UserWarning, match="circular was True in training and is False here"):
        SegmentationNetwork(classes=5, weights=str(tmp_path / "circular.safetensors"))
    with pytest.raises(ValueError, match="are of another network"):
        SegmentationNetwork(classes=6, weights=str(tmp_path / "circular.safetensors"))
    again = goodsam_pl.load(tmp_path / "circular.safetensors")
    assert again.network.circular
    assert not again.network.training


def _card(network):
    from goodsam_pl.networks import NetworkCard, describe_network  # noqa: PLC0415
    from goodsam_pl.taxonomy import Taxonomy  # noqa: PLC0415

    taxonomy = Taxonomy("five", tuple("abcde"), tuple((i, i, i) for i in range(1, 6)))
    return NetworkCard({"student": describe_network(network)}, taxonomy.to_dict(), "five", None, {})


def test_a_network_of_ones_own_class_is_given(tmp_path):
    network = torch.nn.Conv2d(3, 5, 1)
    goodsam_pl.Segmenter(network, _card(network)).save(tmp_path / "own.safetensors")
    with pytest.raises(ValueError, match="a class of yours: build it, and give it as network="):
        goodsam_pl.load(tmp_path / "own.safetensors")
    again = goodsam_pl.load(tmp_path / "own.safetensors", network=torch.nn.Conv2d(3, 5, 1))
    assert torch.equal(again.network.weight, network.weight)
    image = np.zeros((7, 9, 3), np.uint8)
    assert again.predict(image).shape == (7, 9)  # trained on no panoramas: any size


def test_the_package_is_free_of_torch(command):
    said = command("python", "-c", "import goodsam_pl, sys; print('torch' in sys.modules)")
    assert said.stdout == "False\n"
