from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl.data import SourceDataModule
from goodsam_pl.data.labels import LabelReader, train_ids
from goodsam_pl.metrics import Evaluation
from goodsam_pl.taxonomy import Taxonomy, get_taxonomy, register_taxonomy, remap_table

FIVE = Path(__file__).parents[2] / "configs" / "taxonomies" / "five_classes.yaml"


@pytest.fixture
def class_file(tmp_path):
    def write(text):
        path = tmp_path / "classes.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_a_file_of_names_alone(class_file):
    taxonomy = get_taxonomy(class_file("classes: [straße, Gehweg]"))
    assert taxonomy.name == "classes"
    assert taxonomy.classes == ("straße", "Gehweg")
    assert taxonomy.palette == ((128, 0, 0), (0, 128, 0))
    assert taxonomy.ids is None


def test_the_example_of_the_configurations():
    taxonomy = get_taxonomy(str(FIVE))
    assert taxonomy.classes == ("way", "structure", "greenery", "sky", "movable")
    assert taxonomy.ids == (1, 2, 3, 4, 5)
    assert get_taxonomy("five-classes") == taxonomy  # by its own name, once it was read
    table = remap_table("cityscapes-19", str(FIVE))
    assert table[:19].tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4]
    assert (table[19:] == 255).all()


def test_labels_hold_the_ids_of_the_file(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[1, 5, 255]], dtype=np.uint8)).save(path)
    reader = LabelReader(str(FIVE))
    assert reader.read(path, train_ids(str(FIVE))).tolist() == [[0, 4, 255]]
    Image.fromarray(np.array([[0, 2, 255]], dtype=np.uint8)).save(path)
    assert reader.read(path, train_ids(str(FIVE))).tolist() == [[255, 1, 255]]
    Image.fromarray(np.array([[9, 5, 255]], dtype=np.uint8)).save(path)
    with pytest.raises(ValueError, match=r"hold 9; ids of five-classes are 0\.\.5 and 255"):
        reader.read(path, train_ids(str(FIVE)))


def test_classes_mean_something_elsewhere(class_file):
    own = class_file(
        "name: own\nclasses: [tram, lane]\nto: {cityscapes-19: {tram: train, lane: road}}"
    )
    assert remap_table(own, "cityscapes-19")[:3].tolist() == [16, 0, 255]
    with pytest.raises(ValueError, match=r"'own' cannot be expressed in 'voc-21'.*`to` and `from`"):
        remap_table(own, "voc-21")


def test_plain_values_there_and_back():
    taxonomy = get_taxonomy(str(FIVE))
    content = taxonomy.to_dict()
    assert content["palette"][0] == [128, 64, 128]
    assert Taxonomy.from_dict(content) == taxonomy
    assert content["void_ids"] == [0]
    for key, value, told in (
        ("classes", "way", "'way' is no list"),
        ("classes", None, "None is no list"),
        ("palette", [[0, 0]] * 5, "not enough values"),
        ("palette", [[0, 0, 300]] * 5, r"the colour of 'way' is \[0, 0, 300\]"),
        ("ids", [1, 1, 2, 3, 4], "has the id 1 twice"),
        ("name", 7, "the name of a taxonomy is a text, not 7"),
        ("meanings", [], "has no attribute 'items'"),
    ):
        with pytest.raises(ValueError, match=f"not the description of a taxonomy: .*{told}"):
            Taxonomy.from_dict({**content, key: value})
    with pytest.raises(ValueError, match="not the description of a taxonomy: no 'void_ids'"):
        Taxonomy.from_dict({name: each for name, each in content.items() if name != "void_ids"})


def test_scores_in_the_classes_of_a_file():
    scored = Evaluation(get_taxonomy("cityscapes-19"), get_taxonomy(str(FIVE)))
    truth = torch.tensor([[[0, 1, 3, 255]]])
    scored.update(torch.tensor([[[1, 2, 13, 10]]]), truth, panorama=False)  # car where sky is
    iou = scored.compute().iou
    assert iou[:2].tolist() == [1.0, 1.0]
    assert iou[3:].tolist() == [0.0, 0.0]


