from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from jsonargparse import Namespace
from PIL import Image

from goodsam_pl.cli import refusals
from goodsam_pl.cli.dashboard_key import has_key
from goodsam_pl.cli.training import GoodSAMCLI, one_verb, train

VERBS = ["fit", "validate", "test", "predict"]


def weights(path):
    return torch.load(path, weights_only=True)["state_dict"]


def table(path):
    with Path(path).open() as file:
        return {row["class"]: row for row in csv.DictReader(file)}


def test_trains_validates_tests_and_predicts(config, goodsam, workplace):
    goodsam("fit", "--config", config, "--trainer.max_epochs", 20)
    checkpoint = workplace / "runs/checkpoints/last.ckpt"
    assert checkpoint.is_file()

    validated = goodsam("validate", "--config", config, "--ckpt_path", checkpoint)
    assert "val: IoU in percent" in validated.out
    tested = goodsam("test", "--config", config, "--ckpt_path", checkpoint)
    assert "test: IoU in percent" in tested.out
    rows = table(workplace / "runs/test_classes.csv")
    assert rows == table(workplace / "runs/val_classes.csv")
    assert set(rows) >= {"sky", "road", "mean"}
    assert float(rows["mean"]["iou"]) > 0.2

    predicted = goodsam("predict", "--config", config, "--ckpt_path", checkpoint)
    assert f"predictions: {workplace}/runs/predictions\n" in predicted.out
    for index in range(5):
        label = Image.open(workplace / f"runs/predictions/labels/city/{index}.png")
        assert np.asarray(label).shape == (6, 12)
        assert np.asarray(label).max() < 11
    assert not list(workplace.rglob("*.tmp"))
    assert sorted(path.name for path in workplace.iterdir()) == ["run.yaml", "runs"]


def test_the_same_seed_gives_the_same_weights(config, goodsam, workplace):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        goodsam("fit", "--config", config, "--trainer.default_root_dir", name,
                "--seed_everything", seed)  # fmt: skip
    a, b, c = (weights(workplace / name / "checkpoints/last.ckpt") for name in "abc")
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not torch.equal(a["layer.weight"], c["layer.weight"])


def test_resuming_equals_never_having_stopped(config, goodsam, workplace):
    def fit(name, epochs, *more):
        goodsam("fit", "--config", config, "--trainer.default_root_dir", name,
                "--trainer.max_epochs", epochs, *more)  # fmt: skip
        return workplace / name / "checkpoints/last.ckpt"

    through = torch.load(fit("through", 4), weights_only=True)
    resumed = torch.load(fit("resumed", 4, "--ckpt_path", fit("half", 2)), weights_only=True)
    assert resumed["global_step"] == through["global_step"] == 12
    for key, value in through["state_dict"].items():
        assert torch.equal(resumed["state_dict"][key], value)


@pytest.mark.parametrize("verb", VERBS)
def test_the_printed_configuration_is_a_configuration(verb, config, workplace, capsys):
    def printed(path):
        with pytest.raises(SystemExit) as end:
            train([verb, "--config", str(path), "--print_config"])
        assert end.value.code == 0
        return capsys.readouterr().out

    first = printed(config)
    again = workplace / "printed.yaml"
    again.write_text(first)
    assert printed(again) == first
    content = yaml.safe_load(first)
    assert content["model"]["init_args"]["learning_rate"] == 0.5
    assert "taxonomy" not in content["model"]["init_args"]  # it is data.init_args.taxonomy
    assert content["data"]["init_args"]["taxonomy"] == "camvid-11"
    assert content["weights_only"] is True
    assert content["seed_everything"] == 0
    assert content["trainer"]["default_root_dir"] == "runs"


def parsed(*args):
    """The model's and the data's configuration, without running anything."""

    class Parsing(GoodSAMCLI):
        def instantiate_classes(self):
            pass

        def _run_subcommand(self, subcommand):
            pass

    import goodsam_pl.cli.training as module  # noqa: PLC0415

    original, module.GoodSAMCLI = module.GoodSAMCLI, Parsing
    try:
        config = module.train(list(args)).config["fit"]
    finally:
        module.GoodSAMCLI = original
    return config


def test_options_are_read_for_the_verb_that_comes_first_alone():
    assert set(one_verb("test").subcommands()) == {"test"}
    assert one_verb("--config=all.yaml") is GoodSAMCLI  # its verb comes later


def test_the_model_takes_the_taxonomy_of_the_data(config):
    model = parsed("fit", "--config", config, "--data.taxonomy", "wildpass-8").model
    assert model.init_args.taxonomy == "wildpass-8"


def test_data_without_a_taxonomy_leaves_the_model_its_own(config):
    model = parsed("fit", "--config", config, "--data", "street_fakes.PlainData").model
    assert model.init_args.taxonomy == "cityscapes-19"


def test_short_names_of_our_classes_and_of_lightnings(config):
    found = parsed("fit", "--config", config, "--trainer.callbacks", "ClassTable",
                   "--trainer.callbacks+", "PredictionWriter",
                   "--trainer.callbacks+", "EMAWeightAveraging")  # fmt: skip
    assert [each.class_path for each in found.trainer.callbacks] == [
        "goodsam_pl.callbacks.ClassTable",
        "goodsam_pl.callbacks.PredictionWriter",
        "lightning.pytorch.callbacks.EMAWeightAveraging",
    ]


