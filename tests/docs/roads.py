"""How the pages are run: what each finds, what makes it shorter, and what is not run and why."""

from __future__ import annotations

from pages import CONFIGS, PAGES, Step, steps_of

ROADS: dict[str, tuple[str, ...]] = {
    "README.md docs/predict.md docs/report.md docs/around.md": (
        "path/to/panoramas",
        "path/to/tagged_panoramas",
        "path/to/ride.mp4",
        "path/to/last.ckpt",
        "path/to/camvid",
        "path/to/json",
        "data/DensePASS",
        "docs/real/amsterdam_points.csv",
        "hub/segformer",
    ),
    "configs/README.md": (),
    "docs/ablation.md": (),
    "docs/architecture.md": ("data/streetworld",),
    "docs/continual.md": ("path/to/panoramas",),
    "docs/dashboards.md docs/files.md": (),
    "docs/doctor.md": ("data/DensePASS",),
    "docs/evaluation.md": ("path/to/last.ckpt", "data/DensePASS"),
    "docs/export.md": ("path/to/student.ckpt", "data/streetworld"),
    "docs/goodsam.md": (
        "data/streetworld",
        "data/DensePASS",
        "runs/streetworld/source/last.ckpt",
        "runs/streetworld/rectification/last.ckpt",
        "hub/segformer",
    ),
    "docs/inspect.md": (
        "data/streetworld",
        "runs/streetworld/source/last.ckpt",
        "runs/streetworld/rectification/last.ckpt",
    ),
    "docs/mask_proposers.md": ("path/to/panoramas", "runs/real/source/last.ckpt", "hub/sam"),
    "docs/mask_store.md": ("path/to/panoramas", "path/to/masks", "path/to/json"),
    "docs/data_sets.md docs/expectations.md docs/questions.md docs/traps.md": (),
    "docs/gpu.md docs/sam_quality.md": (),
    "docs/start.md": (),
    "docs/own_classes.md": ("path/to/panoramas", "path/to/photographs"),
    "docs/scale.md": ("path/to/panoramas", "path/to/masks"),
    "docs/second_scale.md": (),
    "docs/ssr.md": ("data/GTA5", "data/Cityscapes", "data/DensePASS"),
    "docs/wsss.md": ("path/to/panoramas", "path/to/boxes.json", "path/to/last.ckpt", "hub/sam3"),
    "docs/wsss_training.md": ("path/to/panoramas", "data/VOC2012", "data/coco", "hub/sam3"),
    "docs/own_teacher.md": ("path/to/panoramas", "data/DensePASS"),
    "docs/wsss_proposers.md": (),
    "docs/wsss_refiner.md": (
        "path/to/panoramas",
        "path/to/boxes.json",
        "path/to/last.ckpt",
        "hub/sam",
    ),
    "docs/wsss_voter.md": ("path/to/panoramas", "hub/sam3"),
    "src/goodsam_pl/pretrained/segformer_b0_streetworld.md": (),
    "src/goodsam_pl/pretrained/vit_nano.md": (),
    "configs/continual": ("data/street_domains",),
    "configs/densepass": ("data/DensePASS", "hub/segformer"),
    "configs/evaluation": (
        "data/DensePASS",
        "data/WildPASS",
        "data/Stanford2D3D",
        "path/to/last.ckpt",
        "path/to/stanford_13.ckpt",
        "path/to/stanford_8.ckpt",
    ),
    "configs/goodsam/over": (
        "data/DensePASS",
        "data/WildPASS",
        "runs/streetworld/source/last.ckpt",
        "runs/densepass/rectification/last.ckpt",
        "hub/segformer",
    ),
}
"""Pages that are gone through in one folder, one after the other; or a folder of configurations
with the commands that no page has. And what lies there before the first step, of ``given.GIVEN``: a
reader has nothing else."""

HUB = {
    "smp-hub/segformer-b5-1024x1024-city-160k": "hub/segformer",
    "weights: imagenet": "weights: null",
    "weights imagenet": "weights streetworld",
    "model: vit_h": "model: vit_nano",
    "model: vit_b": "model: vit_nano",
    "points_per_side: 32": "points_per_side: 4",
    "predicted_iou_threshold: 0.88": "predicted_iou_threshold: null",
    "stability_threshold: 0.95": "stability_threshold: null",
    "facebook/sam2.1-hiera-tiny": "hub/sam",
    "facebook/sam-vit-base": "hub/sam",
    "facebook/sam3": "hub/sam3",
}
"""What would be downloaded, and the small thing that stands for it in configurations and blocks."""

