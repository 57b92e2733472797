from __future__ import annotations

from pathlib import Path

import pytest

from goodsam_pl.experiments import runner
from goodsam_pl.experiments.jobs import OUT, in_order, plan_runs
from goodsam_pl.experiments.plan import read_plan

PLANS = Path(__file__).resolve().parents[2] / "configs" / "goodsam" / "ablation"


def jobs_of(path):
    return in_order(job for run in plan_runs(read_plan(path)) for job in run.jobs)


def runs_by_name(path):
    return {(run.variation, run.seed): run for run in plan_runs(read_plan(path))}


def test_what_is_the_same_is_done_once_and_after_its_inputs(plan_file):
    names = [job.name for job in jobs_of(plan_file)]
    assert names.count("flour") == 1  # for both seeds
    assert names.count("rectification-fit") == 2  # a seed, shared by full and -yeast
    assert names.count("rectification-test") == 4  # trained, and for -dough as it starts
    assert names.count("distillation-fit") == 6
    done = set()
    for job in jobs_of(plan_file):
        assert {each.key for each in job.inputs} <= done
        done.add(job.key)


def test_a_limit_of_validations_shortens_trainings_not_scores(plan_file):
    text = plan_file.read_text()
    limited = "overrides: {trainer.max_steps: 3, trainer.limit_val_batches: 1}"
    plan_file.write_text(text.replace("overrides: {trainer.max_steps: 3}", limited))
    limits = {
        job.verb: job.settings["trainer"]["limit_val_batches"]
        for job in jobs_of(plan_file)
        if job.has_config
    }
    assert limits == {"fit": 1, "test": None}


def test_paths_of_the_presets_become_those_of_the_stages(plan_file, tmp_path):
    run = runs_by_name(plan_file)["full", 1]
    fit = {job.name: job for job in run.jobs}
    dough, bread = (
        fit[f"{name}-fit"].placed(tmp_path) for name in ("rectification", "distillation")
    )
    folder = fit["rectification-fit"].folder(tmp_path)
    assert dough["model"]["init_args"]["flour"] == f"{fit['flour'].folder(tmp_path)}/rye"
    assert dough["trainer"]["default_root_dir"] == str(folder)
    assert dough["trainer"]["callbacks"][0]["init_args"]["dirpath"] == str(folder)
    assert dough["trainer"]["max_steps"] == 3
    assert dough["seed_everything"] == 1
    assert bread["model"]["init_args"]["dough"] == f"{folder}/last.ckpt"
    scored = fit["distillation-test"]
    assert scored.checkpoint is fit["distillation-fit"]
    trained = fit["distillation-fit"].settings
    whole = {"trainer": trained["trainer"] | {"limit_val_batches": None}}
    assert scored.settings == trained | whole
    assert scored.folder(tmp_path) != fit["distillation-fit"].folder(tmp_path)


def test_the_best_checkpoint_can_be_scored(plan_file, tmp_path):
    usual = runs_by_name(plan_file)["full", 1]
    text = plan_file.read_text()
    plan_file.write_text(text.replace("bread.yaml}", "bread.yaml, scored: best}"))
    best = runs_by_name(plan_file)["full", 1]

    before, now = ({job.name: job for job in run.jobs} for run in (usual, best))
    assert now["distillation-fit"].key == before["distillation-fit"].key  # the same training
    assert now["distillation-test"].key != before["distillation-test"].key
    assert now["rectification-test"].key == before["rectification-test"].key

    folder = now["distillation-fit"].folder(tmp_path)
    folder.mkdir(parents=True)
    now["distillation-test"].folder(tmp_path).mkdir(parents=True)
    for name in ("last", "best"):
        (folder / f"{name}.ckpt").touch()
    for jobs, name in ((before, "last"), (now, "best")):
        jobs["distillation-test"].folder(tmp_path).mkdir(parents=True, exist_ok=True)
        words = runner._words(jobs["distillation-test"], tmp_path)
        assert words[-1] == f"--ckpt_path={folder / name}.ckpt"


