from __future__ import annotations

import pytest
import torch

from goodsam_pl.cli import main
from goodsam_pl.cli.checkpoint import differences, model_of, refuse_missing
from goodsam_pl.modules import SourceSegmentation

MODEL = {
    "class_path": "street_fakes.FakeSegmentation",
    "init_args": {
        "taxonomy": "camvid-11",
        "learning_rate": 0.5,
        "network": {"class_path": "street_fakes.Wider", "init_args": {"width": 7}},
    },
}


@pytest.fixture
def checkpoint(config, goodsam, workplace):
    network = ["--model.network", "street_fakes.Wider", "--model.network.width", 7]
    goodsam("fit", "--config", config, *network, "--trainer.max_epochs", 1)
    return workplace / "runs/checkpoints/last.ckpt"


NETWORK = ("--model.network", "street_fakes.Wider")
CHOSEN = {"class_path": MODEL["class_path"], "init_args": {"network": {"class_path": NETWORK[1]}}}


def test_a_checkpoint_knows_its_model(checkpoint):
    assert model_of(checkpoint, CHOSEN) == MODEL


def test_a_class_that_only_the_checkpoint_names_is_refused(config, fails, checkpoint):
    error = fails("test", "--config", config, "--ckpt_path", checkpoint)
    assert "its model.network names 'street_fakes.Wider', which is no class of goodsam_pl" in error
    assert "name it yourself, by --config (a run keeps its own as config.yaml)" in error


def test_what_is_written_wins_and_the_rest_comes_from_the_checkpoint(config, goodsam, checkpoint):
    """The file says 0.5, the command 0.25, and of the network only the checkpoint knows."""
    told = goodsam("test", "--config", config, "--ckpt_path", checkpoint, *NETWORK,
                   "--model.learning_rate", 0.25)  # fmt: skip
    assert (
        "goodsam: warning: model.init_args.learning_rate is 0.25 here and 0.5 in the checkpoint "
        f"{checkpoint}; the former is used\n"
    ) in told.err
    assert told.err.count("goodsam: warning") == 1
    saved = (checkpoint.parents[1] / "config_test.yaml").read_text()
    assert "learning_rate: 0.25\n" in saved
    assert "width: 7\n" in saved


def test_without_differences_there_is_no_warning(config, goodsam, checkpoint):
    told = goodsam("test", "--config", config, "--ckpt_path", checkpoint, *NETWORK)
    assert "goodsam: warning" not in told.err


def test_a_checkpoint_fills_in_what_is_left_open_of_the_model(goodsam, checkpoint, workplace):
    goodsam("predict", "--ckpt_path", checkpoint, "--data", "street_fakes.FakeData",
            "--model", "street_fakes.FakeSegmentation", *NETWORK,
            "--data.images", 2, "--trainer.logger", "false")  # fmt: skip
    assert len(list((workplace / "runs/predictions/labels").rglob("*.png"))) == 2


def test_a_taxonomy_that_differs_is_named(config, checkpoint, capsys):
    words = ["--ckpt_path", str(checkpoint), *NETWORK, "--data.taxonomy", "wildpass-8"]
    with pytest.raises(RuntimeError, match="size mismatch"):
        main(["test", "--config", config, *words])
    told = capsys.readouterr().err
    assert "model.init_args.taxonomy is 'wildpass-8' here and 'camvid-11' in" in told


def test_another_class_is_named_in_one_line(config, goodsam, checkpoint):
    told = goodsam("test", "--config", config, "--ckpt_path", checkpoint,
                   "--model", "street_fakes.OtherSegmentation")  # fmt: skip
    assert told.err.count("goodsam: warning") == 1
    assert "model.class_path is 'street_fakes.OtherSegmentation' here" in told.err


def test_a_missing_checkpoint_is_named_before_anything_starts(config, fails, workplace):
    error = fails("test", "--config", config, "--ckpt_path", "nowhere.ckpt")
    assert "goodsam: error: --ckpt_path nowhere.ckpt: there is no such checkpoint\n" in error
    assert not (workplace / "runs").exists()


