from __future__ import annotations

import pytest

from goodsam_pl.data.sphere_tags import ContradictoryTagsError, SphereTags, read_sphere_tags

NAMESPACE = 'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"'
CROP = {
    "ProjectionType": "equirectangular",
    "FullPanoWidthPixels": 4096,
    "FullPanoHeightPixels": 2048,
    "CroppedAreaImageWidthPixels": 4096,
    "CroppedAreaImageHeightPixels": 1024,
    "CroppedAreaLeftPixels": 0,
    "CroppedAreaTopPixels": 256,
}
EXPECTED = SphereTags("equirectangular", 360.0, above=67.5, below=22.5)


def attributes(values, quote='"'):
    tags = " ".join(f"GPano:{name}={quote}{value}{quote}" for name, value in values.items())
    return f"<rdf:Description {NAMESPACE} {tags}/>".encode()


def elements(values):
    tags = "\n".join(f"<GPano:{name}> {value}\n</GPano:{name}>" for name, value in values.items())
    return f"<rdf:Description {NAMESPACE}>{tags}</rdf:Description>".encode()


def test_both_ways_to_write_the_tags_and_other_prefixes():
    size = (1024, 4096)
    assert read_sphere_tags(attributes(CROP), size) == EXPECTED
    assert read_sphere_tags(attributes(CROP, quote="'"), size) == EXPECTED
    assert read_sphere_tags(elements(CROP), size) == EXPECTED
    assert read_sphere_tags(elements(CROP).replace(b"GPano", b"ns1"), size) == EXPECTED
    assert read_sphere_tags(attributes({k: f"{v}.0" for k, v in CROP.items() if k[0] != "P"}), size)
    assert EXPECTED.height == 90


@pytest.mark.parametrize("size", [(512, 2048), (256, 1024), (100, 400), (1024, 4095)])
def test_tags_count_in_pixels_of_the_original(size):
    assert read_sphere_tags(attributes(CROP), size) == EXPECTED


def test_files_without_geometry_say_nothing():
    assert read_sphere_tags(b"", (1, 2)) is None
    assert read_sphere_tags(b"<x:xmpmeta>no tags</x:xmpmeta>", (1, 2)) is None
    # tags of another namespace
    other = attributes(CROP).replace(b"http://ns.google.com", b"http://example.com")
    assert read_sphere_tags(other, (1024, 4096)) is None
    only = read_sphere_tags(attributes({"ProjectionType": "cylindrical"}), (1, 2))
    assert only == SphereTags("cylindrical")
    assert only.width is None


def test_what_is_left_out_is_the_whole_sphere():
    whole = SphereTags(None, 360.0, above=90.0, below=90.0)
    assert read_sphere_tags(attributes({"FullPanoWidthPixels": 4096}), (512, 1024)) == whole


def test_a_half_circle():
    half = {**CROP, "CroppedAreaImageWidthPixels": 2048, "CroppedAreaLeftPixels": 1024}
    assert read_sphere_tags(attributes(half), (1024, 2048)).width == 180


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"FullPanoWidthPixels": 0}, "a width or height of 0 or less"),
        ({"CroppedAreaImageHeightPixels": -1024}, "a width or height of 0 or less"),
        ({"FullPanoWidthPixels": "wide"}, "FullPanoWidthPixels 'wide', which is no number"),
        ({"FullPanoWidthPixels": "nan"}, "FullPanoWidthPixels 'nan', which is no number"),
        ({"FullPanoWidthPixels": "1e999"}, "which is no number"),
        ({"FullPanoHeightPixels": 1024}, "a full panorama of 4096×1024, which is not 360° by 180°"),
        ({"CroppedAreaTopPixels": -5}, "a part of 4096×1024 from row -5 on, which does not lie"),
        ({"CroppedAreaTopPixels": 1200}, "from row 1200 on, which does not lie within 4096×2048"),
        ({"CroppedAreaImageWidthPixels": 8192}, "a part of 8192×1024"),
        ({"CroppedAreaImageHeightPixels": 512}, "4096×512 pixels, but the file has 4096×1024"),
    ],
)
def test_tags_that_cannot_be_true_say_why(changes, complaint):
    with pytest.raises(ContradictoryTagsError, match=complaint):
        read_sphere_tags(attributes({**CROP, **changes}), (1024, 4096))


def test_a_part_must_say_where_it_begins():
    incomplete = {name: value for name, value in CROP.items() if "Top" not in name}
    with pytest.raises(ContradictoryTagsError, match="no CroppedAreaTopPixels"):
        read_sphere_tags(attributes(incomplete), (1024, 4096))


def test_hostile_packets_cost_nothing():
    laughs = (
        b'<!DOCTYPE x [<!ENTITY a "' + b"ha" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 + b'">]>'
    )
    assert read_sphere_tags(laughs + attributes(CROP), (1024, 4096)) == EXPECTED
    assert read_sphere_tags(b" " * (2 << 20) + attributes(CROP), (1024, 4096)) is None
    prefix = NAMESPACE.encode() + b" "
    for filler in (b"GPano:", b"GPano:a" * 9, b"GPano:a=", b"GPano:a>" + b" " * 5000, b'GPano:a="'):
        packet = prefix + filler * ((1 << 20) // len(filler))
        assert read_sphere_tags(packet, (1024, 4096)) is None