def test_a_data_module_trains_on_the_classes_of_a_file(tmp_path):
    for folder in ("images", "labels", "splits"):
        (tmp_path / folder).mkdir()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (8, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "images/a.png")
    ids = np.array([[0, 1, 2, 3, 4, 5]], dtype=np.uint8).repeat(8, 0).repeat(2, 1)
    Image.fromarray(ids).save(tmp_path / "labels/a.png")
    (tmp_path / "splits/train.txt").write_text("a\n")
    (tmp_path / "splits/val.txt").write_text("a\n")
    options = {"dataset": "plain", "root": str(tmp_path), "num_workers": 0, "batch_size": 1}
    data = SourceDataModule(**options, taxonomy=str(FIVE))
    data.setup("fit")
    [batch] = data.val_dataloader()
    assert batch.label[0, 0].tolist() == [255, 255, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    # labels in published classes, learned in those of the file
    translated = SourceDataModule(**options, taxonomy=str(FIVE), label_taxonomy="cityscapes-19")
    translated.setup("fit")
    [batch] = translated.val_dataloader()
    assert batch.label[0, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]


def test_what_a_checkpoint_brought_is_found_without_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    brought = Taxonomy("far", ("a", "b"), ((1, 2, 3), (4, 5, 6)))
    register_taxonomy(brought, "elsewhere/classes.yaml")
    assert get_taxonomy("elsewhere/classes.yaml") == brought
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "classes.yaml").write_text("classes: [c]")
    assert get_taxonomy("elsewhere/classes.yaml").classes == ("c",)  # the file is newer
    with pytest.raises(ValueError, match="'voc-21' has other classes than the published one"):
        register_taxonomy(brought, "voc-21")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("classes: [a, a]", "has the class 'a' twice"),
        ("classes: []", "has 0 classes; 1 to 254"),
        ("classes: [" + ", ".join(f"c{i}" for i in range(255)) + "]", "has 255 classes"),
        ("classes: [{name: a, color: [0, 0, 256]}]", r"colour of 'a' is \[0, 0, 256\]"),
        ("classes: [{name: a, color: [0, 0]}]", "give red, green and blue"),
        ("classes: [{name: a, id: 1}, b]", "the class 'b' has no id"),
        ("classes: [{name: a, id: 1}, {name: b, id: 1}]", "has the id 1 twice"),
        ("classes: [{name: a, id: 255}]", "the id of 'a' is 255; give 0 to 254"),
        ("classes: [{name: a, id: yes}]", r"classes\[0\]\.id: expected a whole number"),
        ("classes: [{nam: a}]", r"classes\[0\]: the key 'name' is missing"),
        ("classes: [{name: a, colour: red}]", "did you mean 'color'"),
        ("classes: [7]", r"classes\[0\]: expected a mapping"),
        ("classes: a", "classes: expected a list"),
        ("name: x", "the key 'classes' is missing"),
        ("classes: [a]\nclasses: [b]", "the key 'classes' is there twice"),
        ("classes: [a]\nto: {cityscapes-19: {b: road}}", "has no class 'b'; it has a"),
        ("classes: [a]\nname: voc-21", "other classes than the published one"),
        (
            "classes: [a]\nto: {voc-21: {a: buss}}",
            r"to\.voc-21: voc-21 has no class 'buss'; it has",
        ),
        ("classes: [a]\nfrom: {voc-21: {buss: a}}", r"from\.voc-21: voc-21 has no class 'buss'"),
        ("classes: [a]\nfrom: [voc-21]", "from: expected a mapping"),
        ("classes: [a]\nvoid: [0]", "0 cannot be a void id"),
        ("classes: [a]\nvoid: [256]", "256 cannot be a void id"),
        ("classes: [a]\nvoid: 3", "void: expected a list"),
        ("classes: [a", "classes.yaml: "),
        ("", "expected a mapping"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(class_file, text, complaint):
    path = class_file(text)
    with pytest.raises(ValueError, match=complaint) as error:
        get_taxonomy(path)
    assert str(error.value).startswith(path)


def test_a_file_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "classes.yaml"
    path.write_bytes("classes: [Straße]".encode("latin-1"))
    with pytest.raises(ValueError, match=r"classes\.yaml: not UTF-8"):
        get_taxonomy(str(path))


def test_a_missing_file_and_an_unknown_name_show_the_way_out(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.yaml: no such class file"):
        get_taxonomy(str(tmp_path / "nowhere.yaml"))
    with pytest.raises(ValueError, match=r"known: cityscapes-19, .*classes\.yaml"):
        get_taxonomy("cityscape")
