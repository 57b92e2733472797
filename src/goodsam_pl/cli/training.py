"""``fit``, ``validate``, ``test`` and ``predict``: Lightning's command line, set up for us."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from jsonargparse.typing import NonNegativeInt
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import DeviceStatsMonitor, LearningRateMonitor, ProgressBar
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException

from goodsam_pl import data, modules, networks, sam  # noqa: F401  # for short names in YAML
from goodsam_pl.callbacks import (
    ClassTable,
    RunDirectory,
    SaveOnStop,
    TestTimeAugmentation,
    keep_in_run_folder,
    name_runs,
    run_directory,
)
from goodsam_pl.cli.checkpoint import (
    differences,
    is_weights_file,
    loaded_from,
    model_around,
    model_of,
    refuse_missing,
)
from goodsam_pl.cli.closing import closing_lines, size_line
from goodsam_pl.cli.foreign_warnings import hush, hush_moved_checkpoint
from goodsam_pl.cli.parser import ShortErrors, try_whole_numbers_first
from goodsam_pl.cli.predicting import add_predict_options, add_tile_option, tiling, writer
from goodsam_pl.cli.refusals import refuse
from goodsam_pl.cli.save_config import SaveRunConfig
from goodsam_pl.cli.streams import Terminated
from goodsam_pl.cli.training_bar import TrainingBar
from goodsam_pl.networks import load_weights, read_postponed

__all__ = ["GoodSAMCLI", "command_line_options", "one_verb", "train"]


def train(args: list[str] | None = None) -> GoodSAMCLI:
    """Run one of the Trainer's verbs.

    Args:
        args: the verb and its options; ``None`` takes them from ``sys.argv``.
    """
    hush()
    try:
        return _cli(args)
    except SIGTERMException:
        raise Terminated from None


def _cli(args: list[str] | None) -> GoodSAMCLI:
    words = sys.argv[1:] if args is None else args
    return one_verb(words[0] if words else "")(**command_line_options(args))


def one_verb(word: str) -> type[GoodSAMCLI]:
    """Our command line for a verb alone, whose options take a quarter of the time of all four's.

    Args:
        word: the first of the command line; no verb where ``--config`` comes before it.
    """
    known = GoodSAMCLI.subcommands()
    if word not in known:
        return GoodSAMCLI

    class OfOneVerb(GoodSAMCLI):
        @staticmethod
        def subcommands() -> dict[str, set[str]]:
            return {word: known[word]}

    return OfOneVerb


def command_line_options(args: list[str] | None) -> dict[str, Any]:
    """What makes Lightning's command line ours, for :class:`GoodSAMCLI` and what is made of it."""
    return {
        "model_class": LightningModule,
        "datamodule_class": LightningDataModule,
        "subclass_mode_model": True,
        "subclass_mode_data": True,
        "seed_everything_default": 0,
        "auto_configure_optimizers": False,
        "save_config_callback": SaveRunConfig,
        "trainer_defaults": {"default_root_dir": "runs", "enable_model_summary": False},
        "parser_class": ShortErrorParser,
        "parser_kwargs": {"prog": "goodsam", "allow_abbrev": False},
        "args": args,
    }


class ShortErrorParser(ShortErrors, LightningArgumentParser):
    """Lightning's parser, with short errors."""


