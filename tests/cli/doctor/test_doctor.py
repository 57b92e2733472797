"""``goodsam doctor``, and the parts of it that look at this machine."""

from __future__ import annotations

import json
import shutil
import types
from pathlib import Path

import pytest
import torch

from goodsam_pl.cli.doctor import devices as devices_module
from goodsam_pl.cli.doctor import doctor as doctor_module
from goodsam_pl.cli.doctor import places as places_module
from goodsam_pl.cli.doctor.devices import devices
from goodsam_pl.cli.doctor.findings import Finding, Section
from goodsam_pl.cli.doctor.places import dashboard, has_locks, places
from goodsam_pl.cli.doctor.weights_at_hand import ON_THE_HUB, hub_cache, weights_at_hand
from goodsam_pl.cli.doctor.weights_at_hand import _packaged as packaged
from goodsam_pl.sam import official_checkpoints

ROOT = Path(__file__).parents[3]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GOODSAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("WANDB_MODE", raising=False)
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def test_all_sections_as_json(goodsam, cache):
    found = json.loads(goodsam("doctor", "--json").out)
    assert found["usable"]
    assert found["broken"] == []
    assert {each["name"] for each in found["packages"]["needed"]} >= {"torch", "lightning"}
    assert found["devices"]["threads"] == torch.get_num_threads()
    assert found["weights"]["official"]["vit_b"]["state"] == "absent"
    assert found["folders"]["cache"]["folder"] == str(cache)
    assert {*found["commands"]} == {"goodsam", "lightning"}


def test_what_is_wrong_comes_first_and_ends_with_status_1(goodsam, cache, capsys, monkeypatch):
    findings = [Finding("no card", "buy one", is_broken=False), Finding("it leaks", "mend it")]
    monkeypatch.setattr(doctor_module, "devices", lambda: Section("devices", {}, {}, findings))
    with pytest.raises(SystemExit) as end:
        goodsam("doctor")
    assert end.value.code == 1
    text = capsys.readouterr().out
    assert text.startswith("broken\n  it leaks\n    mend it\n\nworth knowing\n  no card\n")
    assert "all that is needed works" not in text
    findings.pop()
    assert goodsam("doctor").out.endswith("\n\nall that is needed works\n")


def test_official_checkpoints_by_their_size_and_what_was_checked(cache, monkeypatch):
    known = {"vit_b": official_checkpoints.OfficialWeights("https://x/b.pth", "0" * 64, 4)}
    monkeypatch.setattr(official_checkpoints, "OFFICIAL", known)
    assert weights_at_hand().rows["vit_b"] == "not here: goodsam weights vit_b"
    (cache / "b.pth").write_bytes(b"1234")
    section = weights_at_hand()
    assert section.content["official"]["vit_b"]["state"] == "unchecked"
    assert section.findings == []
    (cache / "b.pth").write_bytes(b"12345")
    (finding,) = weights_at_hand().findings
    assert finding.way_out == "goodsam weights vit_b --force true"
    assert not finding.is_broken


def test_the_hubs_cache_is_listed(cache, tmp_path, monkeypatch):
    snapshot = tmp_path / "hub/models--facebook--sam3/snapshots/0123"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_bytes(b"weights")
    section = weights_at_hand()
    assert section.content["hub"] == {"folder": tmp_path / "hub", "cached": ["facebook/sam3"]}
    assert "facebook/sam3" not in section.rows
    assert section.rows["facebook/sam2.1-hiera-tiny"].endswith(
        "hf download facebook/sam2.1-hiera-tiny"
    )
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert hub_cache() == tmp_path / "home/hub"


def test_a_download_that_was_refused_or_not_ended_is_not_here(cache, tmp_path):
    for name in ("facebook--sam3", "facebook--sam2.1-hiera-tiny"):
        snapshot = tmp_path / f"hub/models--{name}/snapshots/0123"
        snapshot.mkdir(parents=True)  # the hub makes it before it asks for a licence
        (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").symlink_to(tmp_path / "a_blob_that_never_came")
    section = weights_at_hand()
    assert section.content["hub"]["cached"] == []
    assert section.rows["facebook/sam3"].endswith("not here: hf download facebook/sam3")


def test_what_is_named_of_the_hub_is_what_our_pages_name():
    texts = [
        path.read_text(encoding="utf-8")
        for pattern in ("configs/**/*.yaml", "docs/*.md", "README.md")
        for path in ROOT.glob(pattern)
    ]
    assert all(any(name in text for text in texts) for name in ON_THE_HUB)


def test_packaged_weights_that_are_cut_off_are_told(tmp_path):
    shutil.copytree(ROOT / "src/goodsam_pl/pretrained", tmp_path / "p")
    assert packaged(tmp_path / "p") == (["segformer_b0_streetworld", "vit_nano"], [])
    path = tmp_path / "p/vit_nano.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    (tmp_path / "p/segformer_b0_streetworld.safetensors").unlink()
    names, findings = packaged(tmp_path / "p")
    assert names == []
    assert [each.is_broken for each in findings] == [True, True]
    for header in (b"[]", b'{"a": 1}', b'{"a": {"data_offsets": "b"}}', b"\xff"):
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        assert packaged(tmp_path / "p")[0] == []
    assert packaged(tmp_path / "nothing")[1][0].what.endswith("which are part of the package")


def test_cards_are_told_with_their_memory_and_bf16(monkeypatch):
    cards = [("T4", 16 * 2**30, 7), ("H100", 80 * 2**30, 9)]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(cards))
    monkeypatch.setattr(
        torch.cuda,
        "get_device_properties",
        lambda index: types.SimpleNamespace(
            **dict(zip(("name", "total_memory", "major"), cards[index], strict=True))
        ),
    )
    section = devices()
    assert section.rows["cuda:0"].startswith("T4, 16 GiB, no bf16")
    assert section.rows["cuda:1"] == "H100, 80 GiB, bf16"
    assert [each["bf16"] for each in section.content["cuda"]] == [False, True]


def test_a_driver_without_a_card_in_torch_is_worth_knowing(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(devices_module.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(torch.version, "cuda", None)
    (finding,) = devices().findings
    assert finding.what == "there is an NVIDIA driver, but this torch was built without CUDA"
    assert not finding.is_broken


def test_wandb_is_told_without_asking_anyone(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert dashboard().rows["W&B"] == "WANDB_MODE=offline, an API key"
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.delenv("WANDB_IDENTITY_TOKEN_FILE", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    assert dashboard().content == {"mode": "offline", "key": False, "server": None}


def test_folders_are_measured_and_locks_tried(tmp_path, monkeypatch):
    assert has_locks(tmp_path)
    assert has_locks(tmp_path / "nothing") is None
    assert [*tmp_path.iterdir()] == []
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(places_module.shutil, "disk_usage", lambda _: usage._replace(free=10**9))
    monkeypatch.setattr(places_module, "has_locks", lambda _: False)
    section = places(tmp_path / "not/yet/there")
    assert section.rows["cache"] == f"{tmp_path / 'not/yet/there'}, 1.0 GB free"
    told = [each.what for each in section.findings]
    assert sum("has no file locks" in each for each in told) == 2
    assert sum("has 1.0 GB left" in each for each in told) == 2
