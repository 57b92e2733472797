"""The teachers stand in a file that trainings share; options and further files go over it."""

from __future__ import annotations

import pytest
import torch
import yaml
from lightning.pytorch import Trainer

from goodsam_pl.cli import main
from goodsam_pl.fusion import CTCF
from goodsam_pl.modules import FeatureWeights, JointDistillation, Teachers

NETWORK = {
    "class_path": "goodsam_pl.networks.SegmentationNetwork",
    "init_args": {"architecture": "fpn", "encoder": "mobilenet_v2", "classes": 19},
}
NETWORKS = {
    "TARectification": {"teacher_assistant": NETWORK},
    "StudentDistillation": {"student": NETWORK, "teacher_assistant": NETWORK},
    "JointDistillation": {"student": NETWORK, "teacher_assistant": NETWORK},
}


@pytest.fixture
def run(workplace):
    """Write a configuration that names the file of the teachers, relative to itself."""

    def write(system="TARectification", **arguments):
        (workplace / "parts").mkdir(exist_ok=True)
        (workplace / "parts" / "teachers.yaml").write_text(
            "{mirror: true, further_scales: [2.0], fusion: {class_path: goodsam_pl.fusion.CTCF, "
            "init_args: {threshold: 0.25}}}"
        )
        (workplace / "runs").mkdir(exist_ok=True)
        model = {
            "class_path": f"goodsam_pl.modules.{system}",
            "init_args": {**NETWORKS[system], "teachers": "../parts/teachers.yaml", **arguments},
        }
        data = {
            "class_path": "goodsam_pl.data.PanoramaDataModule",
            "init_args": {"dataset": "folder", "root": "."},
        }
        path = workplace / "runs" / "run.yaml"
        path.write_text(yaml.safe_dump({"model": model, "data": data}))
        return path

    return write


@pytest.fixture
def parsed(capsys):
    """The teachers as a command line leaves them."""

    def parse(*words):
        with pytest.raises(SystemExit):
            main(["fit", "--config", *map(str, words), "--print_config"])
        return yaml.safe_load(capsys.readouterr().out)["model"]["init_args"]["teachers"]

    return parse


@pytest.mark.parametrize("system", NETWORKS)
@pytest.mark.parametrize("key", ["model.init_args.teachers", "model.teachers"])
def test_options_go_over_the_file_and_leave_the_rest(run, parsed, system, key):
    teachers = parsed(run(system), f"--{key}.mirror=false")
    assert (teachers["mirror"], teachers["further_scales"]) == (False, [2.0])
    assert teachers["fusion"]["init_args"]["threshold"] == 0.25


def test_further_files_go_over_it_too_and_another_fusion_takes_its_place(run, parsed, workplace):
    (workplace / "two.yaml").write_text("window_scale: 2.5")
    (workplace / "more.yaml").write_text("model: {init_args: {teachers: two.yaml}}")
    other = "--model.teachers.fusion=goodsam_pl.fusion.NoFusion"
    teachers = parsed(run(), "--config", "more.yaml", other)
    assert (teachers["window_scale"], teachers["mirror"]) == (2.5, True)
    assert teachers["fusion"] == {
        "class_path": "goodsam_pl.fusion.NoFusion",
        "init_args": {"confidence": 0.9},
    }


def test_a_wrong_name_in_the_file_is_named(run, fails, workplace):
    path = run()
    (workplace / "parts" / "teachers.yaml").write_text("miror: true")
    assert "'miror'" in fails("fit", "--config", path)


class _Stop(Exception):  # noqa: N818  # no error
    """The model is built."""


def test_what_the_command_line_built_comes_out_of_the_checkpoint(run, goodsam, monkeypatch):
    built = []

    def stop(_, model, *__, **___):
        built.append(model)
        raise _Stop

    monkeypatch.setattr(Trainer, "_fit_impl", stop)
    arguments = {"rectification": {"distance": "mse"}, "features": {"adaptation": 0.5}}
    with pytest.raises(_Stop):
        goodsam("fit", "--config", run("JointDistillation", **arguments))
    (model,) = built
    assert model.teachers == Teachers(CTCF(threshold=0.25), mirror=True, further_scales=(2.0,))
    _assert_comes_back(model)


def _assert_comes_back(model):
    trainer = Trainer(accelerator="cpu", logger=False, barebones=True)
    trainer.strategy.connect(model)
    trainer.save_checkpoint("last.ckpt")
    again = JointDistillation.load_from_checkpoint("last.ckpt")
    assert again.teachers == model.teachers
    assert again.features.weights == FeatureWeights(adaptation=0.5)
    assert again.consistency == "mse"
    content = torch.load("last.ckpt", weights_only=True)["hyper_parameters"]
    assert content["teachers"]["fusion"]["init_args"]["threshold"] == 0.25
    given = JointDistillation.load_from_checkpoint("last.ckpt", teachers=Teachers())
    assert given.teachers == Teachers()
