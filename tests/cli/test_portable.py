"""A trained network leaves the folder that it was trained in."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch import Trainer
from PIL import Image

import goodsam_pl
from goodsam_pl.cli import main
from goodsam_pl.data import PanoramaDataModule, normalize
from goodsam_pl.data.normalization import NORMALIZATION
from goodsam_pl.modules import StudentDistillation
from goodsam_pl.networks import (
    CustomNetwork,
    NetworkCard,
    SegmentationNetwork,
    describe_network,
    read_card,
    read_weights,
    save_weights,
)
from goodsam_pl.taxonomy import Taxonomy

NETWORK = "goodsam_pl.networks.SegmentationNetwork"
CONFIGS = Path(__file__).parents[2] / "configs"
CLASSES = "name: own\nclasses: [road, sky, car, tree, house]"


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
                    "class_path": "goodsam_pl.callbacks.PrecomputeSAM",
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


class Journey(NamedTuple):
    """What is left of a training: its panoramas, its files, and what it said before it left."""

    photographs: Path
    luggage: Path
    labels: dict[str, np.ndarray]


@pytest.fixture(scope="module")
def journey(tmp_path_factory):
    """A distillation's checkpoint and weights; what the training was made of is gone."""
    folder = tmp_path_factory.mktemp("there")
    photographs = draw_photographs(folder)
    start, luggage = folder / "start", folder / "luggage"
    start.mkdir()
    luggage.mkdir()
    (start / "classes.yaml").write_text(CLASSES)
    torch.manual_seed(0)
    for name in ("student", "teacher"):
        network = SegmentationNetwork("fpn", "mobilenet_v2", 5)
        save_weights(network.state_dict(), start / f"{name}.safetensors")
    (luggage / "run.yaml").write_text(yaml.safe_dump(config(photographs)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["goodsam"])
        main(["fit", "--config", "luggage/run.yaml"])
        main(["export", "runs/last.ckpt", "luggage/student.safetensors"])
        known = labels("--config", "luggage/run.yaml", "--ckpt_path", "runs/last.ckpt")
    shutil.move(folder / "runs" / "last.ckpt", luggage)
    for left in ("start", "masks", "runs"):
        shutil.rmtree(folder / left)
    return Journey(photographs, luggage, known)


@pytest.fixture
def elsewhere(workplace, journey):
    """The working folder, with copies of a checkpoint, of weights, and of the configuration."""
    shutil.copytree(journey.luggage, workplace, dirs_exist_ok=True)
    return workplace


@pytest.fixture
def trained(journey):
    return journey.labels


@pytest.fixture
def photographs(journey):
    return journey.photographs


def draw_photographs(folder):
    photographs, generator = folder / "photographs", np.random.default_rng(0)
    photographs.mkdir()
    for name in "ab":
        coarse = generator.integers(0, 256, (8, 16, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((128, 64)).save(photographs / f"{name}.png")
    return photographs


def labels(*words):
    """What `goodsam predict` writes, by name."""
    main(["predict", *map(str, words), "--out", "predictions", "--trainer.logger=false"])
    written = {
        path.stem: np.array(Image.open(path)) for path in Path("predictions/labels").glob("*.png")
    }
    shutil.rmtree("predictions")
    return written


def equal(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


@pytest.mark.parametrize("file", ["last.ckpt", "student.safetensors"])
def test_a_file_alone_predicts_as_before(elsewhere, trained, photographs, file, capsys):
    assert sorted(trained) == ["a", "b"]
    assert equal(labels("--config", "run.yaml", "--ckpt_path", file), trained)
    assert "dirpath" not in capsys.readouterr().err  # where it was trained does not matter
    data = yaml.safe_load((elsewhere / "run.yaml").read_text())["data"]
    (elsewhere / "data.yaml").write_text(yaml.safe_dump({"data": data}))
    assert equal(labels("--config", "data.yaml", "--ckpt_path", file), trained)

    student = goodsam_pl.load(file)
    for name, known in trained.items():
        path = photographs / f"{name}.png"
        assert known.shape == (64, 128)  # a band of 90° in a sphere of 180°
        assert (known[:16] == 255).all()
        assert (known[48:] == 255).all()
        assert np.array_equal(student.predict(path), known)
        array = np.array(Image.open(path))
        assert np.array_equal(student.predict(array), known)
        assert np.array_equal(student.predict(torch.from_numpy(array).permute(2, 0, 1)), known)
        logits = student(normalize(student.format.read(path))[None])
        assert logits.shape == (1, 5, 32, 128)
        assert np.array_equal(logits.argmax(1)[0].numpy(), known[16:48])


def labelled(folder, photographs):
    for split in ("train", "val", "test"):
        (folder / "splits").mkdir(parents=True, exist_ok=True)
        (folder / "splits" / f"{split}.txt").write_text("a\nb\n")
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for name in "ab":
        shutil.copy(photographs / f"{name}.png", folder / "images")
        label = np.arange(64 * 128).reshape(64, 128) // 7 % 5
        Image.fromarray(label.astype(np.uint8)).save(folder / "labels" / f"{name}.png")
    return folder


def test_a_file_alone_is_scored_alike(elsewhere, goodsam, photographs):
    root = labelled(elsewhere / "labelled", photographs)
    words = ["--config", "run.yaml", "--data.dataset", "plain", "--data.root", root,
             "--data.mask_root", "null", "--trainer.default_root_dir", elsewhere / "scores",
             "--trainer.callbacks=goodsam_pl.callbacks.ClassTable"]  # fmt: skip
    tables = []
    for verb, file in [
        ("test", "last.ckpt"),
        ("test", "student.safetensors"),
        ("validate", "last.ckpt"),
    ]:
        goodsam(verb, *words, "--ckpt_path", file)
        (table,) = elsewhere.rglob("*_classes.csv")
        tables.append(table.read_text())
        table.unlink()
    assert len(set(tables)) == 1

    student = goodsam_pl.load("student.safetensors")
    scores = student.test(data_module(root))
    module = StudentDistillation.load_from_checkpoint("last.ckpt")
    assert module.taxonomy.classes == ("road", "sky", "car", "tree", "house")
    trainer = Trainer(accelerator="cpu", logger=False, enable_progress_bar=False)
    (others,) = trainer.test(module, data_module(root), verbose=False)
    np.testing.assert_equal(others, scores)  # NaN for a class that is nowhere, too
    rows = {row["class"]: row for row in csv.DictReader(tables[0].splitlines())}
    assert float(rows["mean"]["iou"]) == pytest.approx(scores["test/miou"])
    assert float(rows["road"]["iou"]) == pytest.approx(scores["test/iou/road"])
    assert scores["test/iou/road"] > 0


def data_module(root):
    arguments = config(root)["data"]["init_args"]
    return PanoramaDataModule(
        **{**arguments, "dataset": "plain", "mask_root": None, "taxonomy": "own"}
    )


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
    taxonomy = Taxonomy("five", tuple("abcde"), tuple((i, i, i) for i in range(1, 6)))
    networks = {"student": describe_network(network)}
    return NetworkCard(networks, taxonomy.to_dict(), "five", None, NORMALIZATION)


def test_a_network_of_ones_own_class_is_given(tmp_path):
    network = torch.nn.Conv2d(3, 5, 1)
    goodsam_pl.Segmenter(network, _card(network)).save(tmp_path / "own.safetensors")
    with pytest.raises(ValueError, match="a class of yours: build it, and give it as network="):
        goodsam_pl.load(tmp_path / "own.safetensors")
    again = goodsam_pl.load(tmp_path / "own.safetensors", network=torch.nn.Conv2d(3, 5, 1))
    assert torch.equal(again.network.weight, network.weight)
    image = np.zeros((7, 9, 3), np.uint8)
    assert again.predict(image).shape == (7, 9)  # trained on no panoramas: any size


@pytest.mark.parametrize(
    "network",
    [
        {"class_path": "os.system", "init_args": {"command": "touch executed"}},
        {"class_path": "segmentation_models_pytorch.from_pretrained", "init_args": {}},
        {
            "class_path": "goodsam_pl.networks.CustomNetwork",
            "init_args": {"network": {"class_path": "hostile.Network", "init_args": {}}},
        },
    ],
)
def test_a_hostile_file_executes_nothing(elsewhere, fails, network):
    (elsewhere / "hostile.py").write_text(
        "open('executed', 'w')\nfrom torch.nn import Identity as Network"
    )
    path = elsewhere / "hostile.safetensors"
    card = read_card(elsewhere / "student.safetensors")
    hostile = NetworkCard(**{**card.to_dict(), "networks": {"student": network}})
    save_weights({"weight": torch.zeros(1)}, path, card=hostile)
    with pytest.raises(ValueError, match="is no model that a file may name"):
        goodsam_pl.load(path)
    data = yaml.safe_load((elsewhere / "run.yaml").read_text())["data"]
    (elsewhere / "data.yaml").write_text(yaml.safe_dump({"data": data}))
    error = fails("predict", "--config", "data.yaml", "--ckpt_path", path)
    assert "is no model that a file may name" in error
    assert not (elsewhere / "executed").exists()


@pytest.mark.parametrize("file", ["last.ckpt", "student.safetensors"])
def test_a_protocol_of_other_classes_is_refused_before_a_panorama_is_read(elsewhere, fails, file):
    protocol = CONFIGS / "evaluation" / "stanford2d3d_13.yaml"
    error = fails("test", "--config", protocol, "--ckpt_path", file, "--data.init_args.root", ".")
    assert "SegmentationNetwork gives 5 logits for each pixel" in error
    assert "stanford2d3d-13 has 13 classes" in error


def test_a_checkpoint_that_does_not_say_what_it_holds_still_gives_its_weights(elsewhere, goodsam):
    checkpoint = torch.load(elsewhere / "last.ckpt", weights_only=True)
    del checkpoint["goodsam_pl"]
    torch.save(checkpoint, elsewhere / "old.ckpt")
    told = goodsam("export", "old.ckpt:student", "old.safetensors").out
    assert "old.ckpt:student does not say what its network is, so neither does the file" in told
    old, new = read_weights(elsewhere / "old.safetensors"), read_weights(elsewhere / "last.ckpt")
    assert old.keys() == new.keys()
    assert all(torch.equal(old[name], new[name]) for name in new)
    with pytest.raises(ValueError, match=r"old\.safetensors does not say what its network is"):
        goodsam_pl.load("old.safetensors")


def test_a_joint_training_of_ones_own_networks_travels_whole(workplace, goodsam, monkeypatch):
    from street_fakes import DictionaryNetwork  # noqa: PLC0415  # found from a fixture on

    there, here = workplace / "there", workplace / "here"
    there.mkdir()
    monkeypatch.chdir(there)
    photographs = draw_photographs(workplace)
    (there / "start").mkdir()
    (there / "start" / "classes.yaml").write_text(CLASSES)
    run = config(photographs)
    unet = {"class_path": "segmentation_models_pytorch.Unet",
            "init_args": {"encoder_name": "mobilenet_v2", "encoder_weights": None, "classes": 5,
                          "decoder_channels": [8, 8, 8, 8, 8]}}  # fmt: skip
    teacher = {"class_path": "goodsam_pl.networks.CustomNetwork", "init_args": {"network": unet}}
    own = {"class_path": "street_fakes.DictionaryNetwork", "init_args": {"classes": 5}}
    student = {"class_path": "goodsam_pl.networks.CustomNetwork", "init_args": {"network": own}}
    rectification = {
        "class_path": "goodsam_pl.modules.TARectification",
        "init_args": {"teacher_assistant": teacher},
    }
    (there / "rectification.yaml").write_text(yaml.safe_dump({**run, "model": rectification}))
    goodsam("fit", "--config", "rectification.yaml")
    rectified = read_weights(there / "runs" / "last.ckpt")

    shutil.move(there / "runs" / "last.ckpt", there / "rectified.ckpt")
    teacher["init_args"]["weights"] = "rectified.ckpt"
    run["model"] = {
        "class_path": "goodsam_pl.modules.JointDistillation",
        "init_args": {"student": student, "teacher_assistant": teacher, "learning_rate": 1e-3},
    }
    (there / "joint.yaml").write_text(yaml.safe_dump(run))
    goodsam("fit", "--config", "joint.yaml")
    known = labels("--config", "joint.yaml", "--ckpt_path", "runs/last.ckpt")
    told = goodsam("export", "runs/last.ckpt", "student.safetensors").out
    assert "its class is yours: goodsam_pl.load takes the network as `network=`" in told

    here.mkdir()
    for file in ("runs/last.ckpt", "joint.yaml", "student.safetensors"):
        shutil.move(there / file, here)
    shutil.rmtree(there)
    monkeypatch.chdir(here)
    for file in ("last.ckpt", "student.safetensors"):
        assert equal(labels("--config", "joint.yaml", "--ckpt_path", file), known)
        ours = CustomNetwork(DictionaryNetwork(5))
        mine = goodsam_pl.load(file, network=ours)
        assert np.array_equal(mine.predict(photographs / "a.png"), known["a"])
    goodsam("export", "last.ckpt:teacher_assistant", "teacher.safetensors")
    again = goodsam_pl.load("teacher.safetensors")
    tensors = again.network.state_dict()
    assert tensors.keys() == rectified.keys()
    changed = [name for name in tensors if not torch.equal(tensors[name], rectified[name])]
    assert changed  # it trained along, from where its rectification ended
    assert all(
        torch.allclose(tensors[n], rectified[n], atol=1e-2) for n in changed if "weight" in n
    )


def test_the_package_is_free_of_torch(command):
    said = command(sys.executable, "-c", "import goodsam_pl, sys; print('torch' in sys.modules)")
    assert said.stdout == "False\n"
