"""Small stand-ins for what a reader of our pages has: photographs, data sets, checkpoints, the hub.

Each function makes one path of :data:`GIVEN` in the current folder, where pages are run.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import segmentation_models_pytorch as smp
import torch
from PIL import Image

from goodsam_pl.cli import main
from goodsam_pl.networks import SegmentationNetwork
from goodsam_pl.streetworld.domain_export import export_domains
from goodsam_pl.streetworld.export import export
from released_photographs import write_coco, write_voc
from tagged_pictures import AMSTERDAM, write_tagged

SIZE = (48, 256)
"""Of the panoramas, pixels: the aspect of the presets, and a multiple of 32."""


def picture(path: Path, height: int, width: int, seed: int = 0) -> None:
    """Blocks of colour."""
    generator = np.random.default_rng(seed)
    blocks = generator.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    _save(path, blocks.repeat(16, axis=0).repeat(16, axis=1))


def labels(
    path: Path, height: int, width: int, classes: int, seed: int = 0, first: int = 0
) -> None:
    """Blocks of so many class ids."""
    generator = np.random.default_rng(seed)
    blocks = generator.integers(first, first + classes, (height // 8, width // 8), dtype=np.uint8)
    _save(path, blocks.repeat(8, axis=0).repeat(8, axis=1))


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def panoramas(path: Path) -> None:
    """Two full spheres."""
    for index, name in enumerate("ab"):
        picture(path / f"{name}.jpg", 128, 256, index)


def tagged_panoramas(path: Path) -> None:
    """Two full spheres that say where they were taken."""
    for index, name in enumerate("ab"):
        pixels = np.random.default_rng(index).integers(0, 256, (128, 256, 3), dtype=np.uint8)
        write_tagged(path / f"{name}.jpg", place=AMSTERDAM, pixels=pixels)


def ride(path: Path) -> None:
    """Two seconds of a film, square pixels of a full sphere."""
    from films import write_clip  # noqa: PLC0415  # needs the extra

    write_clip(path, [100 * index for index in range(20)], (32, 64))


def camvid(path: Path) -> None:
    """Two photographs to train on and one to validate on."""
    for split, names in {"train": "ab", "val": "c"}.items():
        for index, name in enumerate(names):
            picture(path / split / f"{name}.jpg", 96, 128, index)
            labels(path / f"{split}annot" / f"{name}.png", 96, 128, 12, index)


def photographs(path: Path) -> None:
    """Two photographs to train on and one to validate on, with ids from 1 to 5."""
    for index, name in enumerate("abc"):
        picture(path / "images" / f"{name}.jpg", 96, 128, index)
        labels(path / "labels" / f"{name}.png", 96, 128, 5, index, first=1)
    (path / "splits").mkdir()
    (path / "splits/train.txt").write_text("a\nb\n")
    (path / "splits/val.txt").write_text("c\n")


def streetworld(path: Path) -> None:
    """An export as `goodsam streetworld` makes it, small."""
    counts = {"source_train": 2, "source_val": 1, "target_train": 2, "target_val": 1}
    sizes = {"source_size": (64, 128), "panorama_size": SIZE}
    export(path, **counts, target_test=1, **sizes, workers=1)


def street_domains(path: Path) -> None:
    """As `goodsam domains` makes them, small."""
    export_domains(path, train=2, val=1, test=1, size=48, workers=1)


def densepass(path: Path) -> None:
    """Two unlabelled and one labelled panorama in the layout of DensePASS."""
    for index in range(2):
        picture(path / f"leftImg8bit/train/Oslo/{index}.png", *SIZE, index)
    picture(path / "leftImg8bit/val/cs/0_.png", *SIZE)
    labels(path / "gtFine/val/cs/0_labelTrainIds.png", *SIZE, 19)


def gta5(path: Path) -> None:
    """Two pictures of a game, of road and sidewalk by their labelIds."""
    for index in range(1, 3):
        picture(path / f"images/{index:05d}.png", 96, 160, index)
        labels(path / f"labels/{index:05d}.png", 96, 160, 2, index, first=7)


def cityscapes(path: Path) -> None:
    """Two photographs to train on and one to validate on, of road and sidewalk."""
    for split, indices in {"train": (0, 1), "val": (2,)}.items():
        for index in indices:
            name = f"{split}/ulm/ulm_{index:06d}_000019"
            picture(path / f"leftImg8bit/{name}_leftImg8bit.png", 96, 192, index)
            labels(path / f"gtFine/{name}_gtFine_labelTrainIds.png", 96, 192, 2, index)


def wildpass(path: Path) -> None:
    """As above, in the layout of WildPASS, whose labels are Mapillary's."""
    densepass(path)
    shutil.rmtree(path / "gtFine")
    labels(path / "gtFine/val/cs/0_.png", *SIZE, 25)


def stanford2d3d(path: Path) -> None:
    """One panorama of an area of the test fold; everything is wall."""
    name = "camera_0_office_1_frame_equirectangular_domain"
    for area in ("area_5a", "area_5b"):
        picture(path / area / "pano/rgb" / f"{name}_rgb.png", 128, 256)
        semantic = np.zeros((128, 256, 3), np.uint8)
        _save(path / area / "pano/semantic" / f"{name}_semantic.png", semantic)
    (path / "assets").mkdir()
    (path / "assets/semantic_labels.json").write_text(json.dumps(["wall_1_office_1_5"]))


def saved_masks(path: Path) -> None:
    """What SamAutomaticMaskGenerator returned for each panorama, saved as JSON."""
    path.mkdir(parents=True)
    upper = [[1] * 256] * 64 + [[0] * 256] * 64
    mask = {"segmentation": upper, "predicted_iou": 0.9, "stability_score": 0.95}
    for name in "ab":
        (path / f"{name}.json").write_text(json.dumps([mask]))


