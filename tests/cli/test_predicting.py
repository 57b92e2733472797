"""``goodsam predict`` on folders of panoramas."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl.data import PanoramaFormat, normalize
from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.listing import list_images
from goodsam_pl.data.picture_tags import PictureTags, read_picture_tags

sys.path.insert(0, str(Path(__file__).parent))  # test folders are not packages
sys.path.insert(0, str(Path(__file__).parents[1]))
from panorama_fakes import TAXONOMY, ByColour, classes, draw, predicted, read

from tagged_pictures import AMSTERDAM, FULL, write_tagged

FORMAT = PanoramaFormat((24, 128), 67.5, 180)
"""Half spheres are not: files of 64×128 pixels are full spheres, 24 rows of them are read."""

CONFIG = """\
model:
  class_path: goodsam_pl.modules.SourceSegmentation
  init_args:
    network: {class_path: panorama_fakes.ByColour}
data:
  class_path: goodsam_pl.data.PanoramaDataModule
  init_args:
    dataset: folder
    root: photographs
    taxonomy: camvid-11
    size: [24, 128]
    vertical_fov: 67.5
    file_vertical_fov: 180
    window_size: [24, 32]
    window_stride: [24, 32]
    predict_split: train
    eval_batch_size: 2
    num_workers: 0
trainer:
  accelerator: cpu
  logger: false
  enable_progress_bar: false
  callbacks:
    - class_path: lightning.pytorch.callbacks.ModelCheckpoint
      init_args: {dirpath: runs/checkpoints}
