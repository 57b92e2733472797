from __future__ import annotations

import pytest
import torch

from goodsam_pl.cli import main
from goodsam_pl.cli.checkpoint import differences, model_of, refuse_missing

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


def test_a_checkpoint_knows_its_model(checkpoint):
    assert model_of(checkpoint) == MODEL


def test_what_is_written_wins_and_the_rest_comes_from_the_checkpoint(config, goodsam, checkpoint):
    """The file says 0.5, the command 0.25, and of the network only the checkpoint knows."""
    told = goodsam("test", "--config", config, "--ckpt_path", checkpoint,
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
    told = goodsam("test", "--config", config, "--ckpt_path", checkpoint)
    assert "goodsam: warning" not in told.err


def test_a_checkpoint_is_enough_to_name_the_model(config, goodsam, checkpoint, workplace):
    goodsam("predict", "--ckpt_path", checkpoint, "--data", "street_fakes.FakeData",
            "--data.images", 2, "--trainer.logger", "false")  # fmt: skip
    assert len(list((workplace / "runs/predictions/labels").rglob("*.png"))) == 2


def test_a_taxonomy_that_differs_is_named(config, checkpoint, capsys):
    words = ["--ckpt_path", str(checkpoint), "--data.taxonomy", "wildpass-8"]
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
    assert "text.ckpt: not a checkpoint" in fails(
        "test", "--config", config, "--ckpt_path", "text.ckpt"
    )


class Malicious:
    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_in_a_checkpoint_is_executed(workplace, capsys):
    torch.save({"hyper_parameters": {"x": Malicious()}}, workplace / "evil.ckpt")
    with pytest.raises(ValueError, match=r"evil\.ckpt: refused, for loading it would execute code"):
        model_of(workplace / "evil.ckpt")
    assert "executed" not in capsys.readouterr().out


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