def boxes(path: Path) -> None:
    """What somebody drew around things in the panoramas, as COCO has it; one crosses the seam."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ("car", "person", "road")
    content = {
        "images": [
            {"id": index, "file_name": f"{name}.jpg", "height": 128, "width": 256}
            for index, name in enumerate("ab")
        ],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 1, "bbox": [20, 50, 40, 30]},
            {"id": 2, "image_id": 0, "category_id": 3, "bbox": [0, 80, 256, 48]},
            {"id": 3, "image_id": 1, "category_id": 2, "bbox": [240, 40, 30, 60]},
        ],
        "categories": [{"id": index + 1, "name": name} for index, name in enumerate(names)],
    }
    path.write_text(json.dumps(content))


def points(path: Path) -> None:
    """Points of the panoramas, within the band that is predicted and one outside."""
    path.parent.mkdir(parents=True)
    rows = ("a.jpg,10,60,road", "a.jpg,20,64,car", "b.jpg,30,70,pole", "b.jpg,30,5,sky")
    path.write_text("\n".join(("image,x,y,class", *rows)) + "\n", encoding="utf-8")


def masks(path: Path) -> None:
    """A store of segments by colour, of the panoramas."""
    options = ["--file_vertical_fov=180", "--size=[48,256]", "--window_size=[48,64]"]
    main(
        [
            *("masks", "compute", "path/to/panoramas", str(path), *options),
            *("--window_stride=[48,64]", "--proposer=goodsam_pl.sam.Felzenszwalb"),
        ]
    )


def known_weights(path: Path) -> None:
    """Weights where a training would have left its checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(SegmentationNetwork(weights="streetworld").state_dict(), path)


def released_network(path: Path) -> None:
    """A network as smp publishes them on the hub, of random weights."""
    smp.Segformer("mit_b0", encoder_weights=None, classes=19).save_pretrained(path)


def released_sam(path: Path) -> None:
    """A SAM as Hugging Face publishes them, of random weights."""
    from tiny_transformers import tiny_sam  # noqa: PLC0415  # needs the extra

    tiny_sam().save_pretrained(path)


def released_sam3(path: Path) -> None:
    """A SAM 3 as Hugging Face publishes them, of random weights."""
    from tiny_concepts import write_sam3  # noqa: PLC0415  # needs the extra

    write_sam3(path)


def convolutional_student(path: Path) -> None:
    """A checkpoint whose network is traced in seconds; tests/deploy has a SegFormer."""
    checkpoint(path, architecture="linknet", encoder="resnet18")


def checkpoint(
    path: Path,
    taxonomy: str = "cityscapes-19",
    classes: int = 19,
    architecture: str = "segformer",
    encoder: str = "mit_b0",
) -> None:
    """A checkpoint of a training of one step, which brings its model."""
    data = path.parent / f"{taxonomy}_data"
    picture(data / "images/a.png", 32, 64)
    labels(data / "labels/a.png", 32, 64, classes)
    for split in ("train", "val"):
        (data / "splits").mkdir(exist_ok=True)
        (data / f"splits/{split}.txt").write_text("a\n")
    main(
        [
            "fit",
            "--model=goodsam_pl.modules.SourceSegmentation",
            "--model.network=goodsam_pl.networks.SegmentationNetwork",
            f"--model.network.classes={classes}",
            f"--model.network.architecture={architecture}",
            f"--model.network.encoder={encoder}",
            "--data=goodsam_pl.data.SourceDataModule",
            "--data.dataset=plain",
            f"--data.root={data}",
            f"--data.taxonomy={taxonomy}",
            "--data.num_workers=0",
            "--data.batch_size=1",
            "--trainer.max_steps=1",
            "--trainer.accelerator=cpu",
            "--trainer.logger=false",
            "--trainer.enable_progress_bar=false",
            "--trainer.enable_model_summary=false",
            f"--trainer.default_root_dir={data}",
            "--trainer.callbacks=lightning.pytorch.callbacks.ModelCheckpoint",
            f"--trainer.callbacks.dirpath={data}",
            "--trainer.callbacks.save_last=true",
        ]
    )
    (data / "last.ckpt").rename(path)


GIVEN: dict[str, Callable[[Path], None]] = {
    "path/to/panoramas": panoramas,
    "path/to/tagged_panoramas": tagged_panoramas,
    "path/to/ride.mp4": ride,
    "path/to/camvid": camvid,
    "path/to/photographs": photographs,
    "path/to/json": saved_masks,
    "path/to/boxes.json": boxes,
    "path/to/masks": masks,
    "docs/real/amsterdam_points.csv": points,
    "path/to/last.ckpt": checkpoint,
    "path/to/student.ckpt": convolutional_student,
    "path/to/stanford_13.ckpt": lambda path: checkpoint(path, "stanford2d3d-13", 13),
    "path/to/stanford_8.ckpt": lambda path: checkpoint(path, "stanford2d3d-8", 8),
    "data/streetworld": streetworld,
    "data/street_domains": street_domains,
    "data/DensePASS": densepass,
    "data/WildPASS": wildpass,
    "data/GTA5": gta5,
    "data/Cityscapes": cityscapes,
    "data/Stanford2D3D": stanford2d3d,
    "data/VOC2012": write_voc,
    "data/coco": write_coco,
    "runs/streetworld/source/last.ckpt": known_weights,
    "runs/streetworld/rectification/last.ckpt": known_weights,
    "runs/densepass/rectification/last.ckpt": known_weights,
    "runs/real/source/last.ckpt": known_weights,
    "hub/segformer": released_network,
    "hub/sam": released_sam,
    "hub/sam3": released_sam3,
}
"""Who makes what, by the path that our pages and configurations have for it."""
