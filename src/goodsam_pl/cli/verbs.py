"""What ``goodsam`` can do: one line a verb."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FUNCTIONS", "TRAINING", "FunctionVerb", "overview"]


class FunctionVerb(NamedTuple):
    """A verb that calls a function; its options are the function's parameters.

    Attributes:
        function: ``"module:name"``, imported when the verb is used.
        help: one line.
        positional: parameters without a default come as plain words, not as options.
    """

    function: str
    help: str
    positional: bool = False


TRAINING = {
    "fit": "train a model",
    "validate": "score a model on the validation set",
    "test": "score a model on the test set",
    "predict": "label panoramas: PNGs with class ids and colour overlays",
}
"""The verbs of Lightning's Trainer."""

FUNCTIONS = {
    "streetworld": FunctionVerb(
        "goodsam_pl.streetworld.export:export",
        "draw the embedded street world in the folder layouts of Cityscapes and DensePASS",
    ),
    "weights": FunctionVerb(
        "goodsam_pl.sam.weights:download_weights",
        "download an official Segment Anything checkpoint and check its hash",
        positional=True,
    ),
    "export": FunctionVerb(
        "goodsam_pl.networks.weights:export_weights",
        "take the trained network out of a checkpoint, as safetensors",
        positional=True,
    ),
}
"""Further verbs. A new one needs no more than an entry here."""

_USAGE = """\
usage: goodsam <verb> [--config FILE.yaml] [options]

Segment Anything knowledge for compact segmenters of 360° panoramas.

train and use, each from a YAML file with model, data and trainer:
{training}

more:
{functions}

`goodsam <verb> --help` lists the options of a verb, `goodsam fit --config FILE.yaml --print_config`
everything a run would use, `goodsam --version` the version. `lightning <verb>` and
`python -m goodsam_pl <verb>` do the same. GOODSAM_DEBUG=1 shows tracebacks.
"""


def overview() -> str:
    """What ``goodsam --help`` prints."""
    functions = {name: verb.help for name, verb in FUNCTIONS.items()}
    width = max(map(len, [*TRAINING, *functions]))

    def rows(verbs: dict[str, str]) -> str:
        return "\n".join(f"  {name:<{width}}  {text}" for name, text in verbs.items())

    return _USAGE.format(training=rows(TRAINING), functions=rows(functions))