def test_a_training_without_a_best_checkpoint_is_not_done(plan_file, tmp_path):
    plan_file.write_text(plan_file.read_text().replace("bread.yaml}", "bread.yaml, scored: best}"))
    fit = next(j for j in jobs_of(plan_file) if j.name == "distillation-fit")
    fit.folder(tmp_path).mkdir(parents=True)
    (fit.folder(tmp_path) / "last.ckpt").touch()
    assert runner._finish(fit, tmp_path, 0) == (
        "left no best.ckpt: give the preset's ModelCheckpoint that `filename`"
    )


def test_an_untrained_stage_is_scored_and_no_input(plan_file):
    run = runs_by_name(plan_file)["-dough", 0]
    assert sorted(job.name for job in run.jobs) == [
        "distillation-fit", "distillation-test", "flour", "rectification-test"
    ]  # fmt: skip


def test_stages_that_do_the_same_share_a_folder_whatever_their_names(plan_file, tmp_path):
    raw = "  raw: {config: dough.yaml, trained: false}\npresets:"
    scores = "scores: {student: distillation.iou, ta: rectification.iou, source_only: raw.iou}"
    text = plan_file.read_text().replace("presets:", raw)
    plan_file.write_text(text.replace("    variations:", f"    {scores}\n    variations:"))
    runs = runs_by_name(plan_file)
    scored = {name: job.folder(tmp_path) for name, (job, _) in runs["-dough", 0].scores.items()}
    assert scored["ta"] == scored["source_only"] != scored["student"]
    jobs = [job for run in runs.values() for job in run.jobs]
    assert len({job.folder(tmp_path) for job in jobs}) == len({job.key for job in jobs})


def test_weights_of_an_untrained_stage_are_refused(plan_file):
    text = plan_file.read_text().replace("{flour}/flour.ckpt", "{rectification}/last.ckpt")
    plan_file.write_text(text)
    with pytest.raises(ValueError, match="-dough / distillation needs the weights of 'rectif"):
        plan_runs(read_plan(plan_file))


def test_unknown_placeholders_are_named(plan_file):
    plan_file.write_text(plan_file.read_text().replace("{flour}/", "{water}/"))
    with pytest.raises(ValueError, match=r"\{water\} is none of \{seed\}, \{out\}, \{flour\}"):
        plan_runs(read_plan(plan_file))


def test_a_key_changes_with_all_that_comes_before_and_with_nothing_else(plan_file):
    before = {job.key for job in jobs_of(plan_file)}
    text = plan_file.read_text()
    plan_file.write_text(text.replace("Flat.", "Very flat.").replace("title: Bread", "title: Cake"))
    assert {job.key for job in jobs_of(plan_file)} == before
    plan_file.write_text(text.replace("model.yeast: 0.0", "model.yeast: 0.5"))
    changed = [job for job in jobs_of(plan_file) if job.key not in before]
    assert {job.name for job in changed} == {"distillation-fit", "distillation-test"}
    assert len(changed) == 4  # -yeast, two seeds
    plan_file.write_text(text.replace("fine: true", "fine: false"))
    assert not before & {job.key for job in jobs_of(plan_file)}


def test_settings_name_no_folder_of_this_machine(plan_file):
    assert all(str(plan_file.parent) not in str(job.settings) for job in jobs_of(plan_file))
    assert any(OUT in str(job.settings) for job in jobs_of(plan_file))


def test_our_plan_shares_what_it_can():
    names = [job.name for job in jobs_of(PLANS / "streetworld.yaml")]
    variations, of_the_student_alone = 29, 21
    assert names.count("data") == 1
    assert names.count("source-fit") == names.count("source_only-test") == 3
    assert names.count("distillation-fit") == 3 * variations
    assert names.count("rectification-fit") == 3 * (variations - of_the_student_alone)