def test_keywords_and_addresses_are_lightnings_business():
    for name in ("best", "last", "hpc", "registry:model", "s3://bucket/last.ckpt"):
        refuse_missing(name)


def test_a_file_that_is_no_checkpoint_is_named(config, fails, workplace):
    (workplace / "text.ckpt").write_text("no checkpoint")
    assert "text.ckpt is not a checkpoint" in fails(
        "test", "--config", config, "--ckpt_path", "text.ckpt"
    )


class Malicious:
    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_in_a_checkpoint_is_executed(workplace, capsys):
    torch.save({"hyper_parameters": {"x": Malicious()}}, workplace / "evil.ckpt")
    with pytest.raises(ValueError, match=r"evil\.ckpt holds more .* could execute code"):
        model_of(workplace / "evil.ckpt")
    assert "executed" not in capsys.readouterr().out


GADGET = "torch.fx.graph_module.reduce_graph_module"
"""A function that executes the code that it is given, which is text."""


@pytest.mark.parametrize("verb", ["test", "validate", "predict", "fit"])
@pytest.mark.parametrize("place", ["network", "learning_rate", "unknown"])
def test_plain_values_in_a_checkpoint_run_no_code(fails, workplace, verb, place):
    marker = workplace / "executed"
    code = f"open({str(marker)!r}, 'w')\ndef forward(self, x):\n    return x\n"
    gadget = {"class_path": GADGET, "init_args": {"body": {"_code": code}, "import_block": ""}}
    ours = {"class_path": "goodsam_pl.networks.SegmentationNetwork", "init_args": {"classes": 19}}
    remembered = {"_class_path": "goodsam_pl.modules.SourceSegmentation", "network": ours}
    torch.save(
        {"state_dict": {}, "hyper_parameters": {**remembered, place: gadget}},
        workplace / "evil.ckpt",
    )
    error = fails(verb, "--ckpt_path", "evil.ckpt", "--data", "street_fakes.FakeData",
                  "--trainer.logger", "false")  # fmt: skip
    assert f"--ckpt_path evil.ckpt: its model.{place} names '{GADGET}'" in error
    assert not marker.exists()
    with pytest.raises(ValueError, match=rf"evil\.ckpt: its model\.{place} names '{GADGET}'"):
        SourceSegmentation.load_from_checkpoint(workplace / "evil.ckpt")
    assert not marker.exists()


def test_a_checkpoint_imports_no_file_of_the_working_folder(fails, workplace):
    (workplace / "planted.py").write_text("open('executed', 'w')\nclass Model: ...\n")
    torch.save(
        {"state_dict": {}, "hyper_parameters": {"_class_path": "planted.Model"}},
        workplace / "evil.ckpt",
    )
    error = fails("test", "--ckpt_path", "evil.ckpt", "--data", "street_fakes.FakeData")
    assert "its model names 'planted.Model', which is no class of goodsam_pl" in error
    assert not (workplace / "executed").exists()


def test_a_checkpoint_made_without_a_command_line_says_nothing(workplace):
    torch.save({"state_dict": {}, "hyper_parameters": {"lr": 1}}, workplace / "plain.ckpt")
    assert model_of(workplace / "plain.ckpt") == {}


def test_differences_are_named_by_their_whole_key():
    used = {
        "class_path": "a.B",
        "init_args": {"size": [1, 2], "net": {"init_args": {"width": 3}}, "new": 1},
    }
    remembered = {
        "class_path": "a.B",
        "init_args": {"size": (1, 2), "net": {"init_args": {"width": 4}}, "gone": 5},
    }
    assert differences(used, remembered) == [
        "model.init_args.net.init_args.width is 3 here and 4 in the checkpoint",
        "model.init_args.gone is None here and 5 in the checkpoint",
    ]
