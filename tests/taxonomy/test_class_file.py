from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goodsam_pl.data.labels import LabelReader, train_ids
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
    from PIL import Image  # noqa: PLC0415

    path = tmp_path / "a.png"
    Image.fromarray(np.array([[1, 5, 255]], dtype=np.uint8)).save(path)
    reader = LabelReader(str(FIVE))
    assert reader.read(path, train_ids(str(FIVE))).tolist() == [[0, 4, 255]]
    Image.fromarray(np.array([[0, 5, 255]], dtype=np.uint8)).save(path)
    with pytest.raises(ValueError, match=r"hold 0; ids of five-classes are 1\.\.5 and 255"):
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
    with pytest.raises(ValueError, match="not the description of a taxonomy"):
        Taxonomy.from_dict({"classes": ["a"]})


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
        ("classes: [a]\nclasses: [b]", "'classes' stands twice"),
        ("classes: [a]\nto: {cityscapes-19: {b: road}}", "has no class 'b'; it has a"),
        ("classes: [a]\nname: voc-21", "other classes than the published one"),
        ("classes: [a", "classes.yaml: "),
    ],
)
def test_a_wrong_file_is_named_with_its_key(class_file, text, complaint):
    path = class_file(text)
    with pytest.raises(ValueError, match=complaint) as error:
        get_taxonomy(path)
    assert str(error.value).startswith(path)


def test_a_missing_file_and_an_unknown_name_show_the_way_out(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.yaml: no such class file"):
        get_taxonomy(str(tmp_path / "nowhere.yaml"))
    with pytest.raises(ValueError, match=r"known: cityscapes-19, .*classes\.yaml"):
        get_taxonomy("cityscape")
