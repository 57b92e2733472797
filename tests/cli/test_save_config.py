from __future__ import annotations

from importlib.metadata import version

import pytest
import yaml

from goodsam_pl.cli.training import train


def test_the_configuration_lies_with_the_run_and_can_be_run(config, goodsam, workplace):
    goodsam("fit", "--config", config, "--trainer.logger", "CSVLogger",
            "--trainer.logger.save_dir", "logs", "--trainer.logger.name", "street")  # fmt: skip
    run = workplace / "logs/street/version_0"
    assert (run / "checkpoints/last.ckpt").is_file()
    text = (run / "config.yaml").read_text()
    for package in ("goodsam_pl", "lightning"):
        assert f"# {package}=={version(package)}\n" in text
    assert yaml.safe_load(text)["model"]["init_args"]["learning_rate"] == 0.5
    goodsam("fit", "--config", run / "config.yaml")
    assert (workplace / "logs/street/version_1/config.yaml").is_file()


def test_a_second_run_replaces_it_and_scoring_leaves_it_alone(config, goodsam, workplace):
    for rate in (0.5, 0.25):
        goodsam("fit", "--config", config, "--model.learning_rate", rate)
    goodsam("validate", "--config", config, "--model.learning_rate", 9)
    rates = {
        path.name: yaml.safe_load(path.read_text())["model"]["init_args"]["learning_rate"]
        for path in (workplace / "runs").glob("*.yaml")
    }
    assert rates == {"config.yaml": 0.25, "config_validate.yaml": 9}


def test_a_trial_run_leaves_nothing(config, goodsam, workplace):
    goodsam("fit", "--config", config, "--trainer.fast_dev_run", "true")
    assert not list(workplace.rglob("*.csv"))
    assert list(workplace.rglob("*.yaml")) == [workplace / "run.yaml"]


def test_wandb_gets_the_configuration_and_a_folder_of_its_own(config, workplace, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    cli = train(["fit", "--config", config, "--trainer.logger", "WandbLogger",
                 "--trainer.logger.save_dir", "wb", "--trainer.logger.project", "street",
                 "--trainer.logger.version", "first"])  # fmt: skip
    experiment = cli.trainer.logger.experiment
    assert experiment.config["model"]["init_args"]["learning_rate"] == 0.5
    experiment.finish()
    assert (workplace / "wb/street/first/config.yaml").is_file()
    assert (workplace / "wb/street/first/checkpoints/last.ckpt").is_file()
    assert (workplace / "wb/street/first/val_classes.csv").is_file()
    assert not (workplace / "config.yaml").exists()