IN_LISTS = {
    "points_per_side: 12": "points_per_side: 4",
    "height: 512, width: 512": "height: 32, width: 32",
    "height: 321, width: 321": "height: 33, width: 33",
}
"""What would take long and stands in an item of a list, where no option reaches it."""

PLACEHOLDERS = {
    "STORE": "path/to/masks",
    "NEW_STORE": "path/to/new_store",
    "IMAGES": "path/to/panoramas",
    "MASKS": "path/to/json",
    "OUT": "path/to/exported",
}
"""Words in capitals that stand for paths of the reader's."""

_WINDOWS = "--data.init_args.size [48,256] --data.init_args.window_size [48,64]"
_PANORAMAS = f"{_WINDOWS} --data.init_args.window_stride [48,64]"
_COMMANDS = r"(goodsam|lightning) "
SHORTER: dict[str, str] = {
    _COMMANDS + "streetworld": (
        "--source_train 2 --source_val 1 --target_train 2 --target_val 1 --target_test 1 "
        "--source_size [64,128] --panorama_size [48,256] --workers 1"
    ),
    _COMMANDS + "domains": "--train 2 --val 1 --test 1 --size 48 --workers 1",
    "--source_pretrain": "--source_pretrain 2",
    _COMMANDS + "(fit|test|predict) ": "--trainer.accelerator cpu",
    _COMMANDS + "(fit|test|predict) (?!.*configs/ssr)": "--data.init_args.num_workers 0",
    "predict .*--out path/to/labels": "--probabilities",  # the page goes on to read some
    _COMMANDS + "fit ": (
        "--trainer.max_steps 1 --trainer.precision 32-true --trainer.enable_progress_bar false"
    ),
    _COMMANDS + "fit (?!.*configs/ssr)": "--data.init_args.batch_size 2",
    "configs/ssr": "--trainer.val_check_interval 1",
    "daformer_b0": "--model.init_args.network.init_args.channels 32",
    "configs/ssr/(gta5|cityscapes)": (
        "--model.init_args.network.init_args.encoder mit_b0 --model.init_args.ignored_rows [2,5] "
        "--model.init_args.reference.init_args.encoder mit_b0 "
        "--data.init_args.source.init_args.size [48,96] "
        "--data.init_args.source.init_args.num_workers 0 "
        "--data.init_args.target.init_args.num_workers 0"
    ),
    "configs/ssr/gta5": "--data.init_args.target.init_args.size [32,64]",
    "configs/ssr/cityscapes": (
        "--data.init_args.target.init_args.size [48,256] "
        "--data.init_args.target.init_args.window_size [48,64] "
        "--data.init_args.target.init_args.window_stride [48,64]"
    ),
    "fit .*configs/(streetworld/(full_)?(rect|dist)|goodsam/[a-z_]+.yaml$)": (
        "--trainer.val_check_interval 1"
    ),
    "configs/(streetworld|real)/(full_)?(rect|dist)": _PANORAMAS,
    "configs/(goodsam/[a-z]+[_.]|densepass)": _PANORAMAS,
    "configs/own/(rect|dist)": (
        "--data.init_args.size [64,320] --data.init_args.vertical_fov 72 "
        "--data.init_args.window_size [64,64] --data.init_args.window_stride [64,64]"
    ),
    "configs/goodsam/plus_plus": (
        "--data.init_args.horizontal_window_size [24,64] "
        "--data.init_args.horizontal_window_stride [24,64] "
        "--data.init_args.vertical_window_size [48,32] "
        "--data.init_args.vertical_window_stride [48,32]"
    ),
    "goodsam check-data configs": "--data.init_args.num_workers 0",
    "configs/wsss/(streetworld|panoramas)": _PANORAMAS,
    "fit .*configs/wsss/streetworld": "--trainer.val_check_interval 1",
    "configs/wsss/(voc|coco)": (
        "--model.init_args.network.init_args.encoder resnet18 "
        "--model.init_args.network.init_args.frozen_norm false"
    ),
    "configs/continual/streetworld": "--model.init_args.epochs 1 --data.init_args.buffer 2",
    "configs/sam": "--data.init_args.panoramas 2 --data.init_args.photographs 1",
    "configs/evaluation/(dense|wild)pass": _PANORAMAS,
    "configs/evaluation/stanford": (
        "--data.init_args.size [128,256] --data.init_args.window_size [64,64] "
        "--data.init_args.window_stride [64,64]"
    ),
    "configs/evaluation/stanford2d3d_13": "--ckpt_path path/to/stanford_13.ckpt",
    "configs/evaluation/stanford2d3d_8": "--ckpt_path path/to/stanford_8.ckpt",
    "masks import path/to/json path/to/new_store": "--file_vertical_fov 180",
    "goodsam masks (compute|import)": "--size [48,256]",
    "goodsam masks compute": "--window_size [48,64] --window_stride [48,64]",
    "masks compute .*SegmentAnything|masks compute .*TransformersSAM": (
        "--proposer.points_per_side 4"
    ),
    "goodsam masks refine": "--rounds 1 --points 2",
    "goodsam ablate": "--seeds []",
    "goodsam film": "--device cpu",
}
"""Options that are added to every command in which the expression is found, in this order. They
make it short; nothing else is changed about it."""

