from __future__ import annotations

import json

import pytest

from goodsam_pl.masks.image_labels import VocAnnotations, plain_word, read_image_labels

DOG = """\
<annotation>
  <folder>VOC2012</folder>
  <filename>2007_000027.jpg</filename>
  <object><name>person</name><bndbox><xmin>1</xmin></bndbox>
    <part><name>head</name></part></object>
  <object><name>tvmonitor</name></object>
  <object><name>person</name></object>
</annotation>
"""


@pytest.fixture
def write(tmp_path):
    def written(text: str) -> VocAnnotations:
        (tmp_path / "2007_000027.xml").write_text(text)
        return VocAnnotations(tmp_path)

    return written


def test_objects_of_voc_have_classes_and_parts_of_people_none(write):
    labels = write(DOG)
    assert labels.classes("2007_000027") == {"person", "tvmonitor"}
    assert labels.classes("some/folder/2007_000027") == {"person", "tvmonitor"}
    assert write("<annotation></annotation>").classes("2007_000027") == frozenset()


def test_names_are_compared_by_their_letters():
    assert plain_word("TV monitor") == plain_word("tv_monitor") == plain_word("tvmonitor")
    assert plain_word("tv") != plain_word("tv monitor")


def test_a_hostile_file_is_not_expanded(write):
    bomb = '<!DOCTYPE a [<!ENTITY x "person"><!ENTITY y "&x;&x;">]>'
    with pytest.raises(ValueError, match=r"000027\.xml: has a document type"):
        write(bomb + DOG.replace("tvmonitor", "&y;")).classes("2007_000027")
    external = '<!DOCTYPE a SYSTEM "file:///etc/passwd">'
    with pytest.raises(ValueError, match="has a document type"):
        write(external + DOG).classes("2007_000027")
    with pytest.raises(ValueError, match="no XML"):
        write(DOG.replace("tvmonitor", "&unknown;")).classes("2007_000027")
    with pytest.raises(ValueError, match="are no annotation of VOC's"):
        write(DOG + " " * (1 << 20)).classes("2007_000027")


def test_what_is_not_vocs_is_named(write):
    with pytest.raises(ValueError, match=r"2008_1\.xml: no such file"):
        write(DOG).classes("2008_1")
    with pytest.raises(ValueError, match=r"000027\.xml: no XML"):
        write("<annotation>").classes("2007_000027")
    with pytest.raises(ValueError, match="an object has no name"):
        write("<annotation><object><name> </name></object></annotation>").classes("2007_000027")


def test_a_folder_of_xml_is_vocs_and_a_file_cocos(write, tmp_path):
    write(DOG)
    labels = read_image_labels(tmp_path)
    assert isinstance(labels, VocAnnotations)
    before = labels.describe()
    assert read_image_labels(tmp_path).describe() == before
    write(DOG.replace("tvmonitor", "dog"))
    assert labels.describe() != before

    content = {
        "images": [{"id": 1, "file_name": "x.jpg", "height": 4, "width": 4}],
        "annotations": [{"image_id": 1, "category_id": 3, "bbox": [0, 0, 1, 1]}],
        "categories": [{"id": 3, "name": "Traffic light"}, {"id": 4, "name": "car"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(content))
    coco = read_image_labels(tmp_path / "coco.json")
    assert coco.classes("x") == {"trafficlight"}
    assert list(coco.describe()) == ["coco.json"]
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_image_labels(tmp_path / "nowhere")