"""


@pytest.fixture
def config(workplace):
    path = workplace / "run.yaml"
    path.write_text(CONFIG)
    return str(path)


@pytest.fixture
def photographs(workplace):
    """Three full spheres, the last at four times the pixels of training."""
    for index, name in enumerate(["a.png", "b.png"]):
        draw(workplace / "photographs" / name, classes(index))
    draw(workplace / "photographs/city/c.png", classes(2, 256, 512, 8))
    return workplace / "photographs"


@pytest.fixture
def predict(goodsam, config):
    def predict(*options):
        return goodsam("predict", "--config", config, "--out", "out", *options)

    return predict


@pytest.fixture
def summary(workplace):
    def summary(out="out"):
        return json.loads((workplace / out / "summary.json").read_bytes())

    return summary


def broken(photographs):
    """A file that is cut off."""
    path = photographs / "b.png"
    path.write_bytes(path.read_bytes()[:-40])
    return path


def nearest(labels, size, rows):
    """Labels of rows at the size of the file: those of the pixel that each centre lies in."""
    full = np.full(size, 255)
    for row in range(*rows):
        seen = int((row - rows[0] + 0.5) * labels.shape[0] / (rows[1] - rows[0]))
        for column in range(size[1]):
            full[row, column] = labels[seen, int((column + 0.5) * labels.shape[1] / size[1])]
    return full


@pytest.mark.parametrize(
    ("name", "size", "rows"),
    [("a", (64, 128), (20, 44)), ("city/c", (256, 512), (80, 176))],
)
def test_labels_have_the_size_of_the_file(name, size, rows, predict, photographs, workplace):
    predict()
    labels = read(workplace / f"out/labels/{name}.png")
    seen = predicted(FORMAT.read(photographs / f"{name}.png"))
    np.testing.assert_array_equal(labels, nearest(seen, size, rows))
    assert read(workplace / f"out/overlays/{name}.png").shape == (*size, 3)


def test_labels_may_have_the_size_that_the_network_sees(predict, photographs, workplace, summary):
    predict("--label_size", "training", "--overlay_width", 100)
    labels = read(workplace / "out/labels/city/c.png")
    np.testing.assert_array_equal(labels, predicted(FORMAT.read(photographs / "city/c.png")))
    assert read(workplace / "out/overlays/city/c.png").shape == (50, 100, 3)
    noted = summary()["images"][2]
    assert (noted["size"], noted["rows"]) == ([256, 512], [80, 176])
    assert noted["predicted_size"] == [24, 128]


def tags_of(path):
    with open_image(path) as image:
        return read_picture_tags(image)


def test_pictures_say_what_their_panorama_says(predict, fails, config, photographs, workplace):
    pixels = TAXONOMY.colorize(classes(0))
    write_tagged(photographs / "a.png", place=AMSTERDAM, sphere=FULL, pixels=pixels)
    predict("--overlay_width", "64", "--confidence")
    for kind, width in {"labels": 128, "confidence": 128, "overlays": 64}.items():
        tags = tags_of(workplace / f"out/{kind}/a.png")
        assert tags.place == AMSTERDAM
        assert tags.time == {36867: "2024:05:01 12:11:12", 36881: "+02:00"}
        assert tags.sphere["FullPanoWidthPixels"] == str(width)
        assert tags.sphere["CroppedAreaImageHeightPixels"] == str(width // 2)
        assert tags.sphere["PoseHeadingDegrees"] == "270.5"
        assert tags_of(workplace / f"out/{kind}/b.png") == PictureTags()
    words = ("predict", "--config", config, "--out", "out", "--skip_existing")
    assert "keep_metadata is 'all' there and 'none' here" in fails(
        *words, "--keep_metadata", "none"
    )
    predict("--overwrite", "--keep_metadata", "projection", "--label_size", "training")
    tags = tags_of(workplace / "out/labels/a.png")
    assert tags.place == tags.time == {}
    # 24 of 64 rows, from the 20th on
    assert tags.sphere["FullPanoHeightPixels"] == "64"
    assert tags.sphere["CroppedAreaImageHeightPixels"] == "24"
    assert tags.sphere["CroppedAreaTopPixels"] == "20"


def test_overlays_colour_the_band_and_leave_the_rest(predict, photographs, workplace):
    predict()
    image, overlay = read(photographs / "a.png"), read(workplace / "out/overlays/a.png")
    np.testing.assert_array_equal(overlay[:20], image[:20])
    np.testing.assert_array_equal(overlay[44:], image[44:])
    colours = TAXONOMY.colorize(read(workplace / "out/labels/a.png"))[20:44]
    expected = image[20:44] / 2 + colours / 2
    assert np.abs(overlay[20:44] - expected).max() <= 0.5


def test_labels_are_upright_as_viewers_show_the_file(predict, photographs, workplace, summary):
    exif = Image.Exif()
    exif[0x0112] = 3  # stored upside down
    ids = classes(5)
    draw(photographs / "turned.png", ids[::-1, ::-1], exif=exif)
    draw(photographs / "upright.png", ids)
    predict()
    turned = Image.open(workplace / "out/labels/turned.png")
    assert 0x0112 not in turned.getexif()
    np.testing.assert_array_equal(np.asarray(turned), read(workplace / "out/labels/upright.png"))


def test_confidence_and_probabilities_are_those_of_the_network(predict, photographs, workplace):
    predict("--confidence", "--probabilities", "--trainer.callbacks+=TiledPrediction")
    pixels = FORMAT.read(photographs / "city/c.png")
    with torch.no_grad():
        expected = ByColour()(normalize(pixels)[None]).softmax(dim=1)[0].numpy()
    with np.load(workplace / "out/probabilities/city/c.npz") as content:
        np.testing.assert_allclose(content["probabilities"], expected, atol=1e-3)
        assert content["probabilities"].dtype == np.float16
        assert content["classes"].tolist() == list(TAXONOMY.classes)
        assert content["file_size"].tolist() == [256, 512]
        assert content["rows"].tolist() == [80, 176]
    confidence = read(workplace / "out/confidence/city/c.png")
    assert confidence.shape == (256, 512)
    assert (confidence[:80] == 0).all()
    assert (confidence[176:] == 0).all()
    assert abs(int(confidence[80, 0]) - 255 * expected.max(axis=0)[0, 0]) <= 0.5
    assert (read(workplace / "out/labels/city/c.png")[80, 0]) == expected.argmax(axis=0)[0, 0]


def test_the_summary_says_whose_predictions_these_are(predict, photographs, workplace, summary):
    (photographs / "film.mp4").touch()
    (photographs / "city/d.HEIC").touch()
    said = predict().out
    assert said.index(f"predictions go to {workplace}/out\n") == 0
    assert "1 .heic, 1 .mp4" in said
    assert said.endswith(f"predictions: {workplace}/out\n")
    content = summary()
    assert content["complete"] is True
    assert (content["labelled"], content["failed"]) == (3, 0)
    assert content["passed_over"] == {".heic": 1, ".mp4": 1}
    assert content["root"] == str(photographs)
    identity = content["identity"]
    assert identity["model"]["class"] == (
        "goodsam_pl.modules.source_segmentation.SourceSegmentation"
    )
    assert len(identity["model"]["weights_sha256"]) == 64
    assert identity["taxonomy"]["classes"][3] == {
        "id": 3,
        "name": TAXONOMY.classes[3],
        "colour": list(TAXONOMY.palette[3]),
    }
    assert identity["settings"]["size"] == [24, 128]
    assert identity["settings"]["vertical_fov"] == 67.5
    noted = content["images"][0]
    assert noted["name"] == "a"
    assert noted["image"] == str(photographs / "a.png")
    assert noted["files"] == {"labels": "labels/a.png", "overlays": "overlays/a.png"}
    assert (noted["size"], noted["rows"]) == ([64, 128], [20, 44])
    counts = np.bincount(read(workplace / "out/labels/a.png")[20:44].reshape(-1))
    for index, count in enumerate(counts):
        share = noted["shares"].get(TAXONOMY.classes[index], 0)
        assert share == pytest.approx(count / (24 * 128), abs=1e-6)
    assert not list((workplace / "out").glob("journal*"))
    legend = read(workplace / "out/legend.png")
    assert {tuple(colour) for colour in TAXONOMY.palette} <= set(
        map(tuple, legend.reshape(-1, 3).tolist())
    )


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_broken_file_ends_nothing_and_is_named_at_the_end(
    batch, predict, fails, config, photographs, workplace, summary
):
    bad = broken(photographs)
    options = ["--data.init_args.eval_batch_size", batch]
    told = fails("predict", "--config", config, "--out", "out", *options)
    assert "1 of 3 images have no labels:" in told
    assert told.count(f"{bad.relative_to(workplace)}: broken or cut off") == 1
    written = sorted(path.name for path in (workplace / "out/labels").rglob("*.png"))
    assert written == ["a.png", "c.png"]
    content = summary()
    assert (content["complete"], content["labelled"], content["failed"]) == (True, 2, 1)
    assert "broken" in content["images"][1]["reason"]
    predict(*options, "--on_error", "skip")
    assert summary()["failed"] == 1


def test_broken_files_pass_from_workers_without_a_traceback(predict, photographs, summary, caplog):
    broken(photographs)
    predict("--data.init_args.num_workers", 1, "--on_error", "skip")
    assert [record for record in caplog.messages if "1 of 3 images have no labels" in record]
    assert summary()["labelled"] == 2


def test_nothing_readable_is_an_error_even_then(fails, config, photographs, workplace):
    for path in photographs.rglob("*.png"):
        path.write_bytes(b"no image")
    told = fails("predict", "--config", config, "--out", "out", "--on_error", "skip")
    assert "3 of 3 images have no labels" in told
    assert not (workplace / "out").exists()


def test_angles_that_fit_no_file_are_refused_before_the_folder_is_touched(
    fails, config, photographs, workplace
):
    told = fails("predict", "--config", config, "--out", "out",
                 "--data.init_args.file_vertical_fov", 90)  # fmt: skip
    assert "128×64 pixels are 360° by 180.0°, but 90° are configured" in told
    assert not (workplace / "out").exists()


def test_what_stays_broken_is_no_error_where_it_is_skipped(predict, photographs, summary, caplog):
    broken(photographs)
    for _ in range(2):
        predict("--on_error", "skip", "--skip_existing")
        assert (summary()["labelled"], summary()["failed"]) == (2, 1)
    assert "1 of 1 images have no labels" in caplog.text


def test_existing_predictions_are_left_as_they_are(predict, photographs, workplace, summary):
    predict()
    before = summary()
    label = {name: workplace / f"out/labels/{name}.png" for name in ("a", "b", "city/c")}
    label["a"].write_bytes(b"left as it is")
    label["b"].unlink()
    draw(photographs / "city/c.png", classes(7, 256, 512, 8))
    said = predict("--skip_existing").out
    assert "1 of 3 images have their labels already" in said
    assert label["a"].read_bytes() == b"left as it is"
    np.testing.assert_array_equal(
        read(label["city/c"])[80:176:4, ::4], predicted(FORMAT.read(photographs / "city/c.png"))
    )
    assert [each["name"] for each in summary()["images"]] == ["a", "b", "city/c"]
    assert summary()["images"][:2] == before["images"][:2]
    assert "3 of 3 images have their labels" in predict("--skip_existing").out
    assert "0 of 3 images have their labels" in predict("--skip_existing", "--confidence").out
    predict()
    assert label["a"].read_bytes() != b"left as it is"


def test_another_model_s_predictions_are_not_overwritten_unless_told(
    predict, fails, config, photographs, workplace, summary
):
    predict()
    first = summary()["fingerprint"]
    (photographs / "b.png").unlink()
    other = ["--model.init_args.network.init_args.sharpness", 3]
    told = fails("predict", "--config", config, "--out", "out", *other)
    assert "out holds predictions of another model or other settings" in told
    assert "model.arguments.network.init_args.sharpness is 1.0 there and 3.0 here" in told
    assert "--out" in told
    assert "--overwrite" in told
    assert summary()["fingerprint"] == first
    predict(*other, "--overwrite")
    assert summary()["fingerprint"] != first
    assert not (workplace / "out/labels/b.png").exists()
    assert [each["name"] for each in summary()["images"]] == ["a", "city/c"]


def test_labels_of_unknown_origin_and_of_namesakes_are_not_overwritten(
    predict, fails, config, photographs, workplace
):
    draw(workplace / "out/labels/a.png", classes(0))
    told = fails("predict", "--config", config, "--out", "out")
    assert "holds labels, and no summary.json that says whose" in told
    predict("--overwrite")
    draw(workplace / "elsewhere/a.png", classes(9))
    told = fails("predict", "--config", config, "--out", "out",
                 "--data.init_args.root", "elsewhere")  # fmt: skip
    assert "elsewhere/a.png has the same name 'a'" in told


def test_a_killed_run_is_taken_up_where_it_was(warm, config, predict, photographs, workplace):
    words = ["predict", "--config", config, "--data.init_args.eval_batch_size", 1]
    killed = warm(*words, "--out", "out", "--model.init_args.network.init_args.dies_at", 4)
    assert killed.returncode == -signal.SIGKILL
    journal = workplace / "out/journal.0.jsonl"
    assert len(journal.read_text().splitlines()) == 2
    with journal.open("a") as file:
        file.write('{"name": "city/c", "image": ')
    assert json.loads((workplace / "out/summary.json").read_bytes())["complete"] is False
    # what kills the process is an argument of the network
    content = json.loads((workplace / "out/summary.json").read_bytes())
    content["identity"]["model"]["arguments"]["network"]["init_args"]["dies_at"] = 0
    (workplace / "out/summary.json").write_text(json.dumps(content))

    assert "2 of 3 images have their labels already" in predict("--skip_existing").out
    predict("--out", "whole")
    resumed, whole = (
        json.loads((workplace / out / "summary.json").read_bytes()) for out in ("out", "whole")
    )
    assert resumed == whole
    for path in (workplace / "whole").rglob("*.png"):
        twin = workplace / "out" / path.relative_to(workplace / "whole")
        assert twin.read_bytes() == path.read_bytes()


def test_an_error_in_the_middle_leaves_a_summary_of_what_was_done(
    predict, photographs, summary, monkeypatch
):
    def interrupted(self, images):
        if len(images) == 1 and images.shape[-2:] != (64, 128):  # the last batch, no first look
            raise KeyboardInterrupt
        return forward(self, images)

    forward = ByColour.forward
    monkeypatch.setattr(ByColour, "forward", interrupted)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        predict()
    assert (summary()["complete"], summary()["labelled"]) == (False, 2)
    monkeypatch.undo()


def test_predictions_go_where_the_command_line_says(goodsam, config, photographs, workplace):
    assert f"predictions go to {workplace}/runs/predictions\n" in (
        goodsam("predict", "--config", config).out
    )
    elsewhere = workplace / "elsewhere"
    assert f"predictions go to {elsewhere}/predictions\n" in (
        goodsam("predict", "--config", config, "--trainer.default_root_dir", elsewhere).out
    )
    assert (elsewhere / "config_predict.yaml").is_file()


def test_predictions_below_the_photographs_are_no_photographs(
    goodsam, fails, config, photographs, workplace
):
    words = ["predict", "--config", config, "--out", photographs / "predictions"]
    goodsam(*words)
    goodsam(*words)
    assert len(list_images(photographs).images) == 3
    told = fails("predict", "--config", config, "--out", photographs)
    assert "where the images themselves are" in told
    assert not (photographs / ".goodsam").exists()


def test_names_keep_their_suffix_or_lose_their_end_where_they_must(predict, workplace, summary):
    long = "街" * 83 + "ab"
    for name in ("a.png", "a.tif", f"{long}.png", f"{long}.tif"):
        draw(workplace / "photographs" / name, classes(len(name)))
    predict()
    content = summary()
    assert content["labelled"] == 4
    labels = {each["name"]: each["files"]["labels"] for each in content["images"]}
    assert labels["a.png"] == "labels/a.png.png"
    assert labels["a.tif"] == "labels/a.tif.png"
    assert len(set(labels.values())) == 4
    for label in labels.values():
        assert len(label.removeprefix("labels/").encode()) <= 255
        assert (workplace / "out" / label).is_file()


def test_tiles_and_views_change_nothing_where_pixels_are_seen_alone(
    predict, photographs, workplace, caplog
):
    predict()
    predict("--out", "tiled", "--tile", "[64, 64]", "--tta", 2)
    assert any("by tiles of 24×64" in message for message in caplog.messages)
    for path in (workplace / "out/labels").rglob("*.png"):
        twin = workplace / "tiled" / path.relative_to(workplace / "out")
        assert twin.read_bytes() == path.read_bytes()


def test_two_processes_each_write_their_share(warm, config, predict, photographs, workplace):
    broken(photographs)
    for index in range(3):
        draw(photographs / f"{index}.png", classes(10 + index))
    predict("--on_error", "skip", "--data.init_args.eval_batch_size", 1)
    words = ["predict", "--config", config, "--out", "two", "--data.init_args.eval_batch_size", 1]
    done = warm(*words, "--trainer.devices", 2, "--trainer.strategy", "ddp")
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("1 of 6 images have no labels") == 1
    one, two = (
        json.loads((workplace / out / "summary.json").read_bytes()) for out in ("out", "two")
    )
    assert two == one
    for path in (workplace / "out").rglob("*.png"):
        assert (workplace / "two" / path.relative_to(workplace / "out")).is_file()
