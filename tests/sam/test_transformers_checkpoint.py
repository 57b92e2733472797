"""Checkpoints that cannot be used are refused in one sentence, with the way out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from goodsam_pl.sam import TransformersSAM
from goodsam_pl.sam.transformers_checkpoint import Checkpoint, find_checkpoint

WINDOW = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)


CLASSES = {"sam": "SamModel", "bert": "BertModel"}


def find(folder: Path) -> Checkpoint:
    return find_checkpoint(str(folder), CLASSES)


def write(folder: Path, model_type: str = "sam", weights: str = "model.safetensors") -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    save_file({"weight": torch.zeros(3)}, folder / weights)
    return folder


def test_a_missing_package_is_named_with_the_way_to_get_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'transformers>=5\.3'"):
        TransformersSAM(str(write(tmp_path / "sam"))).propose(WINDOW)


class TestWithThePackage:
    @pytest.fixture(autouse=True)
    def package(self) -> None:
        pytest.importorskip("transformers", reason="transformers is not installed")

    def test_a_folder_is_known_by_its_model_type(self, tmp_path: Path) -> None:
        for family in ("sam", "bert"):
            folder = write(tmp_path / family, family)
            assert find(folder) == (folder, family, CLASSES[family])

    def test_the_hash_is_of_the_content(self, tmp_path: Path) -> None:
        first, second = write(tmp_path / "first"), write(tmp_path / "second")
        hashes = [find(folder).sha256() for folder in (first, second)]
        assert hashes[0] == hashes[1]
        (second / "config.json").write_text('{"model_type": "sam", "more": 1}')
        assert find(second).sha256() != hashes[0]
        third = write(tmp_path / "third")
        save_file({"weight": torch.ones(3)}, third / "model.safetensors")
        assert find(third).sha256() != hashes[0]

    @pytest.mark.parametrize(
        "more",
        [
            {"_attn_implementation": "owner/kernel"},
            {"_attn_implementation_internal": "owner/kernel"},
            {"attn_implementation": "owner/kernel:layer"},
            {"vision_config": {"_attn_implementation": "owner/kernel"}},
            {"layers": [{"auto_map": {"AutoModel": "own.Model"}}]},
            {"auto_map": {"AutoModel": "own.Model"}},
        ],
    )
    def test_a_configuration_that_names_code_is_refused(self, tmp_path: Path, more) -> None:
        folder = write(tmp_path / "sam")
        config = {"model_type": "sam", "_attn_implementation_autoset": True, "auto_map": None}
        (folder / "config.json").write_text(json.dumps(config))
        find(folder)
        (folder / "config.json").write_text(json.dumps({**config, **more}))
        with pytest.raises(ValueError, match=r"config\.json names code to be imported"):
            find(folder)

    @pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000, '{"model_type": []}'])
    def test_a_damaged_configuration_is_named(self, tmp_path: Path, text: str) -> None:
        folder = write(tmp_path / "sam")
        (folder / "config.json").write_text(text)
        with pytest.raises(ValueError, match=r"config\.json is "):
            find(folder)

    def test_what_is_neither_a_folder_nor_downloaded_is_named(self, monkeypatch, tmp_path) -> None:
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(FileNotFoundError, match=r"owner/nothing.*not downloaded.*hf download"):
            TransformersSAM("owner/nothing", local_files_only=True).describe()

    def test_a_path_that_does_not_exist_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=r"there is no folder .*absent"):
            TransformersSAM(str(tmp_path / "absent"), local_files_only=True).describe()

    def test_pickled_weights_are_not_read(self, tmp_path: Path) -> None:
        folder = write(tmp_path / "sam", weights="other.safetensors")
        torch.save({}, folder / "pytorch_model.bin")
        with pytest.raises(FileNotFoundError, match="pickled weights"):
            TransformersSAM(str(folder)).describe()

    def test_another_kind_of_model_is_refused(self, tmp_path: Path) -> None:
        folder = write(tmp_path / "bert", "bert")
        with pytest.raises(ValueError, match=r"'bert': choose .*'sam2'"):
            TransformersSAM(str(folder)).describe()

    def test_weights_of_another_network_are_refused(self, tmp_path: Path) -> None:
        folder = write(tmp_path / "sam")
        small = {"vision_config": {"num_hidden_layers": 1, "hidden_size": 16, "mlp_dim": 16,
                 "num_attention_heads": 1, "image_size": 64, "global_attn_indexes": [0]},
                 "prompt_encoder_config": {"image_size": 64}}  # fmt: skip
        (folder / "config.json").write_text(json.dumps({"model_type": "sam"} | small))
        with pytest.raises(ValueError, match=r"the weights in .*sam are not those"):
            TransformersSAM(str(folder)).propose(WINDOW)

    def test_damaged_weights_are_named(self, tmp_path: Path) -> None:
        folder = write(tmp_path / "sam")
        (folder / "model.safetensors").write_bytes(b"not weights")
        with pytest.raises(ValueError, match=r"sam cannot be loaded"):
            TransformersSAM(str(folder)).propose(WINDOW)