def test_the_second_scale_trains_twice_to_rectify_and_eight_times_to_distil():
    names = [job.name for job in jobs_of(PLANS / "full_streetworld.yaml")]
    assert names.count("data") == 1
    assert names.count("source-fit") == names.count("source_only-test") == 3
    assert names.count("rectification-fit") == 3 * 2  # full, -SAM
    assert names.count("distillation-fit") == names.count("distillation-test") == 3 * 8


def test_the_source_city_is_drawn_and_trained_on_once_for_all_severities():
    names = [job.name for job in jobs_of(PLANS / "severity.yaml")]
    assert names.count("pinhole") == 1
    assert names.count("source-fit") == 3
    assert names.count("panoramas") == 5
    assert names.count("distillation-fit") == 15


def test_an_override_that_leads_nowhere_names_both_files(plan_file):
    plan_file.write_text(plan_file.read_text().replace("model.yeast: 0.0", "model.yeast.more: 0"))
    with pytest.raises(
        ValueError,
        match=r"plan\.yaml: loaf / -yeast / distillation: of .*bread\.yaml: override 'model\.yeast",
    ):
        plan_runs(read_plan(plan_file))


def test_a_key_that_is_no_name_is_told(plan_file):
    """Beside names, such keys cannot be sorted."""
    path = plan_file.with_name("bread.yaml")
    path.write_text(path.read_text().replace("yeast: 1.0", "yeast: {5: 6, a: 7}"))
    with pytest.raises(ValueError, match=r"bread\.yaml\.model\.init_args\.yeast: the key 5 is no"):
        plan_runs(read_plan(plan_file))


def test_parts_of_a_preset_are_read_in_their_place(plan_file, tmp_path):
    """Whether values stand in the preset or in a part of it, the job is the same."""
    before = [job.key for job in jobs_of(plan_file)]
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "oven.yaml").write_text("{default_root_dir: runs/bread}\n")
    path = plan_file.with_name("bread.yaml")
    path.write_text(path.read_text().split("trainer:")[0] + "trainer: ./parts/oven.yaml\n")
    assert [job.key for job in jobs_of(plan_file)] == before


def test_a_preset_without_a_folder_is_named(plan_file):
    path = plan_file.with_name("bread.yaml")
    path.write_text(path.read_text().replace("default_root_dir: runs/bread", ""))
    with pytest.raises(
        ValueError, match=r"bread\.yaml\.trainer: the key 'default_root_dir' is mis"
    ):
        plan_runs(read_plan(plan_file))


def test_placeholders(plan_file, tmp_path):
    options = '{out: "{out}", seed: "{seed}", name: "sack {seed}"}'
    text = plan_file.read_text().replace('{out: "{out}", fine: true}', options)
    plan_file.write_text(text)
    flour = next(job for job in runs_by_name(plan_file)["full", 1].jobs if job.name == "flour")
    folder = str(flour.folder(tmp_path))
    assert flour.placed(tmp_path) == {"out": folder, "seed": 1, "name": "sack 1"}


def test_an_override_reaches_into_a_class_or_takes_its_place(plan_file):
    text = plan_file.read_text()
    changes = "{model.oven.heat: 9, model.oven: {class_path: Stove}, trainer.logger: {a: 1}}"
    plan_file.write_text(text.replace("{model.yeast: 0.0}", changes))
    path = plan_file.with_name("bread.yaml")
    oven = "oven: {class_path: Oven, init_args: {heat: 5, fan: true}}"
    path.write_text(path.read_text().replace("yeast: 1.0", f"yeast: 1.0, {oven}"))
    runs = runs_by_name(plan_file)
    changed, full = (
        next(job for job in runs[name, 0].jobs if job.name == "distillation-fit").settings
        for name in ("-yeast", "full")
    )
    assert changed["model"]["init_args"]["oven"] == {"class_path": "Stove"}
    assert changed["trainer"]["logger"] == {"a": 1}
    assert full["model"]["init_args"]["oven"]["init_args"] == {"heat": 5, "fan": True}
