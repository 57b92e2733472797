"""What ``goodsam`` can do: one line a verb."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = [
    "FUNCTIONS",
    "GROUPS",
    "PREDICT_OPTIONS",
    "TRAINING",
    "WITH_CONFIG",
    "FunctionVerb",
    "VerbGroup",
    "group_overview",
    "overview",
]


class FunctionVerb(NamedTuple):
    """A verb that calls a function; its options are the function's parameters.

    Attributes:
        function: ``"module:name"``, imported when the verb is used.
        help: one line.
        positional: parameters without a default come as plain words, not as options; one that is
            a list takes as many words as there are, at least one.
        classes: class paths of parameters that are objects, so that their own options can be given
            without naming the class.
    """

    function: str
    help: str
    positional: bool = False
    classes: Mapping[str, str] = MappingProxyType({})


class VerbGroup(NamedTuple):
    """Verbs of two words that begin with the same one.

    Attributes:
        help: one line.
        verbs: by their second word.
    """

    help: str
    verbs: dict[str, FunctionVerb]


TRAINING = {
    "fit": "train a model",
    "validate": "score a model on the validation set",
    "test": "score a model on the test set",
    "predict": "label panoramas: PNGs with class ids and colour overlays",
}
"""The verbs of Lightning's Trainer."""

PREDICT_OPTIONS = (
    "out",
    "label_size",
    "overlay_width",
    "confidence",
    "probabilities",
    "on_error",
    "skip_existing",
    "overwrite",
    "keep_metadata",
)
"""What ``predict`` can be told of its results; switches may have ``no_`` in front."""

FUNCTIONS = {
    "streetworld": FunctionVerb(
        "goodsam_pl.streetworld.export:export",
        "draw the embedded street world in the folder layouts of Cityscapes and DensePASS",
    ),
    "domains": FunctionVerb(
        "goodsam_pl.streetworld.domain_export:export_domains",
        "draw domains of the street world: images with one mask each, to learn in sequence",
    ),
    "weights": FunctionVerb(
        "goodsam_pl.sam.official_checkpoints:download_weights",
        "download an official Segment Anything checkpoint and check its hash",
        positional=True,
    ),
    "export": FunctionVerb(
        "goodsam_pl.cli.exporting:export",
        "take the trained network out of a checkpoint: safetensors, ONNX, 8 bits, torch, hub",
        positional=True,
    ),
    "label": FunctionVerb(
        "goodsam_pl.cli.labels.label:label",
        "label a folder of images with classes that are named in words",
        positional=True,
        classes={"proposer": "goodsam_pl.sam.GivenBoxes"},
    ),
    "doctor": FunctionVerb(
        "goodsam_pl.cli.doctor.doctor:doctor",
        "say what is installed here, what is missing, and the way out",
    ),
    "paint": FunctionVerb(
        "goodsam_pl.cli.labels.paint:paint",
        "paint the masks of a COCO file into label files, one class a pixel",
        positional=True,
    ),
    "score": FunctionVerb(
        "goodsam_pl.cli.labels.score:score",
        "score a folder of label files against the true labels of a data set",
        positional=True,
    ),
    "frames": FunctionVerb(
        "goodsam_pl.cli.around.frames:frames",
        "take panoramas out of films, by time or by number",
        positional=True,
    ),
    "film": FunctionVerb(
        "goodsam_pl.cli.around.label_film:label_film",
        "label films of panoramas by a trained network, and write films of what it says",
        positional=True,
    ),
    "cutout": FunctionVerb(
        "goodsam_pl.cli.around.cutout:cutout",
        "cut views out of panoramas and their labels, as pinhole cameras would have them",
        positional=True,
    ),
    "map": FunctionVerb(
        "goodsam_pl.cli.around.map:map_predictions",
        "write what was found where as GeoJSON or CSV: class shares of each panorama",
        positional=True,
    ),
    "ablate": FunctionVerb(
        "goodsam_pl.experiments.command:ablate",
        "run a plan of variations over several seeds and write a table",
        positional=True,
    ),
    "report": FunctionVerb(
        "goodsam_pl.cli.reporting:report",
        "write runs, predictions and stages as one page, with panoramas to turn around in",
        positional=True,
    ),
}
"""Further verbs. A new one needs no more than an entry here."""

WITH_CONFIG = {
    "check-data": FunctionVerb(
        "goodsam_pl.cli.data_check.check_data:check_data",
        "look at every file of a configuration's data, before training does",
    ),
    "inspect": FunctionVerb(
        "goodsam_pl.inspect.inspect_command:inspect",
        "write what each stage of a run says of some panoramas, as folders for a report",
    ),
}
"""Further verbs that take a configuration, as ``fit`` does; their function is given the words."""

GROUPS = {
    "masks": VerbGroup(
        "compute, inspect and exchange SAM's masks",
        {
            "compute": FunctionVerb(
                "goodsam_pl.cli.masks.compute:compute",
                "compute the masks of a folder of panoramas, before training or on many machines",
                positional=True,
                classes={"proposer": "goodsam_pl.sam.SegmentAnything"},
            ),
            "refine": FunctionVerb(
                "goodsam_pl.cli.masks.refine:refine",
                "draw the parts of labels again, by a SAM that is asked about each",
                positional=True,
                classes={"proposer": "goodsam_pl.sam.SegmentAnything"},
            ),
            "info": FunctionVerb(
                "goodsam_pl.cli.masks.look:info",
                "say what a store holds",
                positional=True,
            ),
            "verify": FunctionVerb(
                "goodsam_pl.cli.masks.look:verify",
                "read every record to the last byte and name the damaged ones",
                positional=True,
            ),
            "show": FunctionVerb(
                "goodsam_pl.cli.masks.look:show",
                "draw the masks of a panorama over it",
                positional=True,
            ),
            "export": FunctionVerb(
                "goodsam_pl.cli.masks.exchange:export_masks",
                "write masks as JSON with COCO run lengths",
                positional=True,
            ),
            "import": FunctionVerb(
                "goodsam_pl.cli.masks.exchange:import_masks",
                "store masks that SAM's own generator made",
                positional=True,
            ),
        },
    ),
}
"""Further verbs of two words."""

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


_GROUP_USAGE = """\
usage: goodsam {group} <verb> [options]

{verbs}

`goodsam {group} <verb> --help` lists the options of a verb.
"""


def overview() -> str:
    """What ``goodsam --help`` prints."""
    functions = {name: verb.help for name, verb in (FUNCTIONS | WITH_CONFIG | GROUPS).items()}
    width = max(map(len, [*TRAINING, *functions]))
    return _USAGE.format(training=_rows(TRAINING, width), functions=_rows(functions, width))


def group_overview(group: str) -> str:
    """What ``goodsam GROUP --help`` prints."""
    verbs = {name: verb.help for name, verb in GROUPS[group].verbs.items()}
    return _GROUP_USAGE.format(group=group, verbs=_rows(verbs, max(map(len, verbs))))


def _rows(verbs: dict[str, str], width: int) -> str:
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in verbs.items())
