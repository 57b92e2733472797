from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("words", "named", "hint"),
    [
        (["--model.learning_rat", "1"], "'learning_rat' is not", "Did you mean 'learning_rate'?"),
        (["--model.xyz", "1"], "'xyz' is not", "accepts taxonomy, learning_rate, network."),
        (["--model.network", "Wider", "--model.network.widht", "1"], "'widht'", "mean 'width'?"),
        (["--trainer.max_epoch", "1"], "--trainer.max_epoch", "mean 'trainer.max_epochs'?"),
        (["--trainer.max_epochs", "many"], '"trainer.max_epochs"', "Given value: many"),
        (["--model", "StudentDistilation"], "StudentDistilation", "mean 'StudentDistillation'?"),
        (
            ["--trainer.callbacks", "[{class_path: goodsam_pl.callbacks.ClasTable}]"],
            "'ClasTable'",
            "Did you mean 'ClassTable'?",
        ),
        (
            [
                "--trainer.callbacks",
                "PrecomputeSAM",
                "--trainer.callbacks.proposer",
                "Felzenszwalb",
            ],
            "Felzenszwalb",
            "Write its whole path: goodsam_pl.sam.Felzenszwalb",
        ),
        (["--model", "Xyz"], "Xyz", "need their whole path"),
        (
            ["--data", "goodsam_pl.data.SourceDataModule", "--data.dataset", "citiscapes"],
            "'coco', 'plain'. Got value: citiscapes",
            "Did you mean 'cityscapes'?",
        ),
        (
            ["--trainer.precision", "bf16-mixd"],
            "Given value: bf16-mixd",
            "Did you mean 'bf16-mixed'?",
        ),
        (["--data.images", "few"], '"images"', "Got value: few"),
    ],
)
def test_errors_name_the_key_and_fit_on_a_screen(words, named, hint, config, fails):
    error = fails("fit", "--config", config, *words)
    assert error.startswith("goodsam fit: error: ")
    assert named in error
    assert hint in error
    assert "NoneType" not in error
    assert error.endswith("`goodsam fit --help` lists the options.\n")
    assert len(error.splitlines()) <= 12


def test_errors_name_a_wrong_key_of_a_file(config, workplace, fails):
    text = (workplace / "run.yaml").read_text()
    (workplace / "run.yaml").write_text(text.replace("max_epochs:", "max_epoch:"))
    error = fails("fit", "--config", config)
    assert "max_epoch" in error
    assert "Did you mean 'trainer.max_epochs'?" in error


def test_options_before_the_verb_are_put_right(config, fails):
    assert "Write the verb first: goodsam fit --config" in fails("--config", config, "fit")


def test_a_missing_file_is_named(fails):
    assert "nowhere.yaml" in fails("fit", "--config", "nowhere.yaml")


def test_what_is_missing_is_named(config, fails):
    assert '"model" is required' in fails("fit", "--data", "street_fakes.FakeData")
    assert "fit.data" in fails("fit", "--model", "street_fakes.FakeSegmentation")


def test_a_number_of_batches_stays_whole_whoever_wrote_a_union_first():
    """Typing keeps one Optional[Union[int, float]] in either order; rich has the other one."""
    program = (
        "import rich.progress\nfrom goodsam_pl.cli import main\n"
        "main(['fit', '--trainer.limit_train_batches=1', '--trainer.limit_val_batches=0.5',\n"
        "    '--data=PanoramaDataModule', '--print_config'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert "limit_train_batches: 1\n" in done.stdout
    assert "limit_val_batches: 0.5\n" in done.stdout
