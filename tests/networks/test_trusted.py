"""What a checkpoint may ask to be built, and what it may not."""

from __future__ import annotations

import pytest

from goodsam_pl import fusion, modules, networks  # noqa: F401  # as every command has them
from goodsam_pl.networks import classes_named_in, refuse_untrusted

SEGMENTATION = {
    "class_path": "goodsam_pl.networks.SegmentationNetwork",
    "init_args": {"encoder": "mit_b0", "classes": 19, "weights": "last.ckpt"},
}
UNET = {
    "class_path": "segmentation_models_pytorch.Unet",
    "init_args": {"encoder_name": "tu-resnet18.a1_in1k", "decoder_channels": [8, 4]},
}


def model(network, **arguments):
    return {
        "class_path": "goodsam_pl.modules.TARectification",
        "init_args": {"teacher_assistant": network, "taxonomy": "cityscapes-19", **arguments},
    }


@pytest.mark.parametrize(
    "network",
    [
        SEGMENTATION,
        UNET,
        {"class_path": "goodsam_pl.networks.CustomNetwork", "init_args": {"network": UNET}},
        "goodsam_pl.networks.SegmentationNetwork",
    ],
)
def test_known_classes_and_plain_values_pass(network):
    fused = {"class_path": "goodsam_pl.fusion.CTCF", "init_args": {"threshold": 0.5}}
    teachers = {"fusion": fused, "further_scales": [1.5], "mirror": True, "targets": "soft"}
    refuse_untrusted(model(network, teachers=teachers))
    refuse_untrusted(model(network, teachers={"fusion": "goodsam_pl.fusion.CTCF"}))


EVIL = {"class_path": "torch.fx.graph_module.reduce_graph_module", "init_args": {"body": {}}}


@pytest.mark.parametrize(
    "tree",
    [
        model(EVIL),
        model(SEGMENTATION, teachers=EVIL),
        model(SEGMENTATION, teachers={"fusion": EVIL}),
        model(SEGMENTATION, teachers={"fusion": "os.system"}),
        model(SEGMENTATION, teachers={"mirror": EVIL}),
        model(SEGMENTATION, teachers="teachers.yaml"),  # a file, which would not be checked
        model(SEGMENTATION, unknown=EVIL),
        model(SEGMENTATION, teachers={"further_scales": [1.5, [EVIL]]}),
        model(SEGMENTATION, taxonomy={"inside": {"deeper": EVIL}}),
        model(SEGMENTATION) | {"dict_kwargs": {"more": EVIL}},
        model({**UNET, "init_args": {"encoder_name": "x", "activation": EVIL}}),
        model({"class_path": "goodsam_pl.networks.CustomNetwork", "init_args": {"network": EVIL}}),
        model("os.system"),  # the parser takes a text for a class
        model("Identity"),
        model({"class_path": "torch.nn.Identity"}),
        model({"class_path": "goodsam_pl.cli.main"}),  # a function of ours
        model({"class_path": "goodsam_pl.networks.build_network"}),
        model({"class_path": "goodsam_pl.networks.weights_file.Path"}),  # ours by its place alone
        model({"class_path": "goodsam_pl.networks.weights_file.torch.nn.Identity"}),
        model({"class_path": "goodsam_plus.networks.SegmentationNetwork"}),
        model({"class_path": ["os", "system"]}),
        model({**SEGMENTATION, "call": "os.system"}),
        model({**SEGMENTATION, "init_args": ["os.system"]}),
        model({**UNET, "init_args": {"encoder_name": "https://hub/evil"}}),
        model({**SEGMENTATION, "init_args": {"classes": 10**9}}),
        model({**UNET, "init_args": {"decoder_channels": [10**6, 16]}}),
        {"class_path": "lightning.pytorch.LightningModule.load_from_checkpoint", "init_args": {}},
        EVIL,
        "os.system",
    ],
)
def test_all_else_is_refused_at_any_depth(tree):
    with pytest.raises(ValueError, match=r"model|plain name|no size of a network"):
        refuse_untrusted(tree)


def test_nesting_without_end_is_refused():
    tree: dict[str, object] = {}
    for _ in range(500):
        tree = {"inside": tree}
    with pytest.raises(ValueError, match="nested too deeply"):
        refuse_untrusted(model(SEGMENTATION, taxonomy=tree))


def test_nothing_is_imported_to_find_out(tmp_path, monkeypatch):
    (tmp_path / "evil_module.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"names 'evil_module\.Net', which is no class of"):
        refuse_untrusted(model({"class_path": "evil_module.Net"}))


def test_what_the_user_names_may_be_built():
    own = {"class_path": "my_networks.Net", "init_args": {"activation": "relu", "depth": 3}}
    chosen = model(SEGMENTATION, fusion={"class_path": "my_networks.Net"}, others=[{"a": [own]}])
    named = classes_named_in(chosen)
    assert named == {
        "goodsam_pl.modules.TARectification",
        "goodsam_pl.networks.SegmentationNetwork",
        "my_networks.Net",
    }
    refuse_untrusted(model(own), named)
    with pytest.raises(ValueError, match=r"model\.teacher_assistant\.depth names 'torch\.fx"):
        refuse_untrusted(model({**own, "init_args": {"depth": EVIL}}), named)
