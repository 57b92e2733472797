"""Checkpoints of the SAM family in the format of Hugging Face ``transformers``.

A checkpoint is a folder with ``config.json`` and weights as ``.safetensors``; one on the hub is
brought here as such a folder. Pickled weights are never read.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError

from goodsam_pl.files import read_regular
from goodsam_pl.sam.official_checkpoints import file_sha256

__all__ = ["FAMILIES", "Checkpoint", "find_checkpoint"]

FAMILIES = {
    "sam": "SamModel",
    "sam_hq": "SamHQModel",
    "sam2": "Sam2Model",
    # the published SAM 2 checkpoints say that they are of videos; their image part is loaded
    "sam2_video": "Sam2Model",
}
"""Classes of ``transformers`` by the ``model_type`` that ``config.json`` names."""

_CONFIG = "config.json"
_USUAL_CHANNELS = 256
_OWN_ATTENTION = (None, True, False, "eager", "sdpa")
"""Values of ``_attn_implementation…`` that name no code outside of PyTorch and transformers."""
_FILES = [_CONFIG, "model.safetensors", "model.safetensors.index.json", "model-*.safetensors"]


class Checkpoint(NamedTuple):
    """A checkpoint on this machine.

    Attributes:
        folder: where it lies.
        family: its ``model_type``, a key of :data:`FAMILIES`.
    """

    folder: Path
    family: str

    def sha256(self) -> str:
        """Hash of ``config.json`` and of all weights, 64 hexadecimal digits."""
        files = [self.folder / _CONFIG, *sorted(self.folder.glob("model*.safetensors"))]
        digests = [[path.name, file_sha256(path)] for path in files]
        return hashlib.sha256(json.dumps(digests).encode()).hexdigest()

    def embedding_channels(self) -> int:
        """Channels of the image embeddings, which are those that prompts are embedded in.

        Raises:
            ValueError: ``config.json`` is damaged.
        """
        prompts = _read_config(self.folder / _CONFIG).get("prompt_encoder_config") or {}
        # transformers leaves out what is as usual
        return int(prompts.get("hidden_size", _USUAL_CHANNELS))

    def load(self) -> Any:
        """Build the model, in evaluation mode and float32.

        Raises:
            ValueError: files are damaged, or tensors are missing, superfluous or of another shape.
        """
        import transformers  # noqa: PLC0415  # an extra

        model_class = getattr(transformers, FAMILIES[self.family])
        try:
            model, report = model_class.from_pretrained(
                self.folder,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                dtype=torch.float32,
            )
        except (OSError, RuntimeError, SafetensorError) as error:
            raise ValueError(f"{self.folder} cannot be loaded: {error}") from error
        wrong = {name: sorted(map(str, found)) for name, found in report.items() if found}
        if wrong:
            raise ValueError(
                f"the weights in {self.folder} are not those of its {_CONFIG}: {wrong}"
            )
        return model.eval()


def find_checkpoint(
    model: str, revision: str | None = None, local_files_only: bool = False
) -> Checkpoint:
    """Find a checkpoint in a folder or, if there is no such folder, on the hub.

    Args:
        model: a folder, or ``owner/name`` on the hub.
        revision: branch, tag or commit on the hub.
        local_files_only: take what was downloaded before, and do not ask the hub.

    Raises:
        ModuleNotFoundError: ``transformers`` is not installed.
        FileNotFoundError: there is no such checkpoint, or it holds no safetensors.
        ValueError: it is of a model that is no SAM, or would have code run.
    """
    try:
        import transformers  # noqa: F401, PLC0415  # an extra
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{model} needs the package transformers: run `pip install 'transformers>=5.3'`"
        ) from error
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _from_hub(model, revision, local_files_only)
    if not (folder / _CONFIG).is_file() or not any(folder.glob("model*.safetensors")):
        raise FileNotFoundError(
            f"{folder} lacks {_CONFIG} or model.safetensors: give a folder that "
            "`save_pretrained` of transformers wrote; pickled weights (.bin, .pth) are not read"
        )
    config = _read_config(folder / _CONFIG)
    family = config.get("model_type")
    if not isinstance(family, str) or family not in FAMILIES:
        raise ValueError(
            f"{folder / _CONFIG} is of the model type {family!r}: choose a checkpoint of one of "
            f"{sorted(FAMILIES)}"
        )
    return Checkpoint(folder, family)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(read_regular(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path} is damaged: it is no object")  # noqa: TRY004  # of a file
    _refuse_code(config, path)
    return config


def _refuse_code(tree: Any, path: Path) -> None:
    """Refuse what lets transformers import code that comes with a checkpoint, or from the hub.

    Raises:
        ValueError: a key names such code.
    """
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, dict | list):
            _refuse_code(value, path)
        attention = str(key).lstrip("_").startswith("attn_implementation")
        if (attention and value not in _OWN_ATTENTION) or (key == "auto_map" and value):
            raise ValueError(
                f"{path} names code to be imported ({key}: {value!r}) and is refused: remove the "
                "key, SAM's own code needs none"
            )


def _from_hub(model: str, revision: str | None, local_files_only: bool) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415  # comes with the extra

    try:
        found = snapshot_download(
            model, revision=revision, local_files_only=local_files_only, allow_patterns=_FILES
        )
    except (OSError, ValueError) as error:
        reason = "was not downloaded before" if local_files_only else "cannot be downloaded"
        raise FileNotFoundError(
            f"there is no folder {model}, and as a model of the hub it {reason} "
            f"({str(error).splitlines()[0]}): correct the name, or run "
            f"`hf download {model}` where there is a network and give the folder"
        ) from error
    return Path(found)