NOT_RUN: dict[str, str] = {
    "make ": "the test of targets below; the demo takes minutes, the tests would run themselves",
    "for s in 0 1 2; do make demo": "three demos; tests/scripts has label_quality.py",
    "goodsam test --config runs/demo/": "of a demo that has run",
    "goodsam ablate PLAN.yaml": "docs/ablation.md has the plans",
    "python scripts/compare_presets.py COMMIT": "minutes; tests/scripts has it",
    "goodsam weights vit_h": "downloads 2.6 GB; tests/sam has a server of its own",
    "goodsam weights vit_b": "downloads 375 MB; tests/sam has a server of its own",
    "git clone REPOSITORY": "the tests run in a clone",
    "source .venv/bin/activate": "changes the shell alone",
    "pip install": "the environment of the tests is what it makes",
    "hf download": "downloads",
    "python benchmarks/masks.py --model vit_b": "downloads; a benchmark of minutes",
    "python benchmarks/words.py": "a benchmark of minutes",
    "python benchmarks/scale.py": "a rehearsal of minutes; tests/benchmarks has it",
    "torchrun --nnodes 4": "needs four machines; tests/cli/masks has what a process does",
    "srun goodsam masks compute": "needs SLURM",
    "goodsam masks compute path/to/panoramas path/to/routed_masks": "needs the adapters of a "
    "whole sequence; tests/cli/masks/test_routed.py has it",
    "python scripts/gpu.py": "minutes, most of it on a GPU; tests/scripts has it",
    "python benchmarks/steps.py": "a benchmark of minutes; tests/benchmarks has it",
    "python benchmarks/start.py": "a benchmark of minutes",
    "python benchmarks/attention.py": "a benchmark of minutes",
    "python benchmarks/report.py": "needs a browser; tests/views/report has one where there is one",
    "python benchmarks/inference.py": "a benchmark of minutes",
    "hf upload": "uploads",
    "python benchmarks/continual.py": "a benchmark of minutes",
    "python scripts/sequence_means.py": "needs sequences that ended; tests/scripts has it",
    "python scripts/domain_routing.py": "needs domains of one's own; tests/scripts has it",
    "python scripts/sam_quality.py": "hours with its students; tests/scripts has it",
    "python scripts/refined_labels.py": "needs a demo that has run; tests/scripts has it",
    "python scripts/words_quality.py": "needs demos that have run; tests/scripts has it",
    "python scripts/dashboard_workspace.py": "needs an account; tests/scripts has its layout",
    "python scripts/dashboard_picture.py": "needs a run of minutes; tests/scripts has it",
    "python scripts/training_curves.py": "needs hours of trainings; tests/scripts has it",
    "python scripts/measure_nano_sam.py": "draws 36 scenes; a measurement of minutes",
}
"""Commands that begin so are not run, for these reasons."""


def is_page(road: str) -> bool:
    """Whether a road is of pages, and no folder of configurations."""
    return road.endswith(".md")


def steps(road: str) -> list[Step]:
    """What is to be done on a road, in order; a command that another road does is left out."""
    if is_page(road):
        return [step for page in road.split() for step in steps_of(page)]
    told = {step.text for page in PAGES for step in steps_of(page)}
    found: list[Step] = []
    for config in CONFIGS:
        for step in steps_of(config):
            if step.text not in told and config.rpartition("/")[0] == road:
                found.append(step)
            told.add(step.text)
    return found