def test_two_processes_score_and_write_like_one(config, goodsam, command, warm, workplace):
    goodsam("fit", "--config", config)
    checkpoint = workplace / "runs/checkpoints/last.ckpt"
    common = ["--config", config, "--ckpt_path", checkpoint]
    goodsam("test", *common)
    alone = (workplace / "runs/test_classes.csv").read_bytes()
    goodsam("predict", *common, "--trainer.default_root_dir", workplace / "one")

    shared = ["--trainer.devices", 2, "--trainer.strategy", "ddp",
              "--trainer.use_distributed_sampler", "false"]  # fmt: skip
    script = Path(sys.executable).with_name("lightning")
    result = command(script, "test", *common, *shared,
                     "--trainer.default_root_dir", workplace / "two")  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("test: IoU in percent") == 1
    assert (workplace / "two/test_classes.csv").read_bytes() == alone

    result = warm("predict", *common, *shared, "--trainer.default_root_dir", workplace / "two")
    assert result.returncode == 0, result.stderr
    written = sorted((workplace / "one/predictions").rglob("*.png"))
    assert len(written) == 11  # with the legend
    for path in written:
        twin = workplace / "two" / path.relative_to(workplace / "one")
        assert twin.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("value", ["null", "None"])
@pytest.mark.parametrize("form", ["--model.network.init_args.name={}", "--model.network.name {}"])
def test_no_value_is_no_value_at_any_depth(value, form, config):
    words = ["--model.network", "street_fakes.Named", *form.format(value).split()]
    assert parsed("fit", "--config", config, *words).model.init_args.network.init_args.name is None


def test_the_end_names_the_score_the_checkpoint_and_the_next_command(config, goodsam, workplace):
    lines = goodsam("fit", "--config", config).out.splitlines()
    assert lines[0] == "44 of 44 parameters are trained"
    assert re.fullmatch(r"trained 6 steps, val/miou 0\.\d{3}", lines[1])
    assert lines[2] == "last:  runs/checkpoints/last.ckpt"
    assert lines[3].startswith("next:  lightning test --config runs/config.yaml --ckpt_path runs/")
    assert len(lines) == 4
    printed = goodsam(*lines[3].split()[2:]).out
    assert printed.count("test: IoU in percent") == 1
    assert "test/miou" not in printed


def test_scores_are_shown_without_a_table_of_ours(config, goodsam):
    printed = goodsam("test", "--config", config, "--trainer.callbacks", "null").out
    assert "test/miou" in printed


def test_callbacks_that_need_a_logger_are_left_out_without(config, goodsam):
    words = ["--trainer.callbacks+", "lightning.pytorch.callbacks.LearningRateMonitor"]
    printed = goodsam("fit", "--config", config, *words).out
    assert "no logger: LearningRateMonitor is left out\n" in printed


def test_a_class_in_the_working_folder_is_found(config, goodsam, workplace):
    (workplace / "my_own_module.py").write_text(
        "from street_fakes import FakeSegmentation\n\n\nclass Mine(FakeSegmentation):\n    pass\n"
    )
    goodsam("fit", "--config", config, "--model", "my_own_module.Mine")


def test_errors_of_a_worker_are_one_line(config, fails):
    words = ["--data.broken", "sample", "--data.workers", 1]
    error = fails("fit", "--config", config, *words)
    assert error.startswith("goodsam: error: [Errno 2] no such image: 'a.png'\n")
    assert "Traceback" not in error


REFUSED = [
    (["--trainer.accelerator", "gpu"], "torch finds no GPU here; auto takes"),
    (["--data.root", "nowhere/photos"], "nowhere/photos: there is no such folder; set data.root"),
    (["--data.root", "data/streetworld/densepass"], "goodsam streetworld --out data/streetworld"),
    (["--trainer.logger", "WandbLogger"], "run `wandb login`, or leave W&B offline"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED)
def test_what_cannot_work_is_refused_before_anything_is_written(
    words, told, config, fails, workplace, tmp_path_factory, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("nobody")))
    monkeypatch.setenv("NETRC", str(workplace / "netrc"))
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert told in fails("fit", "--config", config, *words)
    assert [path.name for path in workplace.iterdir()] == ["run.yaml"]


def test_windows_of_another_version_than_the_boundaries_are_refused():
    def config(windows, boundary):
        given = {"model": {"boundary": boundary}, "data": {"windows": windows}}
        parts = {name: Namespace(init_args=each) for name, each in given.items()}
        return Namespace(trainer={}, **parts)

    refusals.refuse(config("crossed", "v2"))
    refusals.refuse(config("sliding", "v1"))
    with pytest.raises(ValueError, match="boundary v1 is for sliding windows: set boundary to v2"):
        refusals.refuse(config("crossed", "v1"))


def test_a_dashboard_that_cannot_be_reached_is_refused(config, fails, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("urllib.request.getproxies", dict)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    error = fails("fit", "--config", config, "--trainer.logger", "WandbLogger")
    assert "W&B cannot be reached: 127.0.0.1: " in error
    assert "leave W&B offline" in error


def test_a_login_is_found_where_wandb_writes_it(workplace, monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(workplace / "netrc"))
    assert not has_key()
    (workplace / "netrc").write_text("machine api.wandb.ai\n  login user\n  password 0123\n")
    assert has_key()
