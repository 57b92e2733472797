"""Checkpoints in the format of Hugging Face ``transformers``.

A checkpoint is a folder with ``config.json`` and weights as ``.safetensors``; one on the hub is
brought here as such a folder. Pickled weights are never read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError

from goodsam_pl.files import read_regular
from goodsam_pl.sam.official_checkpoints import file_sha256

__all__ = ["Checkpoint", "find_checkpoint", "read_object"]

_CONFIG = "config.json"
_TEXT = ["tokenizer.json", "tokenizer_config.json", "vocab.json", "vocab.txt", "merges.txt"]
_PICTURES = ["preprocessor_config.json", "processor_config.json"]
_UNUSED = "vision_encoder.neck.fpn_layers.3."
"""The fourth level of the pyramid that SAM 3's tracker comes with and leaves aside."""

_USUAL_CHANNELS = 256
_OWN_ATTENTION = (None, True, False, "eager", "sdpa")
"""Values of ``_attn_implementation…`` that name no code outside of PyTorch and transformers."""
_FILES = [
    *(_CONFIG, "model.safetensors", "model.safetensors.index.json", "model-*.safetensors"),
    *(*_TEXT, *_PICTURES, "special_tokens_map.json", "added_tokens.json"),
]


class Checkpoint(NamedTuple):
    """A checkpoint on this machine.

    Attributes:
        folder: where it lies.
        family: its ``model_type``.
        model_class: name of the class of ``transformers`` that it is loaded into.
    """

    folder: Path
    family: str
    model_class: str

    def sha256(self) -> str:
        """Hash of ``config.json`` and of all weights, 64 hexadecimal digits."""
        files = [self.folder / _CONFIG, *sorted(self.folder.glob("model*.safetensors"))]
        return _sha256_of(files)

    def text_sha256(self) -> str:
        """Hash of the files that say how words become tokens, 64 hexadecimal digits."""
        files = (self.folder / name for name in _TEXT)
        return _sha256_of([path for path in files if path.is_file()])

    def tokenizer(self) -> Any:
        """What makes tokens of words.

        Raises:
            FileNotFoundError: there is none in the folder.
            ValueError: its files are damaged, or would have code run.
        """
        import transformers  # noqa: PLC0415  # an extra

        if not any((self.folder / name).is_file() for name in ("tokenizer.json", *_TEXT[2:])):
            raise FileNotFoundError(
                f"{self.folder} has no tokenizer.json: give a folder that `save_pretrained` of the "
                "model's processor wrote as well"
            )
        settings = self.folder / "tokenizer_config.json"
        if settings.is_file():
            read_object(settings)
        try:
            return transformers.AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        except Exception as error:
            raise ValueError(f"the tokenizer in {self.folder} cannot be loaded: {error}") from error

    def embedding_channels(self) -> int:
        """Channels of the image embeddings, which are those that prompts are embedded in.

        Raises:
            ValueError: ``config.json`` is damaged.
        """
        prompts = read_object(self.folder / _CONFIG).get("prompt_encoder_config") or {}
        # transformers leaves out what is as usual
        return int(prompts.get("hidden_size", _USUAL_CHANNELS))

    def load(self) -> Any:
        """Build the model, in evaluation mode and float32.

        Raises:
            ValueError: files are damaged, or tensors are missing, superfluous or of another shape.
        """
        import transformers  # noqa: PLC0415  # an extra

        model_class = getattr(transformers, self.model_class)
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
        found = {name: sorted(map(str, keys)) for name, keys in report.items()}
        found["unexpected_keys"] = [
            key for key in found.get("unexpected_keys", []) if not key.startswith(_UNUSED)
        ]
        wrong = {name: keys for name, keys in found.items() if keys}
        if wrong:
            raise ValueError(
                f"the weights in {self.folder} are not those of its {_CONFIG}: {wrong}"
            )
        return model.eval()


def find_checkpoint(
    model: str,
    families: Mapping[str, str],
    revision: str | None = None,
    local_files_only: bool = False,
) -> Checkpoint:
    """Find a checkpoint in a folder or, if there is no such folder, on the hub.

    Args:
        model: a folder, or ``owner/name`` on the hub.
        families: classes of ``transformers`` by the ``model_type`` that ``config.json`` names.
        revision: branch, tag or commit on the hub.
        local_files_only: take what was downloaded before, and do not ask the hub.

    Raises:
        ModuleNotFoundError: ``transformers`` is not installed.
        FileNotFoundError: there is no such checkpoint, or it holds no safetensors.
        ValueError: it is of a model of another family, or would have code run.
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
    family = read_object(folder / _CONFIG).get("model_type")
    if not isinstance(family, str) or family not in families:
        raise ValueError(
            f"{folder / _CONFIG} is of the model type {family!r}: choose a checkpoint of one of "
            f"{sorted(families)}"
        )
    return Checkpoint(folder, family, families[family])


def read_object(path: Path) -> dict[str, Any]:
    """Read a file of settings.

    Raises:
        ValueError: it is damaged, or names code to be imported.
    """
    try:
        config = json.loads(read_regular(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path} is damaged: it is no object")  # noqa: TRY004  # of a file
    _refuse_code(config, path)
    return config


def _sha256_of(files: list[Path]) -> str:
    digests = [[path.name, file_sha256(path)] for path in files]
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()


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
                "key, the model's own code needs none"
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
