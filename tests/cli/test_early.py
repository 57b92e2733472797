"""What is told before torch is imported is what the parser would tell."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from goodsam_pl.cli import early
from goodsam_pl.cli.early import refuse_early

PRESET = Path(__file__).parents[2] / "configs/real/source.yaml"
PRESETS = [
    path
    for path in sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))
    if "\ntrainer:" in path.read_text(encoding="utf-8")
]
MISTAKES = [
    ["--model.xyz", "1"],
    ["--model.init_args.learning_rat=1"],
    ["--trainer.max_epoch", "3"],
    ["--data.datset", "camvid"],
    ["--foo", "3"],
    ["--trainr.max_epochs", "3"],
    ["--config", "nowhere.yaml"],
    ["--config", "key.yaml"],
    ["--config", "trainer.yaml"],
]


@pytest.fixture(autouse=True)
def files(workplace):
    (workplace / "key.yaml").write_text("modl: 3\n")
    (workplace / "trainer.yaml").write_text("trainer:\n  max_step: 3\n")


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_the_words_are_those_of_the_parser(words, fails, capsys, monkeypatch):
    command = ["--config", str(PRESET), *words]
    with pytest.raises(SystemExit) as end:
        refuse_early("fit", command)
    told = capsys.readouterr().err
    assert end.value.code == 2
    monkeypatch.setattr(early, "refuse_early", lambda *ignored: None)
    assert told == fails("fit", *command)


def test_a_key_that_is_there_twice_is_refused(workplace, fails):
    (workplace / "twice.yaml").write_text("trainer:\n  max_steps: 3\n  max_steps: 4\n")
    error = fails("fit", "--config", "twice.yaml")
    assert "config twice.yaml: line 3: the key 'max_steps' is there twice" in error


def test_a_file_that_is_no_yaml_is_named(workplace, fails):
    (workplace / "broken.yaml").write_text("trainer: [3\n")
    error = fails("fit", "--config", "broken.yaml")
    assert error.startswith("goodsam fit: error: Problems parsing config broken.yaml: ")
    assert "line 1" in error


def test_a_missing_checkpoint_is_named(fails):
    error = fails("test", "--config", PRESET, "--ckpt_path", "nope.ckpt")
    assert "--ckpt_path nope.ckpt: there is no such checkpoint" in error


@pytest.mark.parametrize("verb", ["fit", "validate", "test", "predict"])
@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_nothing_that_is_right_is_refused(verb, preset):
    refuse_early(verb, ["--config", str(preset), "--seed_everything=3", "--ckpt_path", "last"])


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--model.help", "x"],
        ["--print_config"],
        ["--data", "street_fakes.FakeData", "--data.images", "3"],
        ["--data.class_path", "street_fakes.FakeData", "--data.images", "3"],
        ["--trainer.callbacks+", "ClassTable", "--trainer.callbacks+.while_fitting", "true"],
        ["--trainer.max_steps", "-1", "--trainer", "file.yaml"],
        ["--model.network.weights", "null", "--model.init_args.network.init_args.classes", "5"],
        ["--ckpt_path", "best"],
        ["--ckpt_path", "https://there/last.ckpt"],
        ["--ckpt_path", "null"],
        ["--config", "{trainer: {max_steps: 3}}"],
    ],
    ids=" ".join,
)
def test_what_is_not_certain_is_left_to_the_parser(words):
    refuse_early("fit", ["--config", str(PRESET), *words])


def test_verbs_take_options_of_their_own():
    refuse_early("predict", ["--tta", "4", "--return_predictions", "true"])
    refuse_early("predict", ["--out", "x", "--tile", "off", "--skip_existing", "--no_overwrite"])
    refuse_early("test", ["--verbose", "true", "--weights_only", "false"])


def test_torch_is_not_imported(command):
    code = "import sys; sys.modules['torch'] = None; from goodsam_pl.cli import main; main()"
    result = command(sys.executable, "-c", code, "fit", "--config", PRESET, "--model.xyz", "1")
    assert result.returncode == 2
    assert "Option 'xyz' is not accepted" in result.stderr


@pytest.mark.parametrize("words", [["--config"], ["--config", "good.yaml", "--trainer"]])
def test_aliases_that_unfold_without_end_are_refused(words, workplace, fails):
    """In the file itself, and in one that an option names."""
    (workplace / "good.yaml").write_text("trainer: {max_steps: 1}\n")
    lines = ["max_steps: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    (workplace / "laughs.yaml").write_text("\n".join(lines))
    error = fails("fit", *words, "laughs.yaml")
    assert "laughs.yaml: line 6: more than 100,000 values, aliases written out" in error


@pytest.mark.parametrize(
    ("text", "found"), [("", "nothing"), ("5", "5"), ("[1]", r"\[1\]"), ("hello", "'hello'")]
)
def test_a_file_without_keys_is_named(text, found, workplace, fails):
    (workplace / "other.yaml").write_text(text)
    error = fails("fit", "--config", "other.yaml")
    assert re.search(f"config other.yaml: expected keys and values, found {found}", error)