class GoodSAMCLI(LightningCLI):
    """LightningCLI in which what the user wrote wins, and runs keep to their folder."""

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Write our version, too, above each saved configuration."""
        kwargs["dump_header"] = [f"{name}=={version(name)}" for name in ("goodsam_pl", "lightning")]
        return super().init_parser(**kwargs)

    def add_core_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Trainer, model and data; the model is not required, for a checkpoint may bring it."""
        parser.add_lightning_class_args(self.trainer_class, "trainer")
        try_whole_numbers_first(parser)
        parser.set_defaults(
            {f"trainer.{key}": value for key, value in self.trainer_defaults.items()}
        )
        parser.add_lightning_class_args(
            self._model_class, "model", subclass_mode=self.subclass_mode_model, required=False
        )
        parser.add_lightning_class_args(
            self._datamodule_class, "data", subclass_mode=self.subclass_mode_data
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Say the taxonomy once, with the data; the model follows."""
        parser.link_arguments("data.init_args.taxonomy", "model.init_args.taxonomy")

    def _prepare_subcommand_parser(
        self, klass: type[Trainer], subcommand: str, **kwargs: Any
    ) -> LightningArgumentParser:
        parser = super()._prepare_subcommand_parser(klass, subcommand, **kwargs)
        parser.set_defaults({"weights_only": True})  # a checkpoint must not execute code
        if subcommand in {"validate", "test"}:
            parser.set_defaults({"verbose": False})  # ClassTable shows the scores
        if subcommand != "fit":
            parser.add_argument(
                "--tta",
                type=NonNegativeInt,
                default=0,
                help="average over so many yaw rolls of each panorama, each mirrored, too; 0: off",
            )
            add_tile_option(parser)
        if subcommand == "predict":
            add_predict_options(parser)
            parser.set_defaults({"return_predictions": False})  # they are written, not collected
        return parser

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Remember the arguments, to parse them once more over a checkpoint's defaults."""
        self._args = args
        super().parse_arguments(parser, args)

    def _parse_ckpt_path(self) -> None:
        """Let the checkpoint fill in what the user left open about the model.

        Lightning's own lets it override what the user wrote.
        """
        verb = self.config["subcommand"]
        parser = self._parser(verb)
        ckpt_path = self.config[verb].get("ckpt_path")
        if ckpt_path:
            refuse_missing(str(ckpt_path))
        remembered = self._remembered(verb, ckpt_path)
        if remembered:
            self._adopt(remembered, verb, str(ckpt_path))
        if self.config[verb].get("model") is None:
            parser.error(
                'key "model" is required: give it by --config or --model'
                + (f"; {ckpt_path} does not name its model" if ckpt_path else "")
            )

    def _remembered(self, verb: str, ckpt_path: str | None) -> dict[str, Any]:
        """The model that a checkpoint or a weights file names, if that helps."""
        chosen = self.config[verb].get("model")
        if not is_weights_file(ckpt_path):
            if not ckpt_path or not Path(ckpt_path).is_file():
                return {}
            return model_of(Path(ckpt_path), chosen and chosen.as_dict())
        if verb == "fit":
            raise ValueError(
                f"--ckpt_path {ckpt_path} holds weights alone, no training goes on from it: give "
                "it as `weights` of the network"
            )
        return {} if chosen else model_around(Path(str(ckpt_path)))

    def instantiate_classes(self) -> None:
        """Build data, model and trainer; what the checkpoint brings is not read from elsewhere."""
        ckpt_path = self.config[self.config["subcommand"]].get("ckpt_path")
        if self.subcommand != "fit":
            hush_moved_checkpoint()
        if not ckpt_path or not Path(ckpt_path).is_file():
            super().instantiate_classes()
            return
        with loaded_from(Path(ckpt_path)) as postponed:
            super().instantiate_classes()
        models = set(self.model.modules())
        for network in postponed:
            if network not in models:
                read_postponed(network)
        if self.subcommand == "fit" and isinstance(self.model, modules.SegmentationModule):
            self.model.read_teachers()  # now, not after SAM's work
        if is_weights_file(ckpt_path):
            load_weights(getattr(self.model, "exported_network", self.model), str(ckpt_path))

    def _adopt(self, remembered: dict[str, Any], verb: str, ckpt_path: str) -> None:
        parser = self._parser(verb)
        chosen = self.config[verb].get("model")
        if chosen is None or chosen.class_path == remembered["class_path"]:
            parser.set_defaults({"model": remembered})
            try:
                super().parse_arguments(self.parser, self._args)
            except SystemExit:
                sys.stderr.write(f"The model's defaults were those stored in {ckpt_path}.\n")
                raise
        text = parser.dump(self.config[verb], skip_link_targets=False, skip_none=False)
        for difference in differences(yaml.safe_load(text)["model"], remembered):
            _warn(f"{difference} {ckpt_path}; the former is used")

    def before_instantiate_classes(self) -> None:
        """Refuse what cannot work before anything is built."""
        refuse(self.config[self.subcommand])

    def before_fit(self) -> None:
        """Say how large the networks are."""
        sizes = [(each.numel(), each.requires_grad) for each in self.model.parameters()]
        trained = sum(size for size, changes in sizes if changes)
        _say(size_line(sum(size for size, _ in sizes), trained))

    def after_fit(self) -> None:
        """Say what came out, and what to do with it."""
        directory = run_directory(self.trainer)  # all processes have to ask
        dry = self.trainer.fast_dev_run  # type: ignore[attr-defined]  # set by a connector
        if self.trainer.is_global_zero and not dry:
            for line in closing_lines(self.trainer, directory):
                _say(line)

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        """Show scores by Lightning's table where no table of ours does.

        And leave out a file of weights: it is loaded already, and no checkpoint of Lightning's.
        """
        keywords = super()._prepare_subcommand_kwargs(subcommand)
        if is_weights_file(keywords.get("ckpt_path")):
            keywords["ckpt_path"] = None
        callbacks = self.trainer.callbacks  # type: ignore[attr-defined]  # set by a connector
        if "verbose" in keywords and not any(isinstance(each, ClassTable) for each in callbacks):
            keywords["verbose"] = True
        return keywords

    def _instantiate_trainer(self, config: dict[str, Any], callbacks: list[Callback]) -> Trainer:
        """Add what the options ask for, a bar, and something that writes to ``predict`` without.

        Runs on the dashboard get their folder, group and names before they begin.
        """
        chosen = config.get("callbacks") or []
        chosen = chosen if isinstance(chosen, list) else [chosen]
        if not config.get("logger"):
            chosen = [each for each in chosen if not _needs_logger(each)]
        if config.get("enable_progress_bar") is not False and not any(
            isinstance(each, ProgressBar) for each in [*chosen, *callbacks]
        ):
            callbacks = [*callbacks, TrainingBar()]
        if self.subcommand == "fit" and not any(isinstance(each, SaveOnStop) for each in chosen):
            callbacks = [*callbacks, SaveOnStop()]
        if self.subcommand == "predict":
            given = self.config_init[self.subcommand]
            callbacks = [*callbacks, *writer(given, [*chosen, *callbacks])]
        if self.subcommand != "fit":
            if self._is_written("trainer.default_root_dir"):
                callbacks = [*callbacks, RunDirectory(config["default_root_dir"])]
            # first, so that further views of a panorama are tiled, too
            tile = self._get(self.config_init, "tile")
            chosen = [*tiling(tile, [*chosen, *callbacks]), *chosen]
        config = {**config, "callbacks": chosen}
        if rolls := self._get(self.config_init, "tta"):
            callbacks = [*callbacks, TestTimeAugmentation(rolls)]
        trainer = super()._instantiate_trainer(config, callbacks)
        keep_in_run_folder(trainer)
        name_runs(trainer, str(self.subcommand))
        return trainer

    def _is_written(self, option: str) -> bool:
        """Whether the command line itself has an option, in its full spelling."""
        words = self._args if isinstance(self._args, list) else sys.argv[1:]
        return any(word.split("=")[0] == f"--{option}" for word in words)


def _needs_logger(callback: Callback) -> bool:
    if not isinstance(callback, (LearningRateMonitor, DeviceStatsMonitor)):
        return False
    _say(f"no logger: {type(callback).__name__} is left out")
    return True


@rank_zero_only
def _say(line: str) -> None:
    print(line, flush=True)


@rank_zero_only
def _warn(message: str) -> None:
    sys.stderr.write(f"goodsam: warning: {message}\n")
